"""A thousand viewers on one hub that is restarted: told when to come back, each at another time, and back
with what they had.
"""

import asyncio
import json
import resource
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from tests.hub_process import HubProcess

CROWD = 1_000
AT_ONCE = 50  # handshakes under way, when the crowd comes for the first time
DEADLINE_S = 90.0
QUARTER_S = 0.25
FEED = "device/pump"


@dataclass
class Member:
    """One of the crowd: where it was, and what it was told when the hub stopped."""

    live: aiohttp.ClientWebSocketResponse
    subscribed: dict[str, Any]
    retry_after_s: float = 0.0

    @property
    def resume(self) -> dict[str, Any]:
        return {name: self.subscribed[name] for name in ("epoch", "offset")}

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of that type."""
        while True:
            frame = await self.live.receive()
            assert frame.type is aiohttp.WSMsgType.TEXT, frame
            found = json.loads(frame.data)
            for message in found if isinstance(found, list) else [found]:
                if message["type"] == kind:
                    return dict(message)

    async def sent_home(self) -> None:
        """Told when to come back, and then that the service restarts."""
        self.retry_after_s = (await self.until("shutdown"))["retry_after_s"]
        assert (await self.live.receive()).type is aiohttp.WSMsgType.CLOSE
        assert self.live.close_code == 1012


class Crowd:
    """Viewers of one device."""

    def __init__(self, hub: HubProcess, token: str, session: aiohttp.ClientSession) -> None:
        self.members: list[Member] = []
        self._hub = hub
        self._headers = {"Authorization": f"Bearer {token}"}
        self._session = session

    async def come(self, resume: dict[str, Any] | None = None) -> Member:
        """One more."""
        live = await self._session.ws_connect(f"{self._hub.url}/api/v1/live", headers=self._headers)
        member = Member(live, {})
        await live.send_json({"type": "subscribe", "channel": FEED, "resume": resume})
        member.subscribed = await member.until("subscribed")
        self.members.append(member)
        return member

    async def gather(self) -> None:
        """All of them."""
        room = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with room:
                await self.come()

        async with asyncio.TaskGroup() as group:
            for _ in range(CROWD):
                group.create_task(one())

    async def come_back(self) -> None:
        """Each when it was told to, from where it was."""
        gone, self.members = self.members, []

        async def one(member: Member) -> None:
            await asyncio.sleep(member.retry_after_s)  # as it was told
            await self.come(member.resume)

        async with asyncio.TaskGroup() as group:
            for member in gone:
                group.create_task(one(member))

    async def leave(self) -> None:
        await asyncio.gather(*(member.live.close() for member in self.members))


@pytest.fixture
def allow_files() -> Iterator[Callable[[int | None], None]]:
    """Sets how many files this process, and what it starts, may open; None for as many as the system lets
    it.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield lambda most: resource.setrlimit(resource.RLIMIT_NOFILE, (hard if most is None else most, hard))
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@asynccontextmanager
async def gathered(hub: HubProcess, token: str) -> AsyncIterator[Crowd]:
    async with AsyncExitStack() as stack:
        connector = aiohttp.TCPConnector(limit=0)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None))
        )
        crowd = Crowd(hub, token, session)
        stack.push_async_callback(crowd.leave)
        await crowd.gather()
        yield crowd


async def publish(hub: HubProcess, key: str, value: float) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{hub.url}/api/v1/telemetry", json={"n": value}) as answer,
    ):
        assert answer.status == 200, await answer.text()


def fullest_quarter(waits_s: list[float]) -> int:
    """How many come back within a quarter of a second, at most."""
    return max(sum(at <= other < at + QUARTER_S for other in waits_s) for at in waits_s)


async def test_a_restart_sends_a_thousand_home_at_different_times_and_takes_all_of_them_back(
    start_hub: Callable[..., HubProcess], allow_files: Callable[[int | None], None]
) -> None:
    allow_files(512)  # the hub sees to it itself that it may have more
    hub = await asyncio.to_thread(start_hub, HUB__LIVE__VIEWERS_PER_ADDRESS_MAX="2000")
    allow_files(None)
    key = await asyncio.to_thread(hub.add_device, "pump")
    token = await asyncio.to_thread(hub.token)
    await publish(hub, key, 1.0)
    async with asyncio.timeout(DEADLINE_S), gathered(hub, token) as crowd:
        stopping = asyncio.ensure_future(asyncio.to_thread(hub.stop))
        await asyncio.gather(*(member.sent_home() for member in crowd.members))
        assert await stopping == 0
        epoch = crowd.members[0].subscribed["epoch"]
        waits_s = [member.retry_after_s for member in crowd.members]
        assert (min(waits_s) >= 1.0, max(waits_s) <= 6.0) == (True, True)
        assert len(set(waits_s)) > CROWD * 0.8  # told to the millisecond, of 5,000
        assert fullest_quarter(waits_s) < CROWD / 10  # a twentieth is due in each

        await asyncio.to_thread(hub.start)
        coming = asyncio.ensure_future(crowd.come_back())
        while not crowd.members:
            await asyncio.sleep(0.01)
        newcomer = await crowd.come()
        assert len(crowd.members) < CROWD  # it was served while the crowd was still coming
        await coming

        await publish(hub, key, 2.0)
        told = await asyncio.gather(*(member.until("readings") for member in crowd.members))
        back = [member.subscribed for member in crowd.members]
    assert len(told) == CROWD + 1
    assert {message["readings"][0][1]["n"] for message in told} == {2.0}
    assert {answer["snapshot"]["n"][1] for answer in back} == {1.0}  # what it was before the restart
    # Another run of the hub is another stream; all are told so, and that what they missed is not in it.
    assert {(answer["epoch"], answer["recovered"]) for answer in back} == {
        (newcomer.subscribed["epoch"], False)
    }
    assert newcomer.subscribed["epoch"] != epoch

"""A healthy device and a healthy viewer beside an attack: nothing of theirs may be lost."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import aiohttp

from tests.attacks.attackers import Target
from tests.hub_process import HubProcess

INTERVAL_S = 0.02  # between readings
DEADLINE_S = 30.0


class Figures(NamedTuple):
    """How late the pair's acknowledgements and live readings were, in ms."""

    ack_p50: float
    ack_p99: float
    seen_p99: float


def percentile(sorted_s: list[float], percent: int) -> float:
    """In ms, of seconds."""
    return sorted_s[min(len(sorted_s) - 1, len(sorted_s) * percent // 100)] * 1000


@dataclass
class Pair:
    """What the device sent, was told to be stored, and what the viewer saw of it."""

    sent: int = 0
    acknowledged: set[int] = field(default_factory=set)
    seen: set[int] = field(default_factory=set)
    sent_at: dict[int, float] = field(default_factory=dict)  # s
    ack_s: dict[int, float] = field(default_factory=dict)  # after it was sent
    seen_s: dict[int, float] = field(default_factory=dict)

    async def send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Readings in their order, until cancelled."""
        while True:
            self.sent += 1
            self.sent_at[self.sent] = time.monotonic()
            await socket.send_json({"id": self.sent, "values": {"n": float(self.sent)}})
            await asyncio.sleep(INTERVAL_S)

    async def hear(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """The device's acknowledgements, until the socket ends."""
        async for frame in socket:
            message = json.loads(frame.data)
            if message["type"] == "ack":
                self.acknowledged.add(message["id"])
                self.ack_s[message["id"]] = time.monotonic() - self.sent_at[message["id"]]

    async def watch(self, socket: aiohttp.ClientWebSocketResponse, subscribed: asyncio.Event) -> None:
        """What the viewer gets, until the socket ends."""
        async for frame in socket:
            found = json.loads(frame.data)
            for message in found if isinstance(found, list) else [found]:
                if message["type"] == "subscribed":
                    subscribed.set()
                if message["type"] == "readings":
                    assert "skipped" not in message
                    for number in (round(values["n"]) for _, values in message["readings"]):
                        self.seen.add(number)
                        self.seen_s[number] = time.monotonic() - self.sent_at[number]

    def figures(self, first: int, last: int) -> "Figures":
        """Of the readings from `first` up to `last`; what has not come counts as late as it is now."""
        now_s = time.monotonic()

        def late_s(known: dict[int, float]) -> list[float]:
            numbers = range(first, last)
            return sorted(known.get(one, now_s - self.sent_at[one]) for one in numbers)

        return Figures(
            percentile(late_s(self.ack_s), 50),
            percentile(late_s(self.ack_s), 99),
            percentile(late_s(self.seen_s), 99),
        )

    async def whole(self) -> None:
        """Wait until all that was sent is acknowledged and seen; fails after the deadline."""
        wanted = set(range(1, self.sent + 1))
        async with asyncio.timeout(DEADLINE_S):
            while not (wanted <= self.acknowledged and wanted <= self.seen):
                await asyncio.sleep(0.02)


@asynccontextmanager
async def healthy_pair(hub: HubProcess) -> AsyncIterator[Pair]:
    """Device and viewer at work; at the end everything that was sent has arrived at both ends."""
    key = await asyncio.to_thread(hub.add_device, "healthy")
    token = await asyncio.to_thread(hub.token)
    pair, subscribed = Pair(), asyncio.Event()
    async with (
        aiohttp.ClientSession(hub.url) as session,
        _socket(session, "/api/v1/live", token) as viewer,
        _socket(session, "/api/v1/device/socket", key) as device,
        asyncio.TaskGroup() as tasks,
    ):
        await viewer.send_json({"type": "subscribe", "channel": "device/healthy"})
        watching = tasks.create_task(pair.watch(viewer, subscribed))
        hearing = tasks.create_task(pair.hear(device))
        await asyncio.wait_for(subscribed.wait(), DEADLINE_S)
        sending = tasks.create_task(pair.send(device))
        yield pair
        sending.cancel()
        await asyncio.wait([sending])
        await pair.whole()
        assert [task.done() for task in (watching, hearing)] == [False, False]  # their sockets are open
        watching.cancel()
        hearing.cancel()


def _socket(session: aiohttp.ClientSession, path: str, secret: str) -> Any:
    return session.ws_connect(path, headers={"Authorization": f"Bearer {secret}"})


class Outcome(NamedTuple):
    """How the pair fared without the attack and beside it."""

    calm: Figures
    beside: Figures


async def attacked(
    hub: HubProcess, target: Target, calm_s: float, attacked_s: float, nice: int | None = None
) -> Outcome:
    """Watch a healthy pair, first alone, then beside the attack. Fails where anything of theirs is lost.

    The attacker runs with this niceness, or with that of this process.
    """
    async with healthy_pair(hub) as pair:
        await asyncio.sleep(calm_s)
        calm = pair.sent
        command = (sys.executable, "-m", "tests.attacks.attackers", target.as_json())
        attacker = await asyncio.create_subprocess_exec(*command)
        if nice is not None:
            os.setpriority(os.PRIO_PROCESS, attacker.pid, nice)
        try:
            await asyncio.sleep(attacked_s)
            outcome = Outcome(pair.figures(1, calm), pair.figures(calm, pair.sent))
        finally:
            if attacker.returncode is None:
                attacker.kill()
            await attacker.wait()
    return outcome

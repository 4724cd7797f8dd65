"""The live channels as Server-Sent Events."""

import asyncio
import json
from contextlib import asynccontextmanager
from typing import Any

import pytest

from hub.config import Config, LiveConfig
from hub.model import Role
from tests.http.conftest import Hub
from tests.waiting import until

T0 = 1_700_000_000_000


@pytest.fixture
def config() -> Config:
    return Config(live=LiveConfig(subscriptions_max=2, ping_interval_s=0.2))


class Stream:
    """A stream's events, one by one, as (id, messages); comments are counted."""

    def __init__(self, response: Any) -> None:
        self.response = response
        self.comments = 0
        self.retry_ms = 0
        self.last_id = ""

    async def event(self) -> list[dict[str, Any]]:
        """The messages of the next event that has any."""
        while True:
            content = b""
            async for line in self.response.content:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                if name == "id":
                    self.last_id = value
                elif name == "retry":
                    self.retry_ms = int(value)
                elif name == "data":
                    content = value.encode()
                elif value:
                    assert name == ""
                    self.comments += 1
                if line == b"\n":
                    break
            else:
                raise EOFError
            if content:
                found = json.loads(content)
                return found if isinstance(found, list) else [found]


@asynccontextmanager
async def streaming(hub: Hub, query: str, **headers: str) -> Any:
    async with hub.client.get(
        f"/api/v1/live/sse?{query}", headers={**hub.bearer(Role.VIEWER), **headers}
    ) as response:
        assert response.status == 200, await response.text()
        assert response.headers["Content-Type"] == "text/event-stream"
        yield Stream(response)


async def test_it_says_what_the_socket_says(hub: Hub) -> None:
    await hub.device()
    async with streaming(hub, "channel=device/boiler") as stream:
        hello, subscribed = await stream.event()
        assert (hello["type"], subscribed["type"]) == ("hello", "subscribed")
        await hub.send({"ts": T0, "values": {"n": 1.0}})
        told: list[dict[str, Any]] = [{"type": ""}]
        while told[-1]["type"] != "readings":
            told += await stream.event()
    assert told[-1]["readings"] == [[T0, {"n": 1.0}]]


async def test_the_last_id_goes_on_where_every_channel_was(hub: Hub) -> None:
    for name in ("a", "b"):
        await hub.device(name)
    query = "channel=device/a&channel=device/b"
    async with streaming(hub, query) as stream:
        await stream.event()
        last_id = stream.last_id
    await until(lambda: hub.rooms.feed.device("a").viewers == 0)
    await hub.send({"ts": T0, "values": {"n": 1.0}}, "a")
    await hub.send({"ts": T0, "values": {"n": 2.0}}, "b")
    async with streaming(hub, query, **{"Last-Event-ID": last_id}) as stream:
        _, first, second = await stream.event()
    assert (first["channel"], first["recovered"], first["readings"]) == (
        "device/a",
        True,
        [[T0, {"n": 1.0}]],
    )
    assert (second["channel"], second["readings"]) == ("device/b", [[T0, {"n": 2.0}]])


@pytest.mark.parametrize("last_id", ["nonsense", "e1:0,e1:0", "e1:-1", "e1:9" * 20, "old:0"])
async def test_an_id_that_is_none_of_this_stream_recovers_nothing(hub: Hub, last_id: str) -> None:
    await hub.device()
    async with streaming(hub, "channel=device/boiler", **{"Last-Event-ID": last_id}) as stream:
        _, subscribed = await stream.event()
    assert subscribed["recovered"] is False


async def test_a_quiet_stream_carries_comments(hub: Hub) -> None:
    async with streaming(hub, "channel=alerts") as stream:
        await stream.event()

        async def hear() -> None:
            await stream.event()

        listening = asyncio.ensure_future(hear())
        await until(lambda: stream.comments >= 3)
        listening.cancel()


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("channel=weather", 404),
        ("channel=device/none", 404),
        ("channel=overview&channel=alerts&channel=label/a=b", 422),
        ("channel=overview&token=secret", 422),
    ],
)
async def test_what_cannot_be_watched_is_a_plain_answer(hub: Hub, query: str, status: int) -> None:
    assert (await hub.call("GET", f"/api/v1/live/sse?{query}"))[0] == status
    assert (await hub.call("GET", f"/api/v1/live/sse?{query}", headers={}))[0] == 401


async def test_a_browser_comes_in_with_its_session_and_a_scope_holds(hub: Hub) -> None:
    await hub.device("mine")
    await hub.device("other")
    headers = {**await hub.session(), "Sec-Fetch-Site": "same-origin"}
    async with hub.client.get("/api/v1/live/sse?channel=device/other", headers=headers) as response:
        assert response.status == 200
    scoped = hub.bearer(Role.VIEWER, ["mine"])
    assert (await hub.call("GET", "/api/v1/live/sse?channel=device/other", headers=scoped))[0] == 404


async def test_a_session_that_ends_ends_the_stream(hub: Hub) -> None:
    session = await hub.session()
    async with hub.client.get("/api/v1/live/sse?channel=overview", headers=session) as response:
        stream = Stream(response)
        await stream.event()
        await hub.call("DELETE", "/api/v1/session", headers={**session, "Origin": hub.url})
        with pytest.raises(EOFError):
            await stream.event()


async def test_a_stopping_hub_says_when_to_come_back(new_hub: Hub) -> None:
    async with streaming(new_hub, "channel=overview") as stream:
        await stream.event()
        stopping = asyncio.ensure_future(new_hub.server.stop())
        [shutdown] = await stream.event()
        assert shutdown["type"] == "shutdown"
        assert 1.0 <= shutdown["retry_after_s"] <= 2.0
        assert stream.retry_ms == pytest.approx(shutdown["retry_after_s"] * 1000, abs=1)
        with pytest.raises(EOFError):
            await stream.event()
    await stopping


async def test_curl_shows_the_stream(hub: Hub) -> None:
    await hub.device()
    process = await asyncio.create_subprocess_exec(
        "curl", "-sN", "-H", f"Authorization: Bearer {hub.token()}",
        f"{hub.url}/api/v1/live/sse?channel=device/boiler",
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        async with asyncio.timeout(15):
            while b'"type":"subscribed"' not in await process.stdout.readline():
                pass
            await hub.send({"n": 7.0})
            while b'{"n":7.0}' not in await process.stdout.readline():
                pass
    finally:
        process.terminate()
        await process.communicate()

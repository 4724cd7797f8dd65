"""Server-Sent Events over the end of a hub, stopped or killed: the last id is good for nothing then, and says
so.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from tests.http.test_sse import Stream
from tests.hub_process import HubProcess

T0_MS = 1_767_268_800_000


@asynccontextmanager
async def streaming(hub: HubProcess, token: str, last_id: str = "") -> AsyncIterator[Stream]:
    headers = {"Authorization": f"Bearer {token}", **({"Last-Event-ID": last_id} if last_id else {})}
    async with (
        aiohttp.ClientSession(hub.url, headers=headers) as session,
        session.get("/api/v1/live/sse?channel=device/pump") as response,
    ):
        assert response.status == 200, await response.text()
        yield Stream(response)


async def message_of(stream: Stream, kind: str) -> dict[str, Any]:
    """The next message of that type."""
    while True:
        for message in await stream.event():
            if message["type"] == kind:
                return message


async def send(hub: HubProcess, key: str, *numbers: int) -> None:
    body = [{"ts": T0_MS + n, "values": {"n": n}} for n in numbers]
    async with (
        aiohttp.ClientSession(hub.url, headers={"Authorization": f"Bearer {key}"}) as session,
        session.post("/api/v1/telemetry", json=body) as answer,
    ):
        assert answer.status == 200, await answer.text()


async def history(hub: HubProcess, token: str, start_ms: float) -> list[float]:
    """The stored values after a time."""
    async with (
        aiohttp.ClientSession(hub.url, headers={"Authorization": f"Bearer {token}"}) as session,
        session.get(
            "/api/v1/devices/pump/history",
            params={"metric": "n", "from": start_ms + 1, "to": T0_MS + 1_000, "tier": "raw"},
        ) as answer,
    ):
        assert answer.status == 200, await answer.text()
        found: list[float] = (await answer.json())["value"]
        return found


@pytest.mark.parametrize("way", ["stop", "kill"])
async def test_a_stream_goes_on_at_another_run_of_the_hub_and_history_has_what_lay_between(
    start_hub: Callable[..., HubProcess], way: str
) -> None:
    hub = await asyncio.to_thread(start_hub)
    key, token = await asyncio.to_thread(hub.add_device, "pump"), await asyncio.to_thread(hub.token)
    async with asyncio.timeout(60), streaming(hub, token) as stream:
        before = await message_of(stream, "subscribed")
        await send(hub, key, 0, 1)
        seen = (await message_of(stream, "readings"))["readings"]
        ending = asyncio.ensure_future(asyncio.to_thread(getattr(hub, way)))
        if way == "stop":
            assert (await message_of(stream, "shutdown"))["retry_after_s"] > 0
        with pytest.raises((EOFError, aiohttp.ClientError)):
            await stream.event()
        await ending

    await asyncio.to_thread(hub.start)
    await send(hub, key, 2, 3)
    async with asyncio.timeout(60), streaming(hub, token, stream.last_id) as again:
        after = await message_of(again, "subscribed")
        await send(hub, key, 4)
        live = (await message_of(again, "readings"))["readings"]
    assert (after["recovered"], after["readings"]) == (False, [])
    assert after["epoch"] != before["epoch"]
    assert after["snapshot"] == {"n": [T0_MS + 3, 3]}
    assert [row[1]["n"] for row in (*seen, *live)] == [0, 1, 4]
    assert await history(hub, token, seen[-1][0]) == [2, 3, 4]

"""What the live client makes of a hub that left readings out, or asks for patience: the hub's side is held in
the hand.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from aiohttp import web

from devices.live import LiveClient
from devices.live_messages import Gap, LiveReading
from tests.devices.peers import Remembering
from tests.waiting import free_port, until

CHANNEL = "device/a"
START_MS = 1_767_268_800_000


def subscribed(offset: int, newest: int | None, *, recovered: bool = False) -> dict[str, Any]:
    snapshot = {} if newest is None else {"n": [START_MS + newest, newest]}
    return {
        "type": "subscribed", "channel": CHANNEL, "epoch": "e", "offset": offset, "recovered": recovered,
        "snapshot": snapshot, "readings": [],
    }  # fmt: skip


def readings(offset: int, *numbers: int, **more: object) -> dict[str, Any]:
    rows = [[START_MS + number, {"n": number}] for number in numbers]
    return {"type": "readings", "channel": CHANNEL, "offset": offset, "readings": rows, **more}


@asynccontextmanager
async def saying(*connections: list[Any], columns: Any = None) -> AsyncIterator[tuple[str, list[Any]]]:
    """A hub that says these frames on each connection in turn, and closes all but the last; its address, and
    what it heard.
    """
    heard: list[Any] = []
    turns = iter(connections)

    async def live(request: web.Request) -> web.StreamResponse:
        frames = next(turns, None)
        if frames is None:
            raise web.HTTPServiceUnavailable(headers={"Retry-After": "7"})
        socket = web.WebSocketResponse(protocols=("hub.v1",))
        await socket.prepare(request)
        heard.append(await socket.receive_json())
        for frame in frames:
            await socket.send_json(frame)
        if frames is connections[-1]:
            await socket.receive()
        return socket

    async def device(_: web.Request) -> web.Response:
        return web.json_response({"metrics": [{"name": "n"}]})

    async def history(request: web.Request) -> web.Response:
        heard.append(dict(request.query))
        return web.json_response(columns)

    app = web.Application()
    app.add_routes(
        [
            web.get("/api/v1/live", live),
            web.get("/api/v1/devices/a", device),
            web.get("/api/v1/devices/a/history", history),
        ]
    )
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}", heard
    finally:
        await runner.cleanup()


async def take(stream: AsyncIterator[LiveReading], count: int) -> list[float]:
    async with asyncio.timeout(15):
        return [(await anext(stream)).values["n"] for _ in range(count)]


async def test_what_a_slow_program_was_not_sent_is_told() -> None:
    frames = [subscribed(0, None), readings(1, 1), readings(10, 10, skipped=8)]
    async with (
        saying(frames) as (url, _),
        LiveClient(url, "t") as live,
        aclosing(live.readings(CHANNEL)) as got,
    ):
        assert await take(got, 2) == [1, 10]
    assert list(live.gaps) == [Gap("a", START_MS + 1, START_MS + 10, 8)]


async def test_what_a_slow_program_was_not_sent_is_read_from_history_if_it_asks() -> None:
    frames = [subscribed(0, None), readings(1, 1), readings(4, 4, skipped=2), readings(5, 5)]
    columns = {"tier": "raw", "time": [START_MS + n for n in (1, 2, 3, 4)], "avg": [1, 2, 3, 4]}
    async with (
        saying(frames, columns=columns) as (url, _),
        LiveClient(url, "t") as live,
        aclosing(live.readings(CHANNEL, fill_gaps=True)) as got,
    ):
        assert await take(got, 5) == [1, 2, 3, 4, 5]
    assert not live.gaps


async def test_a_connection_that_breaks_is_resumed_where_it_was_and_waits_as_asked() -> None:
    first = [subscribed(7, 7), readings(8, 8), {"type": "shutdown", "retry_after_s": 3.5}]
    second = [{**subscribed(10, 10, recovered=True), "readings": readings(10, 9, 10)["readings"]}]
    backoff = Remembering()
    async with (
        saying(first, second) as (url, heard),
        LiveClient(url, "t", backoff=backoff) as live,
        aclosing(live.readings(CHANNEL)) as got,
    ):
        assert await take(got, 3) == [8, 9, 10]
    assert heard[1]["resume"] == {"epoch": "e", "offset": 8}
    assert backoff.asked == [3.5]
    assert not live.gaps


async def test_a_program_that_leaves_with_much_unread_does_not_hold_the_others_up() -> None:
    frames = [subscribed(0, None), *(readings(n, n) for n in range(1, 500))]
    other = {"type": "subscribed", "channel": "alerts", "epoch": "e", "offset": 0, "recovered": False}
    async with saying([*frames, other]) as (url, _), LiveClient(url, "t") as live:
        async with aclosing(live.readings(CHANNEL)) as got:
            assert await take(got, 1) == [1]
            await until(live._watches[CHANNEL].messages.full)
            alerts = live.messages("alerts")
            waiting = asyncio.ensure_future(anext(alerts))
            await until(lambda: "alerts" in live._watches)
        assert (await waiting)["channel"] == "alerts"
        await alerts.aclose()


async def test_a_hub_that_is_full_is_asked_again_when_it_said() -> None:
    backoff = Remembering()
    async with saying() as (url, _), LiveClient(url, "t", backoff=backoff):
        await until(lambda: len(backoff.asked) > 1)
    assert backoff.asked[0] == 7.0

"""Runs the cases of the standard against an endpoint, many at once."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager

from hub.websocket.frames import Opcode
from tests.websocket.cases import ANSWER, Ask, Case, closed, pong, said_close
from tests.websocket.raw import Frame, RawSocket

AT_ONCE = 16


async def outcomes(
    cases: Iterable[Case],
    ask: Ask,
    connect: Callable[[], AbstractAsyncContextManager[RawSocket]],
    *,
    answers_late: bool = False,
) -> tuple[dict[str, list[str]], dict[str, list[str]]]:
    """What came back in each case, and what should have, both by name.

    An endpoint that `answers_late` may answer a message after what came behind it, or not any more once it
    closes.
    """
    places = asyncio.Semaphore(AT_ONCE)
    found: dict[str, list[str]] = {}
    wanted: dict[str, list[str]] = {}

    async def run(name: str, case: Case) -> None:
        async with places, connect() as socket:
            came = await _events(case, ask, socket)
        expected = list(case.expected)
        if not expected[-1].startswith("closed"):
            expected.append(closed(1000))
        if answers_late:
            came, expected = _without_haste(came, case), _without_haste(expected, case)
        found[name], wanted[name] = came, expected

    async with asyncio.TaskGroup() as tasks:
        for place, case in enumerate(cases):
            tasks.create_task(run(f"{place}: {case.clause}: {case.what}", case))
    return found, wanted


async def _events(case: Case, ask: Ask, socket: RawSocket) -> list[str]:
    """Send the stream; what came until the server hung up. A case without an end is ended by the client."""
    stream = case.stream if isinstance(case.stream, bytes) else case.stream(ask)
    sending = asyncio.create_task(
        socket.send_byte_by_byte(stream) if case.byte_by_byte else socket.send(stream)
    )
    events: list[str] = []
    try:
        has_end = case.expected[-1].startswith("closed")
        while has_end or len(events) < len(case.expected):
            frame = await socket.receive()
            if frame is None:
                return events
            events += _told(frame, ask)
        await socket.send(said_close(1000))
        while (frame := await socket.receive()) is not None:
            events += _told(frame, ask)
        return events
    finally:
        sending.cancel()
        await asyncio.wait([sending])


def _told(frame: Frame, ask: Ask) -> list[str]:
    match frame.opcode:
        case Opcode.CLOSE:
            return [closed(frame.code)]
        case Opcode.PONG:
            return [pong(frame.content)]
        case ask.opcode:
            return [ANSWER] * ask.count(frame.content)
        case _:
            return [f"{frame.opcode.name} {frame.content[:40]!r}"]


def _without_haste(events: list[str], case: Case) -> list[str]:
    """Without the order of answers among the others, and without those that a close may cut off."""
    has_end = case.expected[-1].startswith("closed")
    return sorted(event for event in events if not (has_end and event == ANSWER))

"""Places for what is dear: questions to the history, answers on their way, exports.

Each who asks (a token, a session, the owner) may have so many at once, and the rest of theirs waits; places
that become free go round those who wait, one each. So forty questions of one do not delay one of another.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiohttp import web

from hub.config import LimitsConfig
from hub.errors import OverRate
from hub.http.problems import Overloaded
from hub.http.rooms import CONFIG

RETRY_AFTER_S = 10.0
CHUNK_BYTES = 65_536
QUERIES_MAX = 4  # at once, as many as the history has threads for


class FairSlots:
    """`most` places in all, `each` for one who asks; `waiting_max` more of theirs may wait."""

    def __init__(self, limit: str, each: int, most: int, waiting_max: int) -> None:
        self._limit = limit
        self._each = each
        self._most = most
        self._waiting_max = waiting_max
        self._taken: Counter[Hashable] = Counter()
        self._waiting: OrderedDict[Hashable, deque[asyncio.Future[None]]] = OrderedDict()  # whose turn it is

    def __len__(self) -> int:
        return self._taken.total()

    @asynccontextmanager
    async def taken(self, who: Hashable) -> AsyncIterator[None]:
        """Hold a place, after waiting for it. Raises OverRate where too much of theirs waits already, and
        Overloaded where nothing may wait and all places are taken.
        """
        await self._take(who)
        try:
            yield
        finally:
            self._leave(who)

    async def _take(self, who: Hashable) -> None:
        if self._has_place(who):
            self._taken[who] += 1
            return
        waiting = self._waiting.get(who, ())
        if len(waiting) >= self._waiting_max:
            if self._taken[who] >= self._each or waiting:
                text = f"{self._each} of yours are under way; one more when one of them is done"
                raise OverRate(f"{text} ({self._limit})", RETRY_AFTER_S, self._limit)
            raise Overloaded(f"all {self._most} places are taken", RETRY_AFTER_S, "fixed.answers_at_once")
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(who, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave(who)
            else:
                self._forget(who, turn)
            raise

    def _has_place(self, who: Hashable) -> bool:
        return len(self) < self._most and self._taken[who] < self._each

    def _leave(self, who: Hashable) -> None:
        self._taken[who] -= 1
        if not self._taken[who]:
            del self._taken[who]
        self._give()

    def _give(self) -> None:
        """Free places to those who wait, one each."""
        while (who := next((one for one in self._waiting if self._has_place(one)), None)) is not None:
            turn = self._waiting[who][0]
            self._forget(who, turn)
            if who in self._waiting:
                self._waiting.move_to_end(who)
            if not turn.done():
                self._taken[who] += 1
                turn.set_result(None)

    def _forget(self, who: Hashable, turn: "asyncio.Future[None]") -> None:
        self._waiting[who].remove(turn)
        if not self._waiting[who]:
            del self._waiting[who]


@dataclass(frozen=True, slots=True)
class Slots:
    """The places of one hub."""

    answers: FairSlots  # histories asked for, until their answers have left
    queries: FairSlots  # of them, those that the history works on
    exports: FairSlots

    @classmethod
    def of(cls, limits: LimitsConfig) -> "Slots":
        """As the configuration says."""
        each, exports_each = limits.histories_each_max, limits.exports_each_max
        return cls(
            FairSlots("limits.histories_each_max", each, limits.histories_max, limits.histories_waiting_max),
            FairSlots("limits.histories_each_max", QUERIES_MAX // 2, QUERIES_MAX, limits.histories_max),
            FairSlots("limits.exports_each_max", exports_each, limits.exports_max, 0),
        )


SLOTS = web.AppKey("slots", Slots)


async def write_in_time(request: web.Request, response: web.StreamResponse, chunk: bytes) -> None:
    """Write a chunk. Raises ConnectionError for a client that takes nothing for too long; it is cut off."""
    stalled_s = request.app[CONFIG].limits.stalled_s
    try:
        async with asyncio.timeout(stalled_s):
            await response.write(chunk)
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError(f"the client took nothing for {stalled_s:g} s") from None


async def send(request: web.Request, answer: web.Response) -> web.StreamResponse:
    """Send an answer that may be long, piece by piece, so that a client that does not read is cut off."""
    body = answer.body
    if not isinstance(body, bytes) or len(body) <= CHUNK_BYTES or request.method == "HEAD":
        return answer
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_length = len(body)
    await response.prepare(request)
    for at in range(0, len(body), CHUNK_BYTES):
        await write_in_time(request, response, body[at : at + CHUNK_BYTES])
    await response.write_eof()
    return response

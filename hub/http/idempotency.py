"""Idempotency-Key: a write that is sent again, because its answer was lost, is done once."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import NamedTuple

from aiohttp import web

from hub.errors import Invalid
from hub.http.access import Proof

KEPT_S = 600.0
ANSWERS_MAX = 1_000
BYTES_MAX = 16_777_216  # of all answers together; beyond either limit the oldest answer is forgotten
KEY_MAX = 200


_Place = tuple[bytes, str, str]  # of what was shown, the path and the key: two of one name are not the same


class Answer(NamedTuple):
    """What was answered."""

    status: int
    body: bytes
    location: str | None = None


@dataclass(slots=True)
class _KeptAnswer:
    digest: bytes  # of the request's body
    at_s: float
    answer: asyncio.Future[Answer]
    size: int = 0


class Idempotency:
    """The answers of the last minutes, by what was shown, path and key. `clock_s` gives steady seconds."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._kept: OrderedDict[_Place, _KeptAnswer] = OrderedDict()
        self._bytes = 0

    async def once(
        self, request: web.Request, proof: Proof, body: bytes, make: Callable[[], Awaitable[Answer]]
    ) -> Answer:
        """What `make` answers, or what it answered to the same key before. What raised may be tried again.

        Raises Invalid when the key came with another body.
        """
        key = request.headers.get("Idempotency-Key")
        if key is None:
            return await make()
        if not 1 <= len(key) <= KEY_MAX:
            raise Invalid(f"a key has 1 to {KEY_MAX} characters", "Idempotency-Key")
        self._forget_old()
        place = (_digest_of(proof), request.path, key)
        digest = _digest(body)
        kept = self._kept.get(place)
        if kept is not None:
            if kept.digest != digest:
                raise Invalid("this key came with another body before", "Idempotency-Key")
            return await asyncio.shield(kept.answer)
        kept = _KeptAnswer(digest, self._clock_s(), asyncio.get_running_loop().create_future())
        self._kept[place] = kept
        try:
            answer = await make()
        except BaseException as error:
            self._drop(place, kept)
            _fail(kept.answer, error)
            raise
        kept.answer.set_result(answer)
        if self._kept.get(place) is kept:
            kept.size = len(answer.body)
            self._bytes += kept.size
            self._forget_old()
        return answer

    def _drop(self, place: _Place, kept: _KeptAnswer) -> None:
        if self._kept.get(place) is kept:
            del self._kept[place]
            self._bytes -= kept.size

    def _forget_old(self) -> None:
        oldest_s = self._clock_s() - KEPT_S
        while self._kept:
            place, kept = next(iter(self._kept.items()))
            full = len(self._kept) >= ANSWERS_MAX or self._bytes > BYTES_MAX
            if not full and kept.at_s >= oldest_s:
                return
            del self._kept[place]
            self._bytes -= kept.size


def request_digest(request: web.Request, proof: Proof) -> bytes | None:
    """By what a request with an Idempotency-Key is known for good; None for one without."""
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    return _digest(b"\0".join([_digest_of(proof), request.path.encode(), key.encode(errors="surrogatepass")]))


def _digest_of(proof: Proof) -> bytes:
    return _digest(f"{proof.kind.value} {proof.secret}".encode(errors="surrogatepass"))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


def _fail(answer: asyncio.Future[Answer], error: BaseException) -> None:
    if isinstance(error, Exception):
        answer.set_exception(error)
        answer.exception()  # the first to ask has it; that nobody else waits is no fault
    else:
        answer.cancel()


IDEMPOTENCY = web.AppKey("idempotency", Idempotency)

"""`GET /api/v1/live`, subprotocol `hub.v1`: dashboards and tools watch channels.

What is sent, and what a slow viewer gets instead, the feed decides; here is the one writer that sends it, and the reader of
the requests.
"""

import asyncio
from typing import Annotated, Literal, NamedTuple

import orjson
import structlog
from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from hub.errors import Forbidden, HubError, NotFound, StoreError, Unauthenticated
from hub.feed import Resume, Viewer
from hub.feed.channel import wire_ms
from hub.feed.feed import DEVICE_PREFIX
from hub.http.access import ACCESS, Access, Kind, Proof
from hub.http.device_messages import read_token
from hub.http.problems import Overloaded
from hub.http.services import Services
from hub.http.socket import RESTARTING, RETRY_AFTER_S, UNAUTHENTICATED, Socket, first
from hub.model import Principal

PROTOCOL = "hub.v1"
ANSWERS_MAX = 100  # that wait to be sent; beyond, no further request is read
STORAGE_INTERVAL_S = 0.5

_log = structlog.get_logger("http")


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True)

    channel: Annotated[str, Field(max_length=200)]


class _ResumeAt(BaseModel):
    epoch: str
    offset: Annotated[int, Field(ge=0)]


class Subscribe(_Request):
    """Watch a channel, from where the viewer was if it says."""

    type: Literal["subscribe"]
    resume: _ResumeAt | None = None


class Unsubscribe(_Request):
    """Watch it no more."""

    type: Literal["unsubscribe"]


_read_request = TypeAdapter(
    Annotated[Subscribe | Unsubscribe, Field(discriminator="type")]
).validator.validate_json


class _End(NamedTuple):
    code: int
    reason: str


class LiveSocket:
    """One dashboard's connection. `proof` is what let it in, and is checked again and again."""

    def __init__(
        self, socket: Socket, proof: Proof, principal: Principal, services: Services, access: Access
    ) -> None:
        self.viewer = Viewer(principal, services.config.live.subscriptions_max)
        self.viewer.ready = self._ready = asyncio.Event()
        self._socket = socket
        self._proof = proof
        self._services = services
        self._access = access
        self._unsent = 0  # answers that wait
        self._sent = asyncio.Event()
        self._ended = asyncio.Event()
        self._end: _End | None = None

    async def run(self) -> None:
        """Serve the viewer until either side ends it."""
        self._say(self._hello())
        failure = self._services.history.failure
        if failure is not None:
            self.viewer.say(storage_message(failure))
        try:
            await first(
                self._read(), self._write(), self._socket.heartbeat(), self._renew(), self._ended.wait()
            )
        finally:
            self.viewer.close()
        if self._end is None:
            await self._socket.close()
            return
        try:
            if self._end.code == RESTARTING:
                await self._socket.say(orjson.dumps({"type": "shutdown", "retry_after_s": RETRY_AFTER_S}))
        except ConnectionError:
            pass  # gone before it could be told
        await self._socket.close(code=self._end.code, message=self._end.reason.encode())

    def end(self, code: int, reason: str) -> None:
        """Close the socket, saying why."""
        if self._end is None:
            self._end = _End(code, reason)
            self._ended.set()

    def _hello(self) -> dict[str, object]:
        live = self._services.config.live
        return {
            "type": "hello",
            "time": wire_ms(self._services.clock()),
            "limits": {
                "subscriptions_max": live.subscriptions_max,
                "max_message_bytes": live.max_message_bytes,
                "pending_max": live.pending_max,
                "resume_window_s": live.resume_window_s,
                "overview_interval_s": live.overview_interval_s,
                "ping_interval_s": live.ping_interval_s,
            },
        }

    async def _write(self) -> None:
        while True:
            await self._ready.wait()
            frame = self.viewer.take()
            self._unsent = 0
            self._sent.set()
            if frame:
                await self._socket.say(frame)

    async def _read(self) -> None:
        while (raw := await self._socket.read()) is not None:
            while self._unsent >= ANSWERS_MAX:
                self._sent.clear()
                await self._sent.wait()
            self._take(raw)

    def _take(self, raw: bytes) -> None:
        self._unsent += 1
        try:
            request = _read_request(raw)
        except ValidationError as error:
            fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
            path = ".".join(str(part) for part in fault["loc"])
            self._say({"type": "error", "code": "invalid", "message": f"{path} {fault['msg']}".strip()})
            return
        try:
            if isinstance(request, Subscribe):
                self._subscribe(request)
            else:
                self.viewer.unsubscribe(request.channel)
                self._say({"type": "unsubscribed", "channel": request.channel})
        except HubError as error:
            said = {"type": "error", "code": error.code, "message": str(error), "channel": request.channel}
            self._say(said)

    def _subscribe(self, request: Subscribe) -> None:
        device_id = request.channel.removeprefix(DEVICE_PREFIX)
        if request.channel.startswith(DEVICE_PREFIX) and not self.viewer.principal.may_see(device_id):
            raise NotFound(f"there is no device {device_id!r}")
        resume = None if request.resume is None else Resume(request.resume.epoch, request.resume.offset)
        self.viewer.subscribe(self._services.feed.channel(request.channel), resume)

    def _say(self, said: dict[str, object]) -> None:
        self.viewer.say(orjson.dumps(said))

    async def _renew(self) -> None:
        """A session that has ended, or a token that has run out, ends the socket too."""
        while True:
            await asyncio.sleep(self._services.config.live.ping_interval_s)
            try:
                await self._access.check(self._proof)
            except Unauthenticated as error:
                self.end(UNAUTHENTICATED, str(error))
                return
            except StoreError as error:
                _log.warning("a viewer's session could not be checked", why=str(error))


class LiveSockets:
    """The dashboards' sockets that are open."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._opening = 0
        self._open: set[LiveSocket] = set()

    def __len__(self) -> int:
        return len(self._open)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The route. Raises Forbidden for a foreign page, Unauthenticated, Overloaded when there are too many."""
        live = self._services.config.live
        if len(self._open) + self._opening >= live.viewers_max:
            raise Overloaded("too many viewers are connected (live.viewers_max)", RETRY_AFTER_S)
        access = request.app[ACCESS]
        proof = access.shown(request)
        if proof is not None and proof.kind is Kind.SESSION:
            if "Origin" not in request.headers:
                proof = None  # no browser: whoever this is shows a token
            elif not access.is_own_page(request):
                raise Forbidden(access.explain_origin(request))
        if proof is not None and proof.kind is Kind.TOKEN:
            await access.check(proof)
        socket = Socket(
            max_bytes=live.max_message_bytes, ping_interval_s=live.ping_interval_s, protocols=(PROTOCOL,)
        )
        await socket.open(request)
        self._opening += 1
        try:
            proof = proof or await self._ask_for_token(socket)
            principal = await access.check(proof)
        except (Unauthenticated, StoreError) as error:
            await _turn_away(socket, error)
            return socket
        finally:
            self._opening -= 1
        await self._serve(LiveSocket(socket, proof, principal, self._services, access))
        return socket

    async def _serve(self, session: LiveSocket) -> None:
        self._open.add(session)
        try:
            await session.run()
        finally:
            self._open.discard(session)

    async def _ask_for_token(self, socket: Socket) -> Proof:
        timeout_s = self._services.config.limits.connect_timeout_s
        try:
            async with asyncio.timeout(timeout_s):
                raw = await socket.read()
        except TimeoutError as error:
            raise Unauthenticated(
                f"no token came within {timeout_s:g} s (limits.connect_timeout_s)"
            ) from error
        token = None if raw is None else read_token(raw)
        if token is None:
            raise Unauthenticated(
                'without a session or a header the first message is {"type":"auth","token":"…"}'
            )
        return Proof(Kind.TOKEN, token)

    async def watch_storage(self) -> None:
        """Tell every viewer when the history fails, and when it stores again; loops until cancelled."""
        known: str | None = None
        while True:
            await asyncio.sleep(STORAGE_INTERVAL_S)
            failure = self._services.history.failure
            if (failure is None) != (known is None):
                for session in self._open:
                    session.viewer.say(storage_message(failure))
            known = failure

    async def close(self, _app: web.Application) -> None:
        """The hub stops: tell every viewer when to come back."""
        for session in list(self._open):
            session.end(RESTARTING, "the hub is stopping")


def storage_message(failure: str | None) -> bytes:
    """What viewers are told of the history's state."""
    message = (
        "readings are stored again" if failure is None else f"nothing can be stored at present: {failure}"
    )
    return orjson.dumps({"type": "storage", "failing": failure is not None, "message": message})


async def _turn_away(socket: Socket, error: HubError) -> None:
    try:
        await socket.say(orjson.dumps({"type": "error", "code": error.code, "message": str(error)}))
        await socket.close(code=UNAUTHENTICATED, message=str(error).encode())
    except ConnectionError:
        pass  # gone before it could be told


LIVE_SOCKETS = web.AppKey("live_sockets", LiveSockets)

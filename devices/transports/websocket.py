"""Readings and commands by WebSocket: `GET /api/v1/device/socket`.

Each message is `{"id": n, "readings": […]}` and gets one `ack` or `error`, in order, with the same id.
"""

import asyncio
import json
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn
from urllib.parse import SplitResult

import aiohttp

from devices import wire
from devices.errors import Busy, DeviceError, KeyRefused, LinkLost, TooLarge
from devices.inbox import Arrived
from devices.wire import BacklogEntry, Incoming, Request, SendOutcome, Wish

_PATH = "/api/v1/device/socket"
_CONNECT_TIMEOUT_S = 10.0
_HEARTBEAT_S = 20.0  # a ping every so often; no pong in half of it, and the connection is taken for dead
_MESSAGE_MAX_BYTES = 262_144
_WINDOW = 8
_CLOSED_FOR_KEY = frozenset({4401, 4403})
_BUSY_CODES = frozenset({"busy", "overloaded", "store", "error"})

log = logging.getLogger(__name__)


class WebSocketTransport:
    """`ws://` and `wss://`."""

    def __init__(self, url: SplitResult, key: str, tls: ssl.SSLContext | None) -> None:
        self._url = url._replace(path=url.path.rstrip("/") + _PATH).geturl()
        self._headers = {"Authorization": f"Bearer {key}"}
        self._tls: ssl.SSLContext | bool = tls or True

    @asynccontextmanager
    async def connect(self, arrived: Arrived) -> AsyncIterator["WebSocketLink"]:
        """Shake hands."""
        async with aiohttp.ClientSession(headers=self._headers) as session:
            socket = await self._shake_hands(session)
            try:
                yield WebSocketLink(socket, arrived)
            finally:
                await socket.close()

    async def _shake_hands(self, session: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                return await session.ws_connect(
                    self._url,
                    heartbeat=_HEARTBEAT_S,
                    max_msg_size=_MESSAGE_MAX_BYTES,
                    ssl=self._tls,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            reason = f"HTTP {error.status}: {error.message}"
            if error.status in {401, 403}:
                raise KeyRefused(reason) from error
            header = error.headers.get("Retry-After") if error.headers else None
            raise LinkLost(reason, wire.retry_after_s(header)) from error
        except TimeoutError as error:
            raise LinkLost(f"no answer from {self._url}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise LinkLost(str(error) or type(error).__name__) from error


class WebSocketLink:
    """One open socket."""

    window = _WINDOW
    message_max_bytes = wire.BATCH_MAX_BYTES

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, arrived: Arrived) -> None:
        self._socket = socket
        self._arrived = arrived
        self._last_id = 0
        # In the order sent, which is the order answered. Bounded by the window.
        self._waiting: dict[int, asyncio.Future[dict[str, object]]] = {}
        self._sending = asyncio.Lock()  # fair: messages leave in the order of the calls
        self._retry_after_s: float | None = None

    async def deliver(self, entries: Sequence[BacklogEntry]) -> SendOutcome:
        """Send one message and wait for its answer."""
        self._last_id += 1
        message_id = self._last_id
        answer: asyncio.Future[dict[str, object]] = asyncio.get_running_loop().create_future()
        self._waiting[message_id] = answer
        try:
            await self._send(f'{{"id":{message_id},"readings":{wire.array(entries).decode()}}}')
            return _judge(await answer, len(entries))
        finally:
            self._waiting.pop(message_id, None)

    async def watch(self) -> NoReturn:
        """Read what the hub says until the socket closes."""
        try:
            async for message in self._socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(wire.decode_object(message.data))
        except (aiohttp.ClientError, OSError) as error:  # as when a ping came on a line that is dead
            raise LinkLost(str(error) or type(error).__name__) from error
        raise self._why_closed()

    async def listen(self) -> None:
        """Commands come over every device socket unasked."""

    async def answer(self, command_id: str, response: object) -> None:
        """Answer a command."""
        number = int(command_id) if command_id.isdecimal() else command_id
        await self._send(json.dumps({"type": "response", "id": number, "response": response}))

    async def report(self, values: Mapping[str, object]) -> None:
        """Report attributes."""
        await self._send(json.dumps({"type": "attributes", "values": dict(values)}))

    async def _send(self, text: str) -> None:
        async with self._sending:
            try:
                await self._socket.send_str(text)
            except (aiohttp.ClientError, ConnectionError) as error:
                raise LinkLost(str(error) or "the connection closed") from error

    async def _take(self, message: dict[str, object]) -> None:
        match message.get("type"):
            case "ack" | "error":
                self._resolve(message)
            case "command":
                await self._take_command(message)
            case "attributes":
                values = message.get("values")
                if isinstance(values, dict):
                    self._put(Wish(values))
            case "response_refused":
                log.warning(
                    "the hub refused the answer to command %s: %s", message.get("id"), message.get("message")
                )
            case "shutdown":
                self._retry_after_s = wire.seconds(message.get("retry_after_s"))

    def _resolve(self, message: dict[str, object]) -> None:
        message_id = message.get("id")
        if message_id is None:  # the hub could not read it; answers come in order, so it was the oldest
            message_id = next(iter(self._waiting), None)
        answer = self._waiting.pop(message_id, None) if isinstance(message_id, int) else None
        if answer is not None and not answer.done():
            answer.set_result(message)

    async def _take_command(self, message: dict[str, object]) -> None:
        request = Request(str(message.get("id")), str(message.get("method", "")), message.get("params"))
        if self._put(request):
            await self._send(json.dumps({"type": "ack", "id": message.get("id")}))

    def _put(self, incoming: Incoming) -> bool:
        try:
            self._arrived.put_nowait(incoming)
        except asyncio.QueueFull:
            log.warning("not taken: %s; %d wait unread", incoming, self._arrived.qsize())
            return False
        return True

    def _why_closed(self) -> DeviceError:
        code = self._socket.close_code
        if code in _CLOSED_FOR_KEY:
            return KeyRefused("the hub closed the socket: the key is wrong or was revoked")
        if code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
            return TooLarge("the hub closed the socket: message too big")
        return LinkLost(f"the socket closed ({code})", self._retry_after_s)


def _judge(answer: dict[str, object], sent: int) -> SendOutcome:
    """What the answer means for the readings sent. Raises KeyRefused, TooLarge, Busy."""
    if answer.get("type") == "ack":
        return SendOutcome()
    code = str(answer.get("code", ""))
    reason = str(answer.get("message") or code)
    if code == "unauthenticated":
        raise KeyRefused(reason)
    if code == "too_large":
        raise TooLarge(reason)
    if code in _BUSY_CODES:
        raise Busy(reason, wire.seconds(answer.get("retry_after_s")))
    return wire.outcome(answer, sent)

"""LiveClient: what the hub sees, as it happens, for programs that integrate with it.

How it works: one task keeps one WebSocket to the hub. For each channel watched it remembers epoch and offset
of what was handed on, and names them when it connects again: the hub then sends exactly what was missed, or
says that it cannot. A program that reads more slowly than readings come is sent the latest values only, and
told how many it missed.
"""

import asyncio
import json
import logging
import ssl
from collections import deque
from collections.abc import AsyncGenerator
from random import Random
from types import TracebackType
from typing import Any, Self

import aiohttp

from devices import wire
from devices.backoff import Backoff
from devices.errors import Closed, DeviceError, LinkLost
from devices.live_history import fill
from devices.live_messages import Gap, LiveReading, Place, newest_of, readings_of

_PATH = "/api/v1/live"
_CONNECT_TIMEOUT_S = 10.0
_MESSAGE_MAX_BYTES = 64 * 1024 * 1024  # an overview of many devices is one message
_MESSAGES_MAX = 100  # not yet read; when full, the socket is not read, and the hub leaves readings out
_GAPS_MAX = 1_000  # remembered; the oldest go
_TOKEN_ENDED = 4401

log = logging.getLogger(__name__)


class TokenRefused(DeviceError):
    """The hub does not take this token: it is wrong, or has run out."""


class ChannelRefused(DeviceError):
    """The hub has no such channel, or not for this token. `code` is the hub's word for why."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class _Watch:
    """One channel that is watched, and where its stream is."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.place: Place | None = None
        self.messages: asyncio.Queue[dict[str, Any] | DeviceError] = asyncio.Queue(_MESSAGES_MAX)


class LiveClient:
    """A program's view of a hub.

        async with LiveClient("https://hub.example", token) as live:
            async for reading in live.readings("device/boiler-1"):
                print(reading.time_ms, reading.values)

    `token` is of `hub tokens add`. It connects again by itself, as long as the token is good, waiting as the
    hub asks, and `connected` says whether it is. What could not be had is in `gaps`, newest last. A program
    that is slow on one channel slows the others of the same client: such a channel gets a client of its own.
    `tls` replaces the system's certificates. `backoff` brings randomness in from outside.
    """

    def __init__(
        self, url: str, token: str, *, tls: ssl.SSLContext | None = None, backoff: Backoff | None = None
    ) -> None:
        self.connected = False
        self.connections = 0
        self.last_error: DeviceError | None = None
        self.gaps: deque[Gap] = deque(maxlen=_GAPS_MAX)
        self._url = url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"}
        self._tls: ssl.SSLContext | bool = tls or True
        self._backoff = backoff or Backoff(Random())
        self._watches: dict[str, _Watch] = {}
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._runner: asyncio.Task[None] | None = None
        self._ended: DeviceError | None = None

    async def __aenter__(self) -> Self:
        """Begin to connect; never waits for the hub."""
        self._session = aiohttp.ClientSession(
            headers=self._headers, connector=aiohttp.TCPConnector(ssl=self._tls)
        )
        self._runner = asyncio.create_task(self._run(), name="live client")  # ended by __aexit__
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect."""
        if self._runner is not None and self._session is not None:
            self._runner.cancel()
            await asyncio.wait([self._runner])
            await self._session.close()
            self._end(Closed("the client is not open any more"))

    async def messages(self, channel: str) -> AsyncGenerator[dict[str, Any], None]:
        """Everything that a channel says, as the wire has it: `subscribed` after each connect, then what
        follows.

        One iteration a channel at a time. Raises TokenRefused, ChannelRefused, Closed; ValueError for a
        channel that is watched already.
        """
        if self._session is None or self._ended is not None:
            raise self._ended or Closed("the client is not open: use it inside its `async with` block")
        if channel in self._watches:
            raise ValueError(f"{channel} is watched already")
        watch = self._watches[channel] = _Watch(channel)
        try:
            await self._subscribe(watch)
            while True:
                message = await watch.messages.get()
                if isinstance(message, DeviceError):
                    raise message
                yield message
        finally:
            del self._watches[channel]
            while not watch.messages.empty():
                watch.messages.get_nowait()  # the task that reads the socket may be waiting for room
            await self._say({"type": "unsubscribe", "channel": channel})

    async def readings(self, channel: str, *, fill_gaps: bool = False) -> AsyncGenerator[LiveReading, None]:
        """The readings of `device/<id>` or `label/<key>=<value>`, those that were missed in between too.

        Where the hub does not have them any more, or left some out because this program was slow, that is
        noted in `gaps`; with `fill_gaps` they are read from its history first, and noted only if that fails.
        Raises as `messages`.
        """
        reached: dict[str, float] = {}  # by device, the time of the newest reading handed on
        first = True
        async for message in self.messages(channel):
            kind = message["type"]
            if kind not in ("subscribed", "readings"):
                continue
            gaps: list[Gap] = []
            if kind == "subscribed":
                newest = newest_of(message)
                if first:
                    reached.update(newest)
                elif not message["recovered"]:
                    gaps = _missed(reached, newest)
                first = False
            elif "skipped" in message:
                gaps = _skipped(reached, message)
            filled = set()
            for gap in gaps:
                found = await self._fill(gap) if fill_gaps else []
                if not found:
                    self.gaps.append(gap)
                    continue
                filled.add(gap.device)  # and what the message has of it is in there too
                reached[gap.device] = gap.until_ms
                for reading in found:
                    yield reading
            for reading in readings_of(message):
                if reading.device not in filled:
                    reached[reading.device] = max(reading.time_ms, reached.get(reading.device, 0.0))
                    yield reading

    async def _fill(self, gap: Gap) -> list[LiveReading]:
        if self._session is None:
            return []
        try:
            return await fill(self._session, self._url, gap)
        except (aiohttp.ClientError, TimeoutError, KeyError) as error:
            log.warning("a gap of %s could not be filled: %s", gap.device, error)
            return []

    # The connection

    async def _run(self) -> None:
        """Connect, hand on what comes, wait, again. Ends by TokenRefused, or being cancelled."""
        while True:
            try:
                await self._connect()
            except LinkLost as error:
                self.last_error = error
            except TokenRefused as error:
                self._end(error)
                return
            wait_s = self._backoff.next_s(getattr(self.last_error, "retry_after_s", None))
            log.info("not connected: %s; next try in %.1f s", self.last_error, wait_s)
            await asyncio.sleep(wait_s)

    async def _connect(self) -> None:
        """One connection, from its making to its end. Raises LinkLost, TokenRefused."""
        socket = await self._shake_hands()
        self._socket = socket
        self.connected = True
        self.connections += 1
        try:
            for watch in list(self._watches.values()):
                await self._subscribe(watch)
            await self._read(socket)
        except (aiohttp.ClientError, OSError) as error:  # as when a ping came on a line that is dead
            raise LinkLost(str(error) or type(error).__name__) from error
        finally:
            self._socket = None
            self.connected = False
            await socket.close()

    async def _shake_hands(self) -> aiohttp.ClientWebSocketResponse:
        if self._session is None:
            raise LinkLost("the client is not open")
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                return await self._session.ws_connect(
                    self._url + _PATH,
                    protocols=("hub.v1",),
                    max_msg_size=_MESSAGE_MAX_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=2.0),
                )
        except aiohttp.WSServerHandshakeError as error:
            reason = f"HTTP {error.status}: {error.message}"
            if error.status in {401, 403}:
                raise TokenRefused(reason) from error
            header = error.headers.get("Retry-After") if error.headers else None
            raise LinkLost(reason, wire.retry_after_s(header)) from error
        except TimeoutError as error:
            raise LinkLost(f"no answer from {self._url}") from error
        except (aiohttp.ClientError, OSError) as error:
            raise LinkLost(str(error) or type(error).__name__) from error

    async def _read(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        retry_after_s: float | None = None
        async for frame in socket:
            if frame.type is not aiohttp.WSMsgType.TEXT:
                continue
            found = json.loads(frame.data)
            for message in found if isinstance(found, list) else [found]:
                if message.get("type") == "shutdown":
                    retry_after_s = wire.seconds(message.get("retry_after_s"))
                elif message.get("type") == "hello":
                    self._backoff.reset()
                else:
                    await self._hand_on(message)
        if socket.close_code == _TOKEN_ENDED:
            raise TokenRefused("the hub closed the connection: the token has run out")
        raise LinkLost(f"the socket closed ({socket.close_code})", retry_after_s)

    async def _hand_on(self, message: dict[str, Any]) -> None:
        watch = self._watches.get(message.get("channel", ""))
        if watch is None:
            return
        if message["type"] == "error":
            if message.get("code") != "conflict":  # subscribed twice, by a connect in the same moment
                await watch.messages.put(
                    ChannelRefused(str(message.get("message")), str(message.get("code")))
                )
            return
        if message["type"] == "subscribed":
            watch.place = Place(message["epoch"], message["offset"])
        elif "offset" in message and watch.place is not None:
            watch.place = Place(watch.place.epoch, message["offset"])
        await watch.messages.put(message)

    async def _subscribe(self, watch: _Watch) -> None:
        request: dict[str, Any] = {"type": "subscribe", "channel": watch.channel}
        if watch.place is not None:
            request["resume"] = watch.place._asdict()
        await self._say(request)

    async def _say(self, request: dict[str, Any]) -> None:
        if self._socket is not None and not self._socket.closed:
            try:
                await self._socket.send_json(request)
            except (ConnectionError, aiohttp.ClientError) as error:
                log.debug("not sent, the connection is gone: %s", error)  # said again by the next one

    def _end(self, error: DeviceError) -> None:
        """Nothing more will come: tell all who wait, ahead of what they have not read."""
        self._ended = self.last_error = error
        for watch in self._watches.values():
            while watch.messages.full():
                watch.messages.get_nowait()
            watch.messages.put_nowait(error)


def _missed(reached: dict[str, float], newest: dict[str, float]) -> list[Gap]:
    """After a connect that recovered nothing: what the hub has that did not come."""
    return [
        Gap(device, reached.get(device), until_ms)
        for device, until_ms in newest.items()
        if until_ms > reached.get(device, 0.0)
    ]


def _skipped(reached: dict[str, float], message: dict[str, Any]) -> list[Gap]:
    """What a message that holds the latest values only left out; `skipped` is that of all its devices."""
    until: dict[str, float] = {}
    for reading in readings_of(message):
        until[reading.device] = max(reading.time_ms, until.get(reading.device, 0.0))
    return [
        Gap(device, reached.get(device), until_ms, message["skipped"]) for device, until_ms in until.items()
    ]

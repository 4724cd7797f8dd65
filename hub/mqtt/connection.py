"""One connection: bytes of the network in, packets to the conversation, and the times a client has to keep."""

import asyncio
from contextlib import suppress
from typing import cast

import structlog

from hub.errors import NotFound
from hub.listener import Place
from hub.mqtt.codec.decoder import Decoder, Peer
from hub.mqtt.codec.packets import CodecError, Connect, Reason, Version
from hub.mqtt.conversation import Conversation
from hub.mqtt.handshake import Declined, admit, decline
from hub.mqtt.shared import Shared
from hub.mqtt.wire import Hold, Wire

KEEP_ALIVE_GRACE = 1.5  # 3.1.2.10
SPARE = 100
"""How many connections that have not shown a key yet are kept beside `limits.connections_max` that have."""

_log = structlog.get_logger("mqtt")


class Connection(asyncio.Protocol):
    """Made by `Endpoint.connection`, and driven as any asyncio.Protocol is.

    Its transport may be a socket's or anything that behaves like one. It has to offer `write`, `close`, `abort`,
    `pause_reading`, `resume_reading` and `get_extra_info("peername")`, and whoever drives it calls
    `connection_made(transport)` once, `data_received(chunk)` with each piece of the stream in whatever sizes (of a
    WebSocket: the content of each binary message), `pause_writing()` and `resume_writing()` when its buffer of
    outgoing bytes is too long and short again, and `connection_lost(error)` once at the end, after `close` or
    `abort` too. All in the loop's thread. While reading is paused `data_received` may still be called, with
    little; it is kept.
    """

    def __init__(self, shared: Shared, open_: set["Connection"], place: Place | None = None) -> None:
        self._shared = shared
        self._open = open_
        self._place = place  # among those of its listener; None where a WebSocket carries it
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(Peer.CLIENT, shared.config.max_packet_bytes)
        self._conversation: Conversation | None = None
        self._wire: Wire | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._keep_alive_s = 0.0
        self._heard_at = 0.0
        self._reading = False
        self._gone: asyncio.Future[None] = self._loop.create_future()

    # Driven by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for CONNECT; closed at once where there are too many, or the endpoint has stopped."""
        self._wire = Wire(cast("asyncio.Transport", transport), self._shared.spawn, self._read)
        if not self._shared.running or len(self._open) >= self._shared.limits.connections_max + SPARE:
            self._wire.transport.abort()
            return
        self._open.add(self)
        self._timer = self._loop.call_later(self._shared.limits.connect_timeout_s, self._no_connect)

    def data_received(self, data: bytes) -> None:
        """A piece of the stream."""
        self._heard_at = self._loop.time()
        self._decoder.feed(data)
        self._read()

    def pause_writing(self) -> None:
        """The peer does not read: it is not read from either, so what it causes to be sent stays bounded."""
        if self._wire is not None:
            self._wire.hold(Hold.WRITING)

    def resume_writing(self) -> None:
        """The peer reads again."""
        if self._wire is not None:
            self._wire.release(Hold.WRITING)
        if self._conversation is not None:
            self._conversation.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, one way or another: without a DISCONNECT before, this is what a will is for."""
        del exc  # whatever it was, the conversation is over
        self._open.discard(self)
        if self._place is not None:
            self._place.leave()
        if not self._gone.done():
            self._gone.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
        if self._wire is not None:
            self._wire.lost()
        if self._conversation is not None:
            self._conversation.leave(with_will=True)

    # Reading

    def _read(self) -> None:
        """Take every whole packet there is, in one turn, unless something holds the reading.

        What is done on the way can release a hold and so call this again; that is left to the call that is under way.
        """
        wire = self._wire
        if wire is None or self._reading:
            return
        self._reading = True
        try:
            more = True
            while more and not wire.held and not wire.closing:
                more = self._read_until_held(wire)
                if self._conversation is not None and not wire.closing:
                    self._conversation.settle()
        except CodecError as error:
            self._refuse(error, wire)
        except NotFound as error:
            wire.close(Reason.ADMINISTRATIVE_ACTION, str(error))
        finally:
            self._reading = False

    def _read_until_held(self, wire: Wire) -> bool:
        """Take packets while nothing holds; whether there may be more. Raises CodecError."""
        conversation = self._conversation
        while not wire.held and not wire.closing:
            if conversation is not None:
                ids, payloads = self._decoder.publish_run(conversation.header)
                if payloads:
                    conversation.run(ids, payloads)
            packet = self._decoder.packet()
            if packet is None:
                return False
            if conversation is not None:
                conversation.take(packet)
            elif isinstance(packet, Connect):
                self._connect(packet, wire)
        return True

    def _refuse(self, error: CodecError, wire: Wire) -> None:
        """Malformed, or not allowed here: this connection ends, with the reason where the protocol has a place for it."""
        _log.info(
            "a connection broke the protocol", address=wire.address, reason=error.reason.name, why=str(error)
        )
        if self._conversation is not None:
            with suppress(NotFound):
                self._conversation.settle()  # what came before it is taken
            self._conversation.leave(with_will=True)
            wire.close(error.reason, str(error))
            return
        if error.reason is Reason.UNSUPPORTED_PROTOCOL_VERSION:
            wire.version = Version.V5 if (error.level or 0) > Version.V5 else Version.V311
            decline(wire, error.reason, str(error))
        else:
            wire.shut()

    # Connecting, and keeping alive

    def _connect(self, connect: Connect, wire: Wire) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wire.version = connect.version
        wire.hold(Hold.OPENING)
        wire.do(self._admit(connect, wire))

    async def _admit(self, connect: Connect, wire: Wire) -> bytes:
        try:
            self._conversation = await admit(connect, wire, self._shared)
        except Declined as error:
            _log.info("a client was refused", address=wire.address, reason=error.reason.name, why=str(error))
            decline(wire, error.reason, str(error))
            return b""
        if self._place is not None:
            self._place.busy()
        if connect.keep_alive_s:
            self._keep_alive_s = connect.keep_alive_s * KEEP_ALIVE_GRACE
            self._heard_at = self._loop.time()
            self._timer = self._loop.call_later(self._keep_alive_s, self._check_alive)
        wire.release(Hold.OPENING)
        return b""

    def _no_connect(self) -> None:
        if self._wire is not None:
            self._wire.shut()

    def _check_alive(self) -> None:
        """Silent for one and a half times its keep-alive: gone.

        Time in which the hub itself chose not to read does not count. A peer that takes nothing has no such claim.
        """
        wire = self._wire
        if wire is None or wire.closing:
            return
        now = self._loop.time()
        if wire.held - {Hold.WRITING}:
            self._heard_at = now
        left_s = self._heard_at + self._keep_alive_s - now
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check_alive)
            return
        if self._conversation is not None:
            self._conversation.leave(with_will=True)
        wire.close(Reason.KEEP_ALIVE_TIMEOUT, f"nothing was heard for {self._keep_alive_s:g} s")

    # Stopping

    async def stop(self, acknowledge_timeout_s: float, goodbye_timeout_s: float) -> None:
        """Read no more, acknowledge what is being stored, say goodbye, and see the connection gone."""
        wire = self._wire
        if wire is None:
            return
        wire.hold(Hold.STOPPING)
        await asyncio.wait([wire.settled()], timeout=acknowledge_timeout_s)
        if self._conversation is not None:
            self._conversation.leave(with_will=False)
        wire.close(Reason.SERVER_SHUTTING_DOWN, "the hub is stopping")
        if not self._gone.done():
            await asyncio.wait([self._gone], timeout=goodbye_timeout_s)
            wire.transport.abort()

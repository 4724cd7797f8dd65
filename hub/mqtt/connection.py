"""One connection's bytes: from the network to packets, to the protocol, and out. And its times."""

import asyncio
from collections.abc import Callable
from typing import cast

from hub.config import LimitsConfig, MqttConfig
from hub.errors import NotFound, Refused
from hub.flow import TURN_BYTES, Hold, Holds, StoreWait
from hub.intake.accept import Ingest
from hub.logs import RateLimitedLog
from hub.mqtt.admission import Declined
from hub.mqtt.codec.decoder import Decoder, Side
from hub.mqtt.codec.packets import CodecError
from hub.mqtt.link import ClientLink
from hub.mqtt.protocol import ConnectionState, ServerProtocol
from hub.mqtt.requests import CarryOut, CheckKey, Request, Requests, SendPending
from hub.mqtt.tasks import Jobs, Tasks
from hub.places import ConnectionPlace
from hub.tls import peer_certificate

KEEP_ALIVE_GRACE = 1.5  # 3.1.2.10
CLOSE_TIMEOUT_S = 5.0  # how long what is written may take to leave a closing connection


class Connection(asyncio.Protocol):
    """Made by `MqttServer.connection`, and driven as any asyncio.Protocol is.

    Its transport may be a socket's or anything that behaves like one. It has to offer `write`, `close`,
    `abort`, `pause_reading`, `resume_reading` and `get_extra_info` ("peername", "ssl_object"), and whoever
    drives it calls `connection_made(transport)` once, `data_received(chunk)` with each piece of the stream in
    whatever sizes (of a WebSocket: the content of each binary message), `pause_writing()` and
    `resume_writing()` when its buffer of outgoing bytes is too long and short again, and
    `connection_lost(error)` once at the end, after `close` or `abort` too. All in the loop's thread. While
    reading is paused `data_received` may still be called, with little; it is kept.

    `open_` are the connections that are open, this one among them while it is. `protocol` makes the
    protocol's side.
    """

    __slots__ = (
        "_abort", "_closing", "_config", "_decoder", "_gone", "_heard_at", "_holds", "_ingest",
        "_jobs", "_keep_alive_s", "_later", "_limits", "_loop", "_open", "_place", "_protocol", "_reading",
        "_refusals", "_requests", "_settled", "_store_wait", "_tasks", "_timer", "_transport", "_unpaid",
    )  # fmt: skip

    def __init__(
        self,
        open_: set["Connection"],
        config: MqttConfig,
        limits: LimitsConfig,
        ingest: Ingest,
        requests: Requests,
        tasks: Tasks,
        store_wait: StoreWait,
        protocol: Callable[[ClientLink], ServerProtocol],
        refusals: RateLimitedLog,
        place: ConnectionPlace | None = None,
    ) -> None:
        self._open = open_
        self._refusals = refusals
        self._place = place  # bounds how many are open; left or kept once a key was shown
        self._config = config
        self._limits = limits
        self._ingest = ingest
        self._requests = requests
        self._tasks = tasks
        self._store_wait = store_wait
        self._loop = asyncio.get_running_loop()
        self._decoder = Decoder(Side.CLIENT, config.max_packet_bytes)
        self._protocol = protocol(self)
        self._transport: asyncio.Transport | None = None
        self._closing = False
        self._holds = Holds(self._pause, self._resume)
        self._jobs = Jobs(tasks.spawn, self._holds)
        self._later = b""  # of a large piece of the stream, what waits for the next turns of the loop
        self._unpaid = 0  # bytes that came, and are to be counted in the device's rate
        self._reading = False
        self._keep_alive_s = 0.0
        self._heard_at = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._abort: asyncio.TimerHandle | None = None
        self._settled: asyncio.Event | None = None  # while it stops: nothing waits to be acknowledged
        self._gone: asyncio.Future[None] = self._loop.create_future()

    @property
    def held(self) -> Holds:
        """Why it is not read from."""
        return self._holds

    @property
    def _address(self) -> str:
        """Where the client connects from; "" where the transport does not know."""
        peer = self._transport.get_extra_info("peername") if self._transport else None
        return str(peer[0]) if isinstance(peer, tuple) else ""

    # Driven by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for CONNECT; closed at once where the server has stopped."""
        self._transport = cast("asyncio.Transport", transport)
        if not self._tasks.running:
            self._transport.abort()
            return
        self._open.add(self)
        self._timer = self._loop.call_later(self._limits.connect_timeout_s, self._protocol.lost)

    def data_received(self, data: bytes) -> None:
        """A piece of the stream. A large one is taken in several turns."""
        self._unpaid += len(data)
        if self._later:
            self._later += data
        elif len(data) > TURN_BYTES:
            self._later = data
            self._turn()
        else:
            self._decoder.feed(data)
            self._read()

    def _turn(self) -> None:
        """Take as much as is fair to the other connections, and the rest in the next turn of the loop."""
        piece, self._later = self._later[:TURN_BYTES], self._later[TURN_BYTES:]
        self._decoder.feed(piece)
        self._holds.release(Hold.TURN)
        self._read()
        if self._later and not self._closing:
            self._holds.hold(Hold.TURN)
            self._loop.call_soon(self._turn)

    def pause_writing(self) -> None:
        """The client does not read: it is not read from either, so that what is sent to it stays bounded."""
        self._holds.hold(Hold.WRITING)
        self._protocol.pause_delivery()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._holds.release(Hold.WRITING)
        self._protocol.resume_delivery()

    def connection_lost(self, exc: Exception | None) -> None:
        """Gone, one way or another."""
        del exc
        self._closing = True
        self._open.discard(self)
        if self._place is not None:
            self._place.leave()
        if not self._gone.done():
            self._gone.set_result(None)
        for timer in (self._timer, self._abort):
            if timer is not None:
                timer.cancel()
        self._holds.end()
        self._protocol.lost()

    # Reading

    def _read(self) -> None:
        """Take every whole packet there is, in one turn, unless something holds the reading.

        What is done on the way can release a hold and so call this again; that is left to the call that is
        under way.
        """
        if self._reading:
            return
        self._reading = True
        try:
            more = True
            while more and not self._holds and not self._closing:
                more = self._take_packets()
                self._keep_pace()
        except CodecError as error:
            self._refusals.info(
                "a connection broke the protocol",
                self._address,
                reason=error.reason.name,
                why=str(error),
            )
            self._protocol.broken(error)
        except NotFound as error:
            self._protocol.removed(error)
        finally:
            self._reading = False

    def _take_packets(self) -> bool:
        """Take packets while nothing holds; whether there may be more. Raises CodecError, NotFound."""
        protocol, decoder = self._protocol, self._decoder
        while not self._holds and not self._closing:
            if protocol.state is ConnectionState.OPEN:
                ids, payloads = decoder.publish_run(protocol.publishing.header)
                if payloads:
                    self._heard_at = self._loop.time()
                    protocol.publishing.take_run(ids, payloads)
            packet = decoder.packet()
            if packet is None:
                return False
            self._heard_at = self._loop.time()
            protocol.receive(packet)
        return True

    def _keep_pace(self) -> None:
        """Accept the chunk's readings, and read no more if the client is too fast or the disk too slow."""
        if self._protocol.state is not ConnectionState.OPEN:
            return
        size, self._unpaid = self._unpaid, 0
        self._holds.wait_out(self._protocol.publishing.settle(size))
        if self._ingest.full:
            self._store_wait.hold(self._holds)
        if self._protocol.acks.messages > self._config.receive_max:
            self._holds.hold(Hold.UNACKNOWLEDGED)

    def _pause(self) -> None:
        if self._transport is not None and not self._closing:
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._closing:
            self._heard_at = self._loop.time()
            self._transport.resume_reading()
            self._read()

    # What the protocol wants: see ClientLink

    def write(self, raw: bytes) -> None:
        """Send this."""
        if self._transport is not None and not self._closing:
            self._transport.write(raw)

    def close(self) -> None:
        """Close once what is written has left, or after a while in any case."""
        if self._transport is not None and not self._closing:
            self._closing = True
            if (error := self._protocol.declined) is not None:
                self._refusals.info(
                    "a client was refused", self._address, reason=error.reason.name, why=str(error)
                )
            self._abort = self._loop.call_later(CLOSE_TIMEOUT_S, self._transport.abort)
            self._transport.close()

    def fewer_wait(self) -> None:
        """Acknowledgements were sent."""
        if self._protocol.acks.messages <= self._config.receive_max:
            self._holds.release(Hold.UNACKNOWLEDGED)
        if self._settled is not None and not self._protocol.acks:
            self._settled.set()

    def ask(self, request: Request) -> None:
        """Answer this after what was asked before."""
        match request:
            case CheckKey():
                if self._timer is not None:
                    self._timer.cancel()
                self._holds.hold(Hold.OPENING)
                self._jobs.add(self._check_key(request), self._protocol.lost)
            case SendPending():
                if self._requests.may_be_pending(self._protocol.device):
                    self._jobs.add(self._requests.send_pending(self._protocol), lambda: None)
            case CarryOut():
                self._jobs.add(self._carry_out(request), lambda: self._protocol.publishing.failed(request))

    async def _check_key(self, request: CheckKey) -> None:
        protocol = self._protocol
        try:
            certificate = peer_certificate(self._transport)
            protocol.admit(await self._requests.check_key(request.credentials, self._address, certificate))
        except Declined as error:
            protocol.decline(error)
        if self._place is not None and protocol.state is ConnectionState.OPEN:
            self._place.busy()
        if protocol.keep_alive_s:
            self._keep_alive_s = protocol.keep_alive_s * KEEP_ALIVE_GRACE
            self._heard_at = self._loop.time()
            self._timer = self._loop.call_later(self._keep_alive_s, self._check_alive)
        self._holds.release(Hold.OPENING)

    async def _carry_out(self, request: CarryOut) -> None:
        protocol = self._protocol
        try:
            answer = await self._requests.carry_out(protocol.device, request.up, request.publish.payload)
        except Refused as error:
            protocol.publishing.refused(request, error)
        else:
            protocol.carried_out(request, answer)

    # The times a client has to keep

    def _check_alive(self) -> None:
        """No packet for one and a half times its keep-alive: gone (3.1.2-22).

        Time in which the hub itself chose not to read does not count, unless it was because the client reads
        nothing.
        """
        if self._closing:
            return
        now = self._loop.time()
        if self._holds.besides(Hold.WRITING):
            self._heard_at = now
        left_s = self._heard_at + self._keep_alive_s - now
        if left_s > 0:
            self._timer = self._loop.call_later(left_s, self._check_alive)
        else:
            self._protocol.silent()

    async def stop(self, acknowledge_timeout_s: float, goodbye_timeout_s: float) -> None:
        """Read no more, acknowledge what is being stored, say goodbye, and see the connection gone."""
        if self._transport is None:
            return
        self._holds.hold(Hold.STOPPING)
        self._settled = asyncio.Event()
        self.fewer_wait()
        try:
            async with asyncio.timeout(acknowledge_timeout_s):
                await self._settled.wait()
        except TimeoutError:
            pass  # the client keeps what was not acknowledged
        self._protocol.stop()
        if not self._gone.done():
            await asyncio.wait([self._gone], timeout=goodbye_timeout_s)
            self._transport.abort()

"""The protocol with nothing below it: packets in by `say`; what comes out in `heard`, `asked`, `closed`."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest

from hub.clock import HubClock
from hub.config import LiveConfig, MqttConfig
from hub.errors import NotFound
from hub.feed import Feed
from hub.fleet.keys import Login
from hub.fleet.presence import Roster
from hub.history.commit import Commit
from hub.intake.receipts import Receipt
from hub.model import Device, Reading, Refusal
from hub.mqtt.clients import Clients
from hub.mqtt.codec.decoder import Decoder, Side
from hub.mqtt.codec.packets import CodecError, Connack, Connect, Packet, Properties, Publish, Version, Will
from hub.mqtt.protocol import ConnectionState, ServerProtocol
from hub.mqtt.requests import CarryOut, CheckKey, Request, SendPending

DEVICE = Device(1, "boiler", "Boiler", {}, 0)
ME = "v1/devices/me/"
TELEMETRY = ME + "telemetry"
ATTRIBUTES = ME + "attributes"
RPC = ME + "rpc/request/+"
BODY = b'{"a":1}'
CONNECT = Connect(Version.V5, "c", username="key")
both = pytest.mark.parametrize("version", list(Version), ids=["3.1.1", "5.0"])


def publish(
    packet_id: int = 1, qos: int = 1, topic: str = TELEMETRY, body: bytes = BODY, *, dup: bool = False
) -> Publish:
    return Publish(topic, body, qos, packet_id if qos else 0, dup=dup)


@dataclass
class CommandsTold:
    """What the clients said of commands on their way down."""

    made_ready: list[Device] = field(default_factory=list)
    arrived: list[int] = field(default_factory=list)
    given_back: list[int] = field(default_factory=list)
    turned_down: list[tuple[int, str]] = field(default_factory=list)

    def ready(self, device: Device) -> None:
        self.made_ready.append(device)

    def delivered(self, device: Device, command_ids: Iterable[int]) -> None:
        assert device.number
        self.arrived += command_ids

    def refused(self, device: Device, command_id: int, why: str) -> None:
        assert device.number
        self.turned_down.append((command_id, why))

    def returned(self, device: Device, command_ids: Iterable[int]) -> None:
        assert device.number
        self.given_back += command_ids


@dataclass
class World:
    """What all clients share: an intake whose commits the test completes, and a clock."""

    config: MqttConfig = field(default_factory=MqttConfig)
    connections_max: int = 10
    now_s: float = 1000.0
    set_by_s: float = 0.0  # by which somebody has set the system's clock
    accepted: list[tuple[Sequence[Reading], Sequence[Refusal]]] = field(default_factory=list)
    commits: list[Commit] = field(default_factory=list)
    wills: list[bytes] = field(default_factory=list)
    commands: CommandsTold = field(default_factory=CommandsTold)
    removed: bool = False

    def __post_init__(self) -> None:
        self.clock = HubClock(lambda: self.now_us() + round(self.set_by_s * 1e6), lambda: self.now_s)
        self.feed = Feed(LiveConfig(), "epoch", lambda: self.now_s)
        self.feed.add(DEVICE.id)
        self.roster = Roster(self.feed, self.now_us, 32, self.connections_max)
        self.roster.add(DEVICE)
        self.clients = Clients(
            self.config,
            self.roster,
            self.commands,
            lambda wills: self.wills.extend(will.payload for _, will in wills),
            lambda: self.now_s,
        )

    def now_us(self) -> int:
        return round(self.now_s * 1e6)

    def accept(
        self,
        device: Device,
        readings: Sequence[Reading],
        source: str,
        refused: Sequence[Refusal],
        *,
        size: int = 0,
    ) -> Receipt:
        del device, source, size
        if self.removed:
            raise NotFound("the device was removed")
        self.accepted.append((list(readings), list(refused)))
        self.commits.append(Commit(loop=asyncio.get_running_loop()))
        return Receipt(len(readings), (), self.commits[-1], 0.0)

    async def commit(self, *places: int) -> None:
        """Everything is on disk; or what was accepted at these places."""
        for place in places or range(len(self.commits)):
            if not self.commits[place].done():
                self.commits[place].set_result(None)
        await asyncio.sleep(0)


class Line:
    """One client and the hub's side of its connection."""

    def __init__(self, world: World) -> None:
        self._decoder: Decoder | None = None
        self._raw = bytearray()
        self.asked: list[Request] = []
        self.unheard: list[Packet] = []  # came right after CONNACK
        self.closed = False
        self.protocol = ServerProtocol(
            self, world.config, world.clients, world.accept, world.clock, lambda: "fresh"
        )

    # Link

    def write(self, raw: bytes) -> None:
        assert not self.closed, raw
        self._raw += raw

    def close(self) -> None:
        assert not self.closed
        self.closed = True

    def ask(self, request: Request) -> None:
        if not isinstance(request, SendPending):  # nothing is shared with these devices
            self.asked.append(request)

    def fewer_wait(self) -> None:
        pass

    # What a test does

    def say(self, *packets: Packet) -> "Line":
        """Packets that come together; what they break is handled as a connection handles it."""
        try:
            for packet in packets:
                if self.protocol.state in (ConnectionState.EXPECTING, ConnectionState.OPEN):
                    self.protocol.receive(packet)
            if self.protocol.state is ConnectionState.OPEN:
                self.protocol.publishing.settle()
        except CodecError as error:
            self.protocol.broken(error)
        except NotFound as error:
            self.protocol.removed(error)
        return self

    def heard(self) -> list[Packet]:
        """What the hub has said since this was last asked."""
        version = self.protocol._writer.version  # the client knows its own
        if self._decoder is None:
            self._decoder = Decoder(Side.SERVER, 268_435_455, version)
        self._decoder.feed(bytes(self._raw))
        self._raw.clear()
        packets, self.unheard = self.unheard, []
        while (packet := self._decoder.packet()) is not None:
            packets.append(packet)
        return packets

    def admit(self, device: Device = DEVICE) -> "Line":
        """The key is that device's."""
        assert isinstance(self.asked.pop(), CheckKey)
        self.protocol.admit(Login(device, "key"))
        return self

    def request(self) -> CarryOut:
        """What the hub is asked to do for the client."""
        request = self.asked.pop(0)
        assert isinstance(request, CarryOut)
        return request


def connected(
    world: World,
    version: Version = Version.V5,
    client_id: str = "c",
    *,
    clean: bool = True,
    will: bytes | None = None,
    expiry_s: int | None = None,
    receive_maximum: int | None = None,
) -> Line:
    """A client that is in."""
    line = Line(world)
    last = None if will is None else Will("v1/devices/me/telemetry", will)
    line.say(
        Connect(
            version,
            client_id,
            clean,
            will=last,
            username="key",
            properties=Properties(session_expiry_interval=expiry_s, receive_maximum=receive_maximum),
        )
    )
    line.admit()
    connack, *line.unheard = line.heard()
    assert isinstance(connack, Connack)
    assert connack.reason == 0
    return line

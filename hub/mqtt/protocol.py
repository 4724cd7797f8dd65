"""The server's side of one MQTT connection, sans I/O: packets in; bytes and requests out, by a `ClientLink`.

Theory. What a packet means depends on what came before it. Of the connection as a whole that is one of four
states:

    EXPECTING ── CONNECT ──> CHECKING ── admit ──> OPEN ── DISCONNECT, end, broken, lost … ──> CLOSED
        │                       │                                                                ▲
        └── broken, lost ───────┴── decline, lost ───────────────────────────────────────────────┘

EXPECTING waits for CONNECT, and CHECKING for the answer to "whose key is this?": until then nothing is read.
Only OPEN sends anything but CONNACK, and CLOSED sends nothing. When OPEN ends, the client's will is
published, unless it said goodbye with DISCONNECT 0x00 (3.14.4-3), its key was revoked, or it was removed.

Each QoS 2 message on its way up has states of its own (4.3.3), by packet id in SessionState.received:

    unknown ── PUBLISH ──> taken ── on disk: PUBREC ──> stored ── PUBREL: PUBCOMP ──> unknown
                             └─ PUBLISH again: nothing ─┴─ PUBLISH again: PUBREC ─┘

What is up to the network is the link's: to hold packets back until the state is OPEN, to write, to close,
and to have requests answered. How far a client may go ahead is counted here (4.9), and what is gathered of
one chunk is accepted in one call of `publishing.settle`. A CodecError that a call raises is handed to
`broken`.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import MappingProxyType

from hub.clock import HubClock
from hub.config import MqttConfig
from hub.errors import NotFound
from hub.fleet.keys import Login
from hub.fleet.session import EndReason, Handover, Leaving, SharedAttributes
from hub.flow import Acknowledgements
from hub.model import Command, Device
from hub.mqtt.admission import Declined, check_will, client_id, credentials, decline, expiry_s, welcome
from hub.mqtt.clients import Clients
from hub.mqtt.codec.packets import (
    Auth,
    CodecError,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Reason,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from hub.mqtt.delivery import Delivery
from hub.mqtt.gathering import SOURCE, Accept
from hub.mqtt.link import ClientLink
from hub.mqtt.packet_writer import PACKET_MAX, PacketWriter, explained
from hub.mqtt.publishing import Publishing
from hub.mqtt.requests import CarryOut, CheckKey, SendPending
from hub.mqtt.session_state import Downlink, SessionState
from hub.mqtt.subscriptions import subscribe

RECEIVE_MAX = 65_535  # of a client that names none (3.1.2.11.3)


class ConnectionState(Enum):
    """How far the connection is."""

    EXPECTING = "CONNECT has not come"
    CHECKING = "the key is being checked"
    OPEN = "the client is in"
    CLOSED = "it is over"


_NEXT: Mapping[ConnectionState, frozenset[ConnectionState]] = MappingProxyType(
    {
        ConnectionState.EXPECTING: frozenset({ConnectionState.CHECKING, ConnectionState.CLOSED}),
        ConnectionState.CHECKING: frozenset({ConnectionState.OPEN, ConnectionState.CLOSED}),
        ConnectionState.OPEN: frozenset({ConnectionState.CLOSED}),
        ConnectionState.CLOSED: frozenset(),
    }
)

_ENDS: Mapping[EndReason, Reason] = MappingProxyType(
    {
        EndReason.REVOKED: Reason.NOT_AUTHORIZED,
        EndReason.EXPIRED: Reason.NOT_AUTHORIZED,
        EndReason.REMOVED: Reason.ADMINISTRATIVE_ACTION,
        EndReason.TAKEN_OVER: Reason.SESSION_TAKEN_OVER,
        EndReason.TOO_MANY: Reason.QUOTA_EXCEEDED,
        EndReason.SHUTDOWN: Reason.SERVER_SHUTTING_DOWN,
    }
)


class ServerProtocol:
    """One client; to presence, its session. `clock` is the hub's; `fresh_id` gives a client id."""

    __slots__ = (
        "_accept", "_clients", "_clock", "_config", "_connect", "_delivery", "_fresh_id", "_link",
        "_session", "_will", "_writer", "acks", "declined", "device", "keep_alive_s", "key_id",
        "publishing", "state",
    )  # fmt: skip

    device: Device  # from OPEN on, as all below
    key_id: str
    _session: SessionState
    publishing: Publishing
    _delivery: Delivery

    def __init__(
        self,
        link: ClientLink,
        config: MqttConfig,
        clients: Clients,
        accept: Accept,
        clock: HubClock,
        fresh_id: Callable[[], str],
    ) -> None:
        self._link = link
        self._config = config
        self._clients = clients
        self._accept = accept
        self._clock = clock
        self._fresh_id = fresh_id
        self._writer = PacketWriter(self._write)
        self._connect: Connect | None = None  # while CHECKING
        self._will: Will | None = None
        self.acks: Acknowledgements[bytes] = Acknowledgements(self._tell, self._not_stored, link.fewer_wait)
        self.keep_alive_s = 0
        self.declined: Declined | None = None  # why the client did not come in
        self.state = ConnectionState.EXPECTING

    def _write(self, raw: bytes) -> None:
        if self.state is not ConnectionState.CLOSED:
            self._link.write(raw)

    def _tell(self, acknowledgements: list[bytes]) -> None:
        self._write(b"".join(acknowledgements))

    def _enter(self, state: ConnectionState) -> None:
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"MQTT: from {self.state.name} there is no way to {state.name}")
        self.state = state

    # Connecting

    def _ask_for_key(self, connect: Connect) -> None:
        """CONNECT: take over what the client says of itself, and have its key checked."""
        self._enter(ConnectionState.CHECKING)
        self._connect = connect
        self._writer.version = connect.version
        self._writer.packet_max = connect.properties.maximum_packet_size or PACKET_MAX
        self._writer.explains = connect.properties.request_problem_information != 0
        try:
            shown = credentials(connect)
        except Declined as error:
            self.decline(error)
        else:
            self._link.ask(CheckKey(shown))

    def admit(self, login: Login) -> None:
        """The key is this device's: answer with CONNACK, and send what waits for the client."""
        connect = self._connect
        if self.state is not ConnectionState.CHECKING or connect is None:
            return  # the client went while its key was checked
        try:
            state, connack = self._open(connect, login)
        except Declined as error:
            self.decline(error)
            return
        self._connect = None
        self.device, self.key_id, self._session = login.device, login.key_id, state
        self.publishing = Publishing(
            state, self._config, self._accept, self._writer, self.acks, self._link.ask, login.rights
        )
        quota = connect.properties.receive_maximum or RECEIVE_MAX
        self._delivery = Delivery(
            state, self._writer, quota, self._clock, login.rights, self._clients.commands
        )
        self._will = connect.will
        self.keep_alive_s = connect.keep_alive_s
        self._link.write(connack)
        self._enter(ConnectionState.OPEN)
        self._clients.came(self, state)
        self._pump()
        if state.subscriptions:
            self._clients.commands.ready(self.device)
            self._link.ask(SendPending())

    def _open(self, connect: Connect, login: Login) -> tuple[SessionState, bytes]:
        """The client's session, and the CONNACK that says so. Raises Declined."""
        check_will(connect, login)
        device, name = login.device, client_id(connect, self._fresh_id)
        if not self._clients.has_place(device, name):
            raise Declined(
                Reason.QUOTA_EXCEEDED,
                f"{self._clients.connections_max} connections are open (limits.connections_max)",
            )
        state, present = self._clients.open(device, name, clean=connect.clean_start)
        state.expiry_s = min(expiry_s(connect, self._config), self._config.session_expiry_max_s)
        connack = self._writer.form(welcome(connect, state, self._config, present=present))
        if not connack:
            raise Declined(
                Reason.PACKET_TOO_LARGE, f"{self._writer.packet_max} bytes are too few for a CONNACK"
            )
        return state, connack

    def decline(self, error: Declined) -> None:
        """The client may not come in."""
        if self.state is ConnectionState.CHECKING:
            self.declined = error
            decline(self._writer, error.reason, str(error))
            self._shut()

    # Up

    def receive(self, packet: Packet) -> None:
        """Any packet, while EXPECTING or OPEN.

        Raises CodecError for one that has no place here, NotFound when the device is no more.
        """
        match packet:
            case Publish():
                self.publishing.take(packet)
            case Puback():
                if self._delivery.settle(packet):
                    self._pump()
            case Pubrel():
                self.publishing.release(packet)
            case Pubrec() | Pubcomp():
                self._end_exchange(packet)
            case Subscribe():
                self._subscribe(packet)
            case Unsubscribe():
                self._unsubscribe(packet)
            case Pingreq():
                self._writer.send(Pingresp())
            case Disconnect():
                self._disconnect(packet)
            case Connect():
                self._ask_for_key(packet)
            case Auth():
                raise CodecError(
                    Reason.PROTOCOL_ERROR, "AUTH without an authentication method in CONNECT (4.12)"
                )

    def _end_exchange(self, packet: Pubrec | Pubcomp) -> None:
        """Nothing goes down with QoS 2, so these answer no message of the hub's (4.3.2)."""
        if self._session.in_flight(packet.packet_id):
            raise CodecError(
                Reason.PROTOCOL_ERROR,
                f"{type(packet).__name__.upper()} for {packet.packet_id}, of QoS 1: PUBACK is due (4.3.2)",
            )
        if isinstance(packet, Pubrec) and packet.reason < Reason.UNSPECIFIED_ERROR:
            self._writer.send(Pubrel(packet.packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND))

    def carried_out(self, request: CarryOut, answer: Downlink | None) -> None:
        """What was asked for was done, and is on disk."""
        if answer is not None and self.state is ConnectionState.OPEN:
            self._delivery.send(answer)
        self.publishing.carried_out(request)

    # Subscriptions

    def _subscribe(self, packet: Subscribe) -> None:
        answer = subscribe(packet, self._session)
        reasons = answer.reasons
        if not self._writer.says_reasons:
            reasons = [min(reason, Reason.UNSPECIFIED_ERROR) for reason in reasons]
        self._writer.send(Suback(packet.packet_id, reasons, self._writer.because(answer.why)))
        if answer.refusal is not None:
            self._accept(self.device, (), SOURCE, (answer.refusal,))
        if answer.is_of_attributes:
            self._link.ask(SendPending())
        self._clients.commands.ready(self.device)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        known = [self._session.subscriptions.pop(wanted, None) is not None for wanted in packet.topic_filters]
        reasons = [Reason.SUCCESS if it else Reason.NO_SUBSCRIPTION_EXISTED for it in known]
        self._writer.send(Unsuback(packet.packet_id, reasons))

    # Down

    def deliver(self, message: Command | SharedAttributes) -> Handover | None:
        """Send a message to the device. None when it has not asked for such, or there is no room."""
        return self._delivery.deliver(message) if self.state is ConnectionState.OPEN else None

    def pause_delivery(self) -> None:
        """The client does not read what it is sent: nothing more goes down."""
        if self.state is ConnectionState.OPEN:
            self._delivery.writable = False

    def resume_delivery(self) -> None:
        """It reads again."""
        if self.state is ConnectionState.OPEN:
            self._delivery.writable = True
            self._pump()

    def _pump(self) -> None:
        """There is room: send what is queued, and ask for what was turned away."""
        self._delivery.pump()
        if self._delivery.turned_away and self._delivery.writable:
            self._delivery.turned_away = False
            self._clients.commands.ready(self.device)

    # The end

    def _disconnect(self, packet: Disconnect) -> None:
        self.publishing.settle()
        wanted_s = packet.properties.session_expiry_interval
        if wanted_s is not None:
            if wanted_s and not self._session.expiry_s:
                raise CodecError(
                    Reason.PROTOCOL_ERROR, "a session without expiry cannot get one at its end (3.14.2.2.2)"
                )
            self._session.expiry_s = min(wanted_s, self._config.session_expiry_max_s)
        self._leave(Leaving.GOODBYE, with_will=packet.reason != Reason.SUCCESS)

    def end(self, reason: EndReason) -> None:
        """Close the connection at once.

        One whose key was revoked, or that was removed, leaves no session and no will.
        """
        if self.state is not ConnectionState.OPEN:
            return
        gone_for_good = reason in {EndReason.REVOKED, EndReason.EXPIRED, EndReason.REMOVED}
        if gone_for_good:
            self._session.expiry_s = 0
        if reason is EndReason.REMOVED:
            self._clients.forget(self.device)
        self._say_goodbye(_ENDS[reason], reason.value, Leaving.ENDED, with_will=not gone_for_good)

    def broken(self, error: CodecError) -> None:
        """What came is malformed, or not allowed here: the connection ends, saying why if it can."""
        if self.state is ConnectionState.OPEN:
            try:
                self.publishing.settle()  # what came before it is taken
            except NotFound as gone:
                self.removed(gone)
                return
            self._say_goodbye(error.reason, str(error))
        elif self.state is ConnectionState.EXPECTING and error.reason is Reason.UNSUPPORTED_PROTOCOL_VERSION:
            self._writer.version = Version.V5 if (error.level or 0) > Version.V5 else Version.V311
            decline(self._writer, error.reason, str(error))
            self._shut()
        else:
            self.lost()

    def removed(self, error: NotFound) -> None:
        """The device is no more."""
        self._say_goodbye(Reason.ADMINISTRATIVE_ACTION, str(error), Leaving.ENDED, with_will=False)

    def silent(self) -> None:
        """Nothing was heard for one and a half times the keep-alive (3.1.2-22)."""
        self._say_goodbye(
            Reason.KEEP_ALIVE_TIMEOUT, f"no packet came within its keep-alive of {self.keep_alive_s} s"
        )

    def lost(self) -> None:
        """The network connection is gone, or is to be: without a DISCONNECT before, the will is published."""
        if self.state is ConnectionState.OPEN:
            self._leave(Leaving.LOST, with_will=True)
        elif self.state is not ConnectionState.CLOSED:
            self._shut()

    def stop(self) -> None:
        """The hub stops."""
        if self.state is ConnectionState.OPEN:
            self.end(EndReason.SHUTDOWN)
        else:
            self.lost()

    def _not_stored(self) -> None:
        """End without acknowledging it, so that the device keeps it."""
        self._say_goodbye(Reason.UNSPECIFIED_ERROR, "what was sent last could not be stored; send it again")

    def _say_goodbye(
        self, reason: Reason, message: str, how: Leaving = Leaving.LOST, *, with_will: bool = True
    ) -> None:
        """End it from this side, saying why where the protocol can."""
        if self.state is ConnectionState.OPEN:
            if self._writer.version is Version.V5:
                self._writer.send(Disconnect(reason, explained(message)))
            self._leave(how, with_will=with_will)

    def _leave(self, how: Leaving, *, with_will: bool) -> None:
        """The client is gone from here on, whenever its connection is."""
        self._delivery.writable = False
        self._shut()
        self._clients.left(self, self._session, self._will if with_will else None, how)

    def _shut(self) -> None:
        self._enter(ConnectionState.CLOSED)
        self._link.close()

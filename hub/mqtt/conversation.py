"""One client from its CONNACK to its end: what each packet of it means."""

from hub.errors import Forbidden, Refused
from hub.fleet.keys import Login
from hub.fleet.session import EndReason, SharedAttributes
from hub.model import RAW_MAX, Command, Refusal
from hub.mqtt.codec.decoder import topic_header
from hub.mqtt.codec.encode import encode
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
)
from hub.mqtt.exchange import exchange, topic_and_body
from hub.mqtt.session import Granted, Message, Session, down_properties
from hub.mqtt.shared import Shared
from hub.mqtt.topics import ME, Kind, Up, is_own, prefixes, upward
from hub.mqtt.uplink import SOURCE, Uplink, reason_of
from hub.mqtt.wire import Hold, Wire

FILTER_MAX = 256  # characters; a session keeps its filters, and no topic of a device is longer
RECEIVE_MAX = 65_535  # of a client that names none (3.1.2.11.3)

_ENDS = {
    EndReason.REVOKED: Reason.NOT_AUTHORIZED,
    EndReason.REMOVED: Reason.ADMINISTRATIVE_ACTION,
    EndReason.TAKEN_OVER: Reason.SESSION_TAKEN_OVER,
    EndReason.SHUTDOWN: Reason.SERVER_SHUTTING_DOWN,
}


class Conversation:
    """A connected device; to presence, its session. Packets go in by `run`, `take` and `settle`, and out by the wire."""

    def __init__(self, login: Login, session: Session, connect: Connect, wire: Wire, shared: Shared) -> None:
        self.device = login.device
        self.key_id = login.key_id
        self.header = topic_header(
            ME + Kind.TELEMETRY.value
        )  # the topic that `run` is for: the last one used
        self._session = session
        self._will = connect.will
        self._wire = wire
        self._shared = shared
        self._uplink = Uplink(login.device, session, shared.ingest, wire)
        self._quota = connect.properties.receive_maximum or RECEIVE_MAX
        self._aliases: dict[int, str] = {}  # at most config.topic_alias_max
        self._turned_away = False  # a message found the queue full
        self._left = False

    def begin(self) -> None:
        """CONNACK is on its way: what waited for the client goes out."""
        self._shared.live[self._session.key] = self
        self._shared.roster.enter(self)
        self.pump()
        if self._session.subscriptions:
            self._shared.commands.ready(self.device)

    # Up

    def run(self, ids: list[bytes], payloads: list[bytes]) -> None:
        """Plain publishes to `header`'s topic, QoS 1; without ids, QoS 0."""
        self._uplink.take_run(ids, payloads)
        self._check_quota()

    def take(self, packet: Packet) -> None:
        """Any other packet. Raises CodecError for one that has no place here, NotFound when the device is no more."""
        match packet:
            case Publish():
                self._publish(packet)
            case Puback():
                if self._session.settled(packet.packet_id):
                    self.pump()
            case Pubrel():
                self._release(packet)
            case Pubrec():  # nothing goes down with QoS 2
                self._wire.send(Pubrel(packet.packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND))
            case Subscribe():
                self._subscribe(packet)
            case Unsubscribe():
                self._unsubscribe(packet)
            case Pingreq():
                self._wire.send(Pingresp())
            case Disconnect():
                self._disconnect(packet)
            case Auth():
                raise CodecError(
                    Reason.PROTOCOL_ERROR, "AUTH without an authentication method in CONNECT (4.12)"
                )
            case _:
                pass  # PUBCOMP ends an exchange that PUBREL with "not found" has ended already

    def settle(self) -> None:
        """The chunk is read: accept its readings, and slow the device down where that is due.

        Raises NotFound when the device is no more.
        """
        wait_s = self._uplink.settle()
        if wait_s > 0:
            self._wire.hold_for(Hold.RATE, wait_s)
        if self._shared.ingest.full:
            self._shared.wait_for_room(self._wire)
        if self._wire.unacknowledged > self._shared.config.receive_max:
            self._wire.hold(Hold.UNACKNOWLEDGED)

    def _check_quota(self) -> None:
        """A client of MQTT 5 keeps to the receive maximum it was told (3.3.4); one of 3.1.1 is read more slowly."""
        waiting = self._wire.unacknowledged + self._uplink.unsettled + len(self._session.received)
        if waiting > self._shared.config.receive_max and self._wire.version is Version.V5:
            raise CodecError(
                Reason.RECEIVE_MAXIMUM_EXCEEDED, f"more than {self._shared.config.receive_max} unacknowledged"
            )

    def _publish(self, publish: Publish) -> None:
        topic = self._topic(publish)
        if publish.qos == 2 and self._taken_before(publish.packet_id):
            return
        try:
            up = upward(topic, self.device.id)
        except Refused as error:
            code = error.code if isinstance(error, Forbidden) else "topic"
            self._uplink.refuse(publish, code, str(error))
        else:
            if up.kind is Kind.TELEMETRY:
                self.header = topic_header(topic)
                self._uplink.take(publish)
            else:
                self.settle()
                done = self._wire.do(self._exchange(publish, up), messages=publish.qos == 1)
                if publish.qos == 2:
                    self._session.received[publish.packet_id] = done
        self._check_quota()

    def _topic(self, publish: Publish) -> str:
        """The topic meant, by its name or by its alias (3.3.2.3.4)."""
        alias = publish.properties.topic_alias
        if alias is None:
            return publish.topic
        if alias > self._shared.config.topic_alias_max:
            raise CodecError(
                Reason.TOPIC_ALIAS_INVALID, f"topic aliases go up to {self._shared.config.topic_alias_max}"
            )
        if publish.topic:
            self._aliases[alias] = publish.topic
        elif alias not in self._aliases:
            raise CodecError(Reason.PROTOCOL_ERROR, f"the topic alias {alias} was never set")
        return self._aliases[alias]

    def _taken_before(self, packet_id: int) -> bool:
        """A QoS 2 message comes once more: it is not accepted twice, and its PUBREC is for the first one's commit."""
        if self._uplink.holds(packet_id):
            return True
        first = self._session.received.get(packet_id)
        if first is None or first.cancelled():
            return False
        # Counted like a message, so that one sent again and again while the disk is slow is bounded too.
        self._wire.acknowledge(first, encode(Pubrec(packet_id), self._wire.version), 1)
        self._check_quota()
        return True

    def _release(self, pubrel: Pubrel) -> None:
        self.settle()
        known = self._session.received.pop(pubrel.packet_id, None)
        reason = Reason.SUCCESS if known is not None else Reason.PACKET_IDENTIFIER_NOT_FOUND
        raw = encode(Pubcomp(pubrel.packet_id, reason), self._wire.version)
        if known is None or known.done():
            self._wire.write(raw)
        else:
            self._wire.acknowledge(known, raw, 0)

    async def _exchange(self, publish: Publish, up: Up) -> bytes:
        """Attributes and commands; the acknowledgement, sent when all is on disk."""
        kind = Puback if publish.qos == 1 else Pubrec
        try:
            answer = await exchange(
                self._shared.fleet, self._shared.commands, self.device, up, publish.payload
            )
        except Refused as error:
            refusal = Refusal(-1, error.code, str(error), publish.payload[:RAW_MAX])
            await self._shared.ingest.accept(self.device, (), SOURCE, (refusal,)).until_stored()
            if not self._wire.says_reasons:
                return self._wire.form(kind(publish.packet_id)) if publish.qos else b""
            if publish.qos == 2:
                self._session.received.pop(publish.packet_id, None)
            refused = kind(publish.packet_id, reason_of(refusal), self._wire.because(str(error)))
            return self._wire.form(refused) if publish.qos else b""
        if answer is not None:
            self._send(answer)
        return self._wire.form(kind(publish.packet_id)) if publish.qos else b""

    # Subscriptions

    def _subscribe(self, packet: Subscribe) -> None:
        identifier = next(iter(packet.properties.subscription_identifier), None)
        reasons: list[int] = []
        foreign: list[str] = []
        for wanted in packet.subscriptions:
            if wanted.topic_filter.startswith("$share/"):
                reasons.append(Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED)
            elif not is_own(wanted.topic_filter, self.device.id):
                foreign.append(wanted.topic_filter)
                reasons.append(Reason.NOT_AUTHORIZED)
            elif len(wanted.topic_filter) > FILTER_MAX:
                reasons.append(Reason.TOPIC_FILTER_INVALID)
            elif self._session.subscribe(wanted.topic_filter, Granted(min(wanted.qos, 1), identifier)):
                reasons.append(min(wanted.qos, 1))
            else:
                reasons.append(Reason.QUOTA_EXCEEDED)
        if not self._wire.says_reasons:
            reasons = [min(reason, Reason.UNSPECIFIED_ERROR) for reason in reasons]
        why = self._wire.because(f"a device subscribes to its own topics only: {ME}…" if foreign else "")
        self._wire.send(Suback(packet.packet_id, reasons, why))
        if foreign:
            text = ", ".join(foreign[:10])
            refusal = Refusal(
                -1, "forbidden", f"not a topic of this device: {text:.500}", text.encode()[:RAW_MAX]
            )
            self._shared.ingest.accept(self.device, (), SOURCE, (refusal,))
        self._shared.commands.ready(self.device)

    def _unsubscribe(self, packet: Unsubscribe) -> None:
        known = [self._session.subscriptions.pop(wanted, None) is not None for wanted in packet.topic_filters]
        reasons = [Reason.SUCCESS if it else Reason.NO_SUBSCRIPTION_EXISTED for it in known]
        self._wire.send(Unsuback(packet.packet_id, reasons))

    # Down

    def deliver(self, message: Command | SharedAttributes) -> bool:
        """Send a message to the device. False when it has not asked for such, or its queue is full."""
        below, body, expires_at = topic_and_body(message)
        for prefix in prefixes(self.device.id):
            if self._session.wants(prefix + below) is not None:
                return self._send(Message(prefix + below, body, expires_at))
        return False

    def _send(self, message: Message) -> bool:
        """To the client, if it asked for the topic. With QoS 0 now or not at all, with QoS 1 by the session's queue."""
        granted = self._session.wants(message.topic)
        if granted is None or self._left:
            return False
        properties = down_properties(message, self._session.identifiers(message.topic), self._shared.clock())
        probe = Publish(message.topic, message.body, granted.qos, granted.qos, properties=properties)
        if not self._wire.form(probe):
            return False  # longer than this client takes, now and later
        if granted.qos == 0:
            if self._wire.writable:
                return self._wire.send(probe)
            self._turned_away = True
            return False
        if not self._session.queue(message):
            self._turned_away = True
            return False
        self._send_queued()
        return True

    def pump(self) -> None:
        """There is room again: send what is queued, and ask for what was turned away."""
        self._send_queued()
        if self._turned_away and self._wire.writable:
            self._turned_away = False
            self._shared.commands.ready(self.device)

    def _send_queued(self) -> None:
        while (
            self._wire.writable
            and (publish := self._session.next(self._quota, self._shared.clock())) is not None
        ):
            if not self._wire.send(publish):
                self._session.settled(
                    publish.packet_id
                )  # too long for this client: as if it had come (3.1.2.11.4)

    # The end

    def _disconnect(self, packet: Disconnect) -> None:
        self.settle()
        expiry_s = packet.properties.session_expiry_interval
        if expiry_s is not None:
            if expiry_s and not self._session.expiry_s:
                raise CodecError(
                    Reason.PROTOCOL_ERROR, "a session without expiry cannot get one at its end (3.14.2.2.2)"
                )
            self._session.expiry_s = min(expiry_s, self._shared.config.session_expiry_max_s)
        self.leave(with_will=packet.reason == Reason.DISCONNECT_WITH_WILL)
        self._wire.shut()

    def end(self, reason: EndReason) -> None:
        """Close the connection at once. Who lost its key or its place in the fleet leaves neither session nor will."""
        if reason in {EndReason.REVOKED, EndReason.REMOVED}:
            self._session.expiry_s = 0
        if reason is EndReason.REMOVED:
            self._shared.sessions.forget(self.device)
        self.leave(with_will=reason is EndReason.TAKEN_OVER)
        self._wire.close(_ENDS[reason], reason.value)

    def leave(self, *, with_will: bool) -> None:
        """The client is gone from here on, whenever its connection is."""
        if self._left:
            return
        self._left = True
        if self._shared.live.get(self._session.key) is self:
            del self._shared.live[self._session.key]
        self._shared.bequeath(self._shared.sessions.leave(self._session, self._will if with_will else None))
        self._shared.roster.leave(self)

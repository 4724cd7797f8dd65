"""Publishes on their way up: to the intake, or as requests. Acknowledged in order (4.3, 4.6). No I/O."""

import asyncio
from collections.abc import Callable

from hub.config import MqttConfig
from hub.errors import Forbidden, Refused
from hub.fleet.keys import refuse_without
from hub.flow import Acknowledgements
from hub.model import RAW_MAX, KeyRight, Refusal
from hub.mqtt.codec.decoder import topic_header
from hub.mqtt.codec.packets import CodecError, Puback, Pubcomp, Publish, Pubrec, Pubrel, Reason, Version
from hub.mqtt.gathering import SOURCE, Accept, Gathering, reason_of
from hub.mqtt.packet_writer import PacketWriter
from hub.mqtt.requests import CarryOut, Request
from hub.mqtt.session_state import SessionState
from hub.mqtt.topics import ME, TopicKind, upward

_NONE: frozenset[int] = frozenset()  # one for all: a set of its own is 216 bytes in every connection


class Publishing:
    """What one client publishes. `ask` has a request answered.

    Readings are gathered until `settle`; calls raise CodecError for what the standard forbids, and NotFound
    when the device is no more.
    """

    __slots__ = (
        "_accept",
        "_acks",
        "_aliases",
        "_ask",
        "_config",
        "_gathering",
        "_repeated",
        "_rights",
        "_session",
        "_wait_s",
        "_writer",
        "header",
    )

    def __init__(
        self,
        session: SessionState,
        config: MqttConfig,
        accept: Accept,
        writer: PacketWriter,
        acks: Acknowledgements[bytes],
        ask: Callable[[Request], None],
        rights: frozenset[KeyRight],
    ) -> None:
        self._rights = rights
        self._session = session
        self._config = config
        self._accept = accept
        self._writer = writer
        self._acks = acks
        self._ask = ask
        self._gathering = Gathering(session.device, session, accept, writer, acks)
        self._aliases: dict[int, str] = {}  # at most config.topic_alias_max
        self._repeated = _NONE  # packet ids of QoS 2 that came again; fewer than are received
        self._wait_s = 0.0
        # Of the topic that `take_run` is for; none where the key is not for readings.
        self.header = b""
        if KeyRight.TELEMETRY in rights:
            self.header = topic_header(ME + TopicKind.TELEMETRY.value)

    def take_run(self, ids: list[bytes], payloads: list[bytes]) -> None:
        """Plain publishes to `header`'s topic, QoS 1; without ids, QoS 0."""
        self._gathering.take_run(ids, payloads)
        self._check_quota()

    def take(self, publish: Publish) -> None:
        """Any publish."""
        topic = self._topic(publish)
        if publish.qos == 2 and self._taken_before(publish.packet_id):
            return
        try:
            up = upward(topic, self._session.device.id)
            refuse_without(self._rights, up.kind.right)
        except Refused as error:
            code = error.code if isinstance(error, Forbidden) else "topic"
            self._gathering.refuse(publish, code, str(error))
        else:
            if up.kind is TopicKind.TELEMETRY:
                self.header = topic_header(topic)
                self._gathering.take(publish)
            else:
                self._accept_gathered()
                done: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
                self._acks.add(done, messages=int(publish.qos == 1))
                if publish.qos == 2:
                    self._session.received[publish.packet_id] = done
                self._ask(CarryOut(publish, up, done))
        self._check_quota()

    def _topic(self, publish: Publish) -> str:
        """The topic meant, by its name or by its alias (3.3.2.3.4)."""
        alias = publish.properties.topic_alias
        if alias is None:
            return publish.topic
        if alias > self._config.topic_alias_max:
            raise CodecError(
                Reason.TOPIC_ALIAS_INVALID,
                f"topic aliases go up to {self._config.topic_alias_max} (mqtt.topic_alias_max)",
            )
        if publish.topic:
            self._aliases[alias] = publish.topic
        elif alias not in self._aliases:
            raise CodecError(Reason.PROTOCOL_ERROR, f"the topic alias {alias} was never set")
        return self._aliases[alias]

    def _taken_before(self, packet_id: int) -> bool:
        """Whether a QoS 2 message came before: then its PUBREC is for the first one's commit."""
        if self._gathering.holds(packet_id):
            return True
        first = self._session.received.get(packet_id)
        if first is None or first.cancelled():
            return False
        if packet_id in self._repeated and not first.done():
            # The PUBREC that is due answers this one too, so that nothing piles up however often it comes.
            return True
        self._repeated |= {packet_id}
        self._accept_gathered()  # what came before it is acknowledged before it (4.6)
        self._acks.add(first, self._writer.form(Pubrec(packet_id)), 0)  # 0: it is counted as received
        return True

    def release(self, pubrel: Pubrel) -> None:
        """PUBREL: the packet id may be used again."""
        self._accept_gathered()
        self._repeated = self._repeated - {pubrel.packet_id} or _NONE
        known = self._session.received.pop(pubrel.packet_id, None)
        if known is None or known.cancelled():
            self._writer.send(Pubcomp(pubrel.packet_id, Reason.PACKET_IDENTIFIER_NOT_FOUND))
        elif known.done():
            self._writer.send(Pubcomp(pubrel.packet_id))
        else:
            self._acks.add(known, self._writer.form(Pubcomp(pubrel.packet_id)), 0)

    def settle(self, size: int = 0) -> float:
        """The chunk is read, `size` bytes since the last time: accept what was gathered. How many seconds to
        wait before reading more.

        Raises NotFound when the device is no more.
        """
        self._gathering.size += size
        self._accept_gathered()
        wait_s, self._wait_s = self._wait_s, 0.0
        return wait_s

    def _accept_gathered(self) -> None:
        self._wait_s = max(self._wait_s, self._gathering.settle())

    def _check_quota(self) -> None:
        """Hold a client of MQTT 5 to its receive maximum (3.3.4); one of 3.1.1 is read more slowly."""
        waiting = self._acks.messages + self._gathering.unsettled + len(self._session.received)
        if waiting > self._config.receive_max and self._writer.version is Version.V5:
            raise CodecError(
                Reason.RECEIVE_MAXIMUM_EXCEEDED,
                f"more than {self._config.receive_max} unacknowledged (mqtt.receive_max)",
            )

    # Answers to what was asked

    def carried_out(self, request: CarryOut) -> None:
        """It was done, and is on disk."""
        self._acknowledge(request, Reason.SUCCESS, "")

    def refused(self, request: CarryOut, error: Refused) -> None:
        """It cannot be done: acknowledged once the rejection is on disk.

        Raises NotFound when the device is no more.
        """
        publish = request.publish
        refusal = Refusal(-1, error.code, str(error), publish.payload[:RAW_MAX])
        stored = self._accept(self._session.device, (), SOURCE, (refusal,)).stored
        if publish.qos == 2 and self._writer.says_reasons:
            self._session.received.pop(publish.packet_id, None)  # the exchange ends there (4.3.3)

        def acknowledge(stored: asyncio.Future[None]) -> None:
            if stored.cancelled():
                self.failed(request)
            else:
                self._acknowledge(request, reason_of(refusal), str(error))

        stored.add_done_callback(acknowledge)

    def failed(self, request: CarryOut) -> None:
        """It was not done, and can be asked for again: no acknowledgement, and the connection ends."""
        request.done.cancel()

    def _acknowledge(self, request: CarryOut, reason: Reason, why: str) -> None:
        publish = request.publish
        if publish.qos == 0:
            request.done.set_result(b"")
            return
        kind = Puback if publish.qos == 1 else Pubrec
        if self._writer.says_reasons and reason is not Reason.SUCCESS:
            packet = kind(publish.packet_id, reason, self._writer.because(why))
        else:
            packet = kind(publish.packet_id)
        request.done.set_result(self._writer.form(packet))

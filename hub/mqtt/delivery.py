"""What goes down to one client: commands, attributes, answers.

At QoS 0 now or not at all, at QoS 1 by a queue. No I/O.
"""

from hub.clock import HubClock
from hub.fleet.session import Handover, SharedAttributes, right_to_get
from hub.model import Command, KeyRight
from hub.mqtt.clients import CommandsSent
from hub.mqtt.codec.packets import Puback, Publish, Reason
from hub.mqtt.packet_writer import PacketWriter
from hub.mqtt.requests import body_of, topic_of
from hub.mqtt.session_state import Downlink, Granted, SessionState, down_properties
from hub.mqtt.topics import prefixes


class Delivery:
    """Sends while `writable`, at most `quota` messages that are not acknowledged.

    What is queued ends by the hub's clock as if it had never been set: queues are not told when it is.
    """

    __slots__ = ("_clock", "_commands", "_quota", "_rights", "_state", "_writer", "turned_away", "writable")

    def __init__(
        self,
        state: SessionState,
        writer: PacketWriter,
        quota: int,
        clock: HubClock,
        rights: frozenset[KeyRight],
        commands: CommandsSent,
    ) -> None:
        self._commands = commands
        self._rights = rights
        self._state = state
        self._writer = writer
        self._quota = quota
        self._clock = clock
        self.writable = True  # the client is there, and reads what it is sent
        self.turned_away = False  # a message found no room
        withheld = state.withhold(rights)
        if withheld:
            commands.returned(state.device, withheld)

    def deliver(self, message: Command | SharedAttributes) -> Handover | None:
        """Send a message to the device. None when it has not asked for such, its key does not allow it, or
        there is no room: a command goes out at once or stays with those who sent it, so that it is not called
        sent before it is.
        """
        if right_to_get(message) not in self._rights:
            return None
        below = topic_of(message)
        for prefix in prefixes(self._state.device.id):
            granted = self._state.wants(prefix + below)
            if granted is not None:
                if not self._send_below(prefix + below, message, granted):
                    return None
                return Handover.CONFIRMED_LATER if granted.qos else Handover.NEVER_CONFIRMED
        return None

    def _send_below(self, topic: str, message: Command | SharedAttributes, granted: Granted) -> bool:
        if not isinstance(message, Command):
            return self.send(Downlink(topic, body_of(message)))
        if not self.writable or (granted.qos and not self._state.has_room(self._quota)):
            self.turned_away = True
            return False
        ends = self._clock.unmoved(message.expires_at)
        return self.send(Downlink(topic, body_of(message), ends, message.id))

    def send(self, message: Downlink) -> bool:
        """To the client, if it asked for the topic."""
        granted = self._state.wants(message.topic)
        if granted is None:
            return False
        properties = down_properties(message, self._state.identifiers(message.topic), self._clock.unmoved())
        probe = Publish(message.topic, message.body, granted.qos, granted.qos, properties=properties)
        if not self._writer.form(probe):
            return False  # longer than this client takes, now and later
        if granted.qos == 0:
            self.turned_away |= not self.writable
            return self.writable and self._writer.send(probe)
        if not self._state.queue(message):
            self.turned_away = True
            return False
        self.pump()
        return True

    def settle(self, puback: Puback) -> bool:
        """The client has a message; from 0x80 on, it says that it will make nothing of it. Whether there was
        one.
        """
        message = self._state.settled(puback.packet_id)
        if message is not None and message.command_id is not None:
            if puback.reason < Reason.UNSPECIFIED_ERROR:
                self._commands.delivered(self._state.device, [message.command_id])
            else:
                why = f"the device refused it with the MQTT reason 0x{puback.reason:02x}"
                self._commands.refused(self._state.device, message.command_id, why)
        return message is not None

    def pump(self) -> None:
        """Send what is queued, as far as the quota goes."""
        while self.writable and (publish := self._state.next(self._quota, self._clock.unmoved())) is not None:
            if not self._writer.send(publish):
                # Too long for this client: as if it had come (3.1.2-25).
                message = self._state.settled(publish.packet_id)
                if message is not None and message.command_id is not None:
                    self._commands.returned(self._state.device, [message.command_id])

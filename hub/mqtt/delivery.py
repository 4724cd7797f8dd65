"""What goes down to one client: commands, attributes, answers.

At QoS 0 now or not at all, at QoS 1 by a queue. No I/O.
"""

from hub.clock import HubClock
from hub.fleet.session import SharedAttributes, right_to_get
from hub.model import Command, KeyRight
from hub.mqtt.codec.packets import Publish
from hub.mqtt.packet_writer import PacketWriter
from hub.mqtt.requests import topic_and_body
from hub.mqtt.session_state import Downlink, SessionState, down_properties
from hub.mqtt.topics import prefixes


class Delivery:
    """Sends while `writable`, at most `quota` messages that are not acknowledged.

    What is queued ends by the hub's clock as if it had never been set: queues are not told when it is.
    """

    __slots__ = ("_clock", "_quota", "_rights", "_state", "_writer", "turned_away", "writable")

    def __init__(
        self,
        state: SessionState,
        writer: PacketWriter,
        quota: int,
        clock: HubClock,
        rights: frozenset[KeyRight],
    ) -> None:
        self._rights = rights
        self._state = state
        self._writer = writer
        self._quota = quota
        self._clock = clock
        self.writable = True  # the client is there, and reads what it is sent
        self.turned_away = False  # a message found no room

    def deliver(self, message: Command | SharedAttributes) -> bool:
        """Send a message to the device. False when it has not asked for such, its key does not allow it, or
        there is no room.
        """
        if right_to_get(message) not in self._rights:
            return False
        below, body, expires_at = topic_and_body(message)
        ends = None if expires_at is None else self._clock.unmoved(expires_at)
        for prefix in prefixes(self._state.device.id):
            if self._state.wants(prefix + below) is not None:
                return self.send(Downlink(prefix + below, body, ends))
        return False

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

    def pump(self) -> None:
        """Send what is queued, as far as the quota goes."""
        while self.writable and (publish := self._state.next(self._quota, self._clock.unmoved())) is not None:
            if not self._writer.send(publish):
                # Too long for this client: as if it had come (3.1.2-25).
                self._state.settled(publish.packet_id)

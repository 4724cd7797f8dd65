"""What outlives a connection (MQTT 4.1): a client's subscriptions, and the messages that are not settled yet.

No I/O.

A session belongs to a device and a client id together: what one device calls itself can never reach
another's.
"""

import math
from asyncio import Future
from typing import NamedTuple

from hub.model import Device, KeyRight
from hub.mqtt.codec.packets import Properties, Publish
from hub.mqtt.topics import matches

PACKET_ID_MAX = 65_535
SUBSCRIPTIONS_MAX = 32

Key = tuple[int, str]


class Granted(NamedTuple):
    """What was granted to a topic filter.

    `identifier` is the client's own number for it (3.8.2.1.2), or None.
    """

    qos: int
    identifier: int | None = None


class Downlink(NamedTuple):
    """On its way to the device. `expires_at` is in µs, and `next` is asked by the same clock.

    `command_id` is of the command that it holds, if it does.
    """

    topic: str
    body: bytes
    expires_at: int | None = None
    command_id: int | None = None

    @property
    def right(self) -> KeyRight:
        """What a key has to allow for the device to be sent this: the rest is attributes."""
        return KeyRight.ATTRIBUTES if self.command_id is None else KeyRight.COMMANDS


class _Outgoing(NamedTuple):
    message: Downlink
    identifiers: tuple[int, ...]


class SessionState:
    """The state of one client. Down, QoS 1 at most: a queue of `queued_max` messages, sent or waiting."""

    __slots__ = (
        "_again",
        "_last_id",
        "_queued_max",
        "_sent",
        "_waiting",
        "client_id",
        "device",
        "expiry_s",
        "received",
        "subscriptions",
    )

    def __init__(self, device: Device, client_id: str, queued_max: int) -> None:
        self.device = device
        self.client_id = client_id
        self.expiry_s = 0
        self.subscriptions: dict[str, Granted] = {}
        # QoS 2 up: packet ids taken and not released yet, each with the commit it waits for (4.3.3).
        self.received: dict[int, Future[None] | Future[bytes]] = {}
        self._queued_max = queued_max
        # Lists, though the first is taken first: they are short, and an empty deque is 700 bytes in every
        # session.
        self._waiting: list[_Outgoing] = []
        self._sent: dict[int, _Outgoing] = {}  # by packet id, in order; no PUBACK yet
        self._again: list[int] = []  # those of `_sent` that the present connection has not seen
        self._last_id = 0

    @property
    def key(self) -> Key:
        """Whose session this is."""
        return self.device.number, self.client_id

    def subscribe(self, topic_filter: str, granted: Granted) -> bool:
        """Grant a filter, in place of what it had; False when there are too many already."""
        if topic_filter not in self.subscriptions and len(self.subscriptions) >= SUBSCRIPTIONS_MAX:
            return False
        self.subscriptions[topic_filter] = granted
        return True

    def wants(self, topic: str) -> Granted | None:
        """The best QoS granted for `topic`, None if nothing asks for it."""
        found = [granted for wanted, granted in self.subscriptions.items() if matches(wanted, topic)]
        return max(found, key=lambda granted: granted.qos, default=None)

    def identifiers(self, topic: str) -> tuple[int, ...]:
        """The client's numbers of all filters that ask for `topic`, to be sent with the message (3.3.4)."""
        return tuple(
            granted.identifier
            for wanted, granted in self.subscriptions.items()
            if granted.identifier is not None and matches(wanted, topic)
        )

    def queue(self, message: Downlink) -> bool:
        """Queue for QoS 1; False when the queue is full, and then nothing is kept of it."""
        if len(self._waiting) + len(self._sent) >= self._queued_max:
            return False
        self._waiting.append(_Outgoing(message, self.identifiers(message.topic)))
        return True

    def has_room(self, quota: int) -> bool:
        """Whether a message that is queued now goes out at once."""
        return not self._waiting and not self._again and len(self._sent) < quota

    def unsettled_commands(self) -> list[int]:
        """The commands that were not acknowledged, or not even sent."""
        held = [*self._sent.values(), *self._waiting]
        return [one.message.command_id for one in held if one.message.command_id is not None]

    def withhold(self, rights: frozenset[KeyRight]) -> list[int]:
        """Take away what a key with these rights is not for: the connection before may have had another key.
        The commands among it.
        """
        held = [*self._sent.values(), *self._waiting]
        self._sent = {number: one for number, one in self._sent.items() if one.message.right in rights}
        self._waiting = [one for one in self._waiting if one.message.right in rights]
        self._again = [number for number in self._again if number in self._sent]
        taken = [one.message for one in held if one.message.right not in rights]
        return [message.command_id for message in taken if message.command_id is not None]

    def reconnected(self) -> None:
        """Another connection: what was not acknowledged is to be sent again, first and in order (4.4)."""
        self._again = list(self._sent)

    def next(self, quota: int, now: int) -> Publish | None:
        """The next message to send while fewer than `quota` are in flight.

        Late ones are dropped, also where 4.4 would have them sent again: nobody wants a valve to open that
        long after.
        """
        if len(self._sent) - len(self._again) >= quota:
            return None
        while self._again:
            packet_id = self._again.pop(0)
            outgoing = self._sent[packet_id]
            if not _is_late(outgoing, now):
                return _publish(outgoing, packet_id, now, dup=True)
            del self._sent[packet_id]
        while self._waiting:
            outgoing = self._waiting.pop(0)
            if not _is_late(outgoing, now):
                packet_id = self._fresh_id()
                self._sent[packet_id] = outgoing
                return _publish(outgoing, packet_id, now, dup=False)
        return None

    def in_flight(self, packet_id: int) -> bool:
        """Whether a message of this id waits for its PUBACK."""
        return packet_id in self._sent

    def settled(self, packet_id: int) -> Downlink | None:
        """PUBACK came for this message; None when nothing waited for it."""
        if packet_id in self._again:  # acknowledged late, on the connection after the one it was sent on
            self._again.remove(packet_id)
        outgoing = self._sent.pop(packet_id, None)
        return None if outgoing is None else outgoing.message

    def _fresh_id(self) -> int:
        """A packet id that is not in use. There is one: the queue is shorter than there are ids."""
        while True:
            self._last_id = self._last_id % PACKET_ID_MAX + 1
            if self._last_id not in self._sent:
                return self._last_id


def _is_late(outgoing: _Outgoing, now: int) -> bool:
    expires_at = outgoing.message.expires_at
    return expires_at is not None and expires_at <= now


def _publish(outgoing: _Outgoing, packet_id: int, now: int, *, dup: bool) -> Publish:
    message = outgoing.message
    return Publish(
        message.topic,
        message.body,
        1,
        packet_id,
        dup=dup,
        properties=down_properties(message, outgoing.identifiers, now),
    )


def down_properties(message: Downlink, identifiers: tuple[int, ...], now: int) -> Properties:
    """What goes along with a message: whose subscription it answers, and how long it is worth having."""
    left_s = None if message.expires_at is None else max(1, math.ceil((message.expires_at - now) / 1e6))
    return Properties(message_expiry_interval=left_s, subscription_identifier=identifiers)

"""What outlives a connection (MQTT 4.1): a client's subscriptions, and the messages that are not settled yet. No I/O.

A session belongs to a device and a client id together: what one device calls itself can never reach another's.
"""

import math
from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from hub.model import Device
from hub.mqtt.codec.packets import Properties, Publish, Will
from hub.mqtt.topics import matches

PACKET_ID_MAX = 65_535
SUBSCRIPTIONS_MAX = 32
PER_DEVICE_MAX = 8
"""How many sessions of one device are kept; the one left longest ago makes room. So no device drives out another's."""

Key = tuple[int, str]


class Granted(NamedTuple):
    """What was granted to a topic filter. `identifier` is the client's own number for it (3.8.2.1.2), or None."""

    qos: int
    identifier: int | None = None


class Message(NamedTuple):
    """On its way to the device. `expires_at` is in µs UTC."""

    topic: str
    body: bytes
    expires_at: int | None = None


class _Outgoing(NamedTuple):
    message: Message
    identifiers: tuple[int, ...]


class Session:
    """The state of one client. Down, QoS 1 at most: a bounded queue, `queued_max` messages sent or waiting."""

    def __init__(self, device: Device, client_id: str, queued_max: int) -> None:
        self.device = device
        self.client_id = client_id
        self.expiry_s = 0
        self.subscriptions: dict[str, Granted] = {}
        # QoS 2 up: packet ids taken and not released yet, each with the commit it waits for (4.3.3).
        self.received: dict[int, Future[None] | Future[bytes]] = {}
        self._queued_max = queued_max
        # Lists, though the first is taken first: they are short, and an empty deque is 700 bytes in every session.
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

    def queue(self, message: Message) -> bool:
        """Queue for QoS 1; False when the queue is full, and then nothing is kept of it."""
        if len(self._waiting) + len(self._sent) >= self._queued_max:
            return False
        self._waiting.append(_Outgoing(message, self.identifiers(message.topic)))
        return True

    def reconnected(self) -> None:
        """Another connection: what was sent and not acknowledged is to be sent again, first and in order (4.4)."""
        self._again = list(self._sent)

    def next(self, quota: int, now: int) -> Publish | None:
        """The next message to send while fewer than `quota` are in flight; those past their time are dropped."""
        if len(self._sent) - len(self._again) >= quota:
            return None
        if self._again:
            packet_id = self._again.pop(0)
            return _publish(self._sent[packet_id], packet_id, now, dup=True)
        while self._waiting:
            outgoing = self._waiting.pop(0)
            expires_at = outgoing.message.expires_at
            if expires_at is None or expires_at > now:
                packet_id = self._fresh_id()
                self._sent[packet_id] = outgoing
                return _publish(outgoing, packet_id, now, dup=False)
        return None

    def settled(self, packet_id: int) -> bool:
        """PUBACK came; False when nothing waited for it."""
        if packet_id in self._again:  # acknowledged late, on the connection after the one it was sent on
            self._again.remove(packet_id)
        return self._sent.pop(packet_id, None) is not None

    def _fresh_id(self) -> int:
        """A packet id that is not in use; there always is one, since the queue is shorter than there are ids."""
        while True:
            self._last_id = self._last_id % PACKET_ID_MAX + 1
            if self._last_id not in self._sent:
                return self._last_id


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


def down_properties(message: Message, identifiers: tuple[int, ...], now: int) -> Properties:
    """What goes along with a message: whose subscription it answers, and how long it is worth having."""
    left_s = None if message.expires_at is None else max(1, math.ceil((message.expires_at - now) / 1e6))
    return Properties(message_expiry_interval=left_s, subscription_identifier=identifiers)


@dataclass(slots=True)
class _Kept:
    session: Session
    ends_at_s: float
    will: Will | None
    will_at_s: float = field(default=math.inf)


Bequest = tuple[Device, Will]


class Sessions:
    """The sessions without a connection, in memory, at most `sessions_max`. Times in seconds by one steady clock.

    What comes due hands back wills: publishing them is the caller's.
    """

    def __init__(self, sessions_max: int, queued_max: int, clock_s: Callable[[], float]) -> None:
        self._max = sessions_max
        self._queued_max = queued_max
        self._clock_s = clock_s
        self._kept: dict[Key, _Kept] = {}  # the one left longest ago first
        self._of_device: dict[int, int] = {}  # how many are kept, by Device.number

    def __len__(self) -> int:
        return len(self._kept)

    def open(self, device: Device, client_id: str, *, clean: bool) -> tuple[Session, bool, list[Bequest]]:
        """The session for a new connection, whether it was there before, and the wills due by its coming.

        A session taken up again cancels its will; one replaced by a clean start ends, and so its will is due (3.1.3.2.2).
        """
        kept = self._remove((device.number, client_id))
        if kept is None:
            return Session(device, client_id, self._queued_max), False, []
        if clean or kept.ends_at_s <= self._clock_s():
            return Session(device, client_id, self._queued_max), False, _bequests(kept)
        kept.session.reconnected()
        return kept.session, True, []

    def leave(self, session: Session, will: Will | None) -> list[Bequest]:
        """Its connection is gone; the wills due now. Kept for `expiry_s` if that is not 0 and there is room."""
        now_s = self._clock_s()
        kept = _Kept(session, now_s + session.expiry_s, will)
        if will is not None:
            kept.will_at_s = now_s + min(will.properties.will_delay_interval or 0, session.expiry_s)
        if session.expiry_s == 0:
            return _bequests(kept)
        due = []
        if self._of_device.get(session.device.number, 0) >= PER_DEVICE_MAX:
            oldest = next(key for key in self._kept if key[0] == session.device.number)
            due += self._end(oldest)
        if len(self._kept) >= self._max:
            return due + _bequests(kept)  # full of other devices' sessions: this one ends with its connection
        self._kept[session.key] = kept
        self._of_device[session.device.number] = self._of_device.get(session.device.number, 0) + 1
        if kept.will_at_s <= now_s:
            due += _bequests(kept)
            kept.will, kept.will_at_s = None, math.inf
        return due

    def due(self) -> list[Bequest]:
        """End the sessions whose time is over; the wills due by now. Call it about once a second."""
        now_s = self._clock_s()
        bequests: list[Bequest] = []
        for key in [key for key, kept in self._kept.items() if kept.ends_at_s <= now_s]:
            bequests += self._end(key)
        for kept in self._kept.values():
            if kept.will_at_s <= now_s:
                bequests += _bequests(kept)
                kept.will, kept.will_at_s = None, math.inf
        return bequests

    def forget(self, device: Device) -> None:
        """The device is no more, nor are its sessions and its wills."""
        for key in [key for key in self._kept if key[0] == device.number]:
            self._remove(key)

    def _end(self, key: Key) -> list[Bequest]:
        kept = self._remove(key)
        return [] if kept is None else _bequests(kept)

    def _remove(self, key: Key) -> _Kept | None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._of_device[key[0]] -= 1
            if not self._of_device[key[0]]:
                del self._of_device[key[0]]
        return kept


def _bequests(kept: _Kept) -> list[Bequest]:
    return [] if kept.will is None else [(kept.session.device, kept.will)]

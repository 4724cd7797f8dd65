"""One dashboard, or anything else that watches, and its places on channels."""

from __future__ import annotations

import asyncio
from typing import Protocol

import orjson

from hub.errors import Conflict, Invalid, NotFound
from hub.feed.log import Resume
from hub.feed.sight import Sight
from hub.model import Principal

# A frame that has grown past this takes no further channel. One channel adds no more than
# `live.resume_max_bytes`, as that is all its log holds; so this and that, and what the transport may hold, is
# a slow viewer's memory in the hub.
FRAME_MAX_BYTES = 262_144


class Several(bytes):
    """More than one message, with commas between them."""


class Channel(Protocol):
    """What can be subscribed to. `offset` names a place in its stream, within one `epoch`."""

    epoch: str
    offset: int

    @property
    def name(self) -> str:
        """As the wire has it: `device/boiler-1`."""

    def subscribe(self, subscription: Subscription, resume: Resume | None) -> bytes:
        """Add a subscription; from now on it misses nothing. Returns the `subscribed` message."""

    def unsubscribe(self, subscription: Subscription) -> None:
        """Remove a subscription."""

    def take(self, subscription: Subscription) -> bytes | None:
        """The message with all this subscription has not got, or None; the subscription has got it then."""


class Subscription:
    """A cursor into a channel's log, and the newest notice of each kind (presence, …) not sent yet.

    Bounded by construction: the readings themselves lie in the channel's log, and a newer notice replaces an
    older one.
    """

    __slots__ = ("channel", "cursor", "notices", "seen", "sight", "told", "viewer")

    def __init__(self, viewer: Viewer, channel: Channel, cursor: int) -> None:
        self.viewer = viewer
        self.channel = channel
        self.cursor = cursor
        # On a label and on alerts how far it is in the log, where its cursor counts only what it may see. On
        # the overview, for a viewer that may not see all, how many messages it got, and of which devices.
        self.seen = 0
        self.sight: Sight | None = None  # on a label and on alerts, of a viewer that may not see all
        self.told: set[str] = set()
        self.notices: dict[str, bytes] = {}


class Signal(Protocol):
    """What a viewer sets when something is pending: an asyncio.Event, or a connection of a shared writer."""

    def set(self) -> None:
        """Something is pending."""

    def clear(self) -> None:
        """It was taken."""

    def is_set(self) -> bool:
        """Whether something is pending."""


class Viewer:
    """The subscriptions of one connection. Its writer waits for `ready`, sends what `take` gives, and so on.

    While a frame is being sent more gathers, so quiet channels send at once and busy ones send large frames.
    """

    __slots__ = (
        "_messages",
        "_news",
        "_subscriptions",
        "_subscriptions_max",
        "_woken",
        "answers_bytes",
        "principal",
        "ready",
    )

    def __init__(self, principal: Principal, subscriptions_max: int, ready: Signal | None = None) -> None:
        self.principal = principal
        self.ready = ready or asyncio.Event()
        self._subscriptions_max = subscriptions_max
        self._subscriptions: dict[str, Subscription] = {}
        self._woken: dict[Subscription, None] = {}  # in the order they woke
        self._messages: list[bytes] = []  # answers
        self._news: dict[str, bytes] = {}  # of no channel, the newest of each kind
        self.answers_bytes = 0  # of them: where it is too much, no more requests are read

    def wake(self, subscription: Subscription) -> None:
        """Something is pending on this subscription."""
        self._woken[subscription] = None
        self.ready.set()

    def say(self, message: bytes) -> None:
        """Put an answer before everything else that is pending."""
        self._messages.append(message)
        self.answers_bytes += len(message)
        self.ready.set()

    def tell(self, kind: str, message: bytes) -> None:
        """Something of no channel that this viewer is to know: it takes the place of an older one not sent
        yet.
        """
        self._news[kind] = message
        self.ready.set()

    def subscribe(self, channel: Channel, resume: Resume | None = None) -> None:
        """Subscribe, and answer `subscribed`. Raises Conflict if it already is, Invalid over the limit."""
        held = self._subscriptions.get(channel.name)
        if held is not None:
            if held.channel is channel:
                raise Conflict(f"already subscribed to {channel.name}")
            self.unsubscribe(channel.name)  # that device was removed; this is another of the same id
        if len(self._subscriptions) >= self._subscriptions_max:
            raise Invalid(
                f"at most {self._subscriptions_max} subscriptions on one connection (live.subscriptions_max)"
            )
        subscription = Subscription(self, channel, channel.offset)
        self._subscriptions[channel.name] = subscription
        self.say(channel.subscribe(subscription, resume))

    def unsubscribe(self, name: str) -> None:
        """Leave a channel; nothing more of it comes. Raises NotFound if not subscribed to it."""
        subscription = self._subscriptions.pop(name, None)
        if subscription is None:
            raise NotFound(f"not subscribed to {name}")
        self._woken.pop(subscription, None)
        subscription.channel.unsubscribe(subscription)

    def lose_sight(self, device_id: str, name: str) -> None:
        """The device is not to be seen any more: its channel answers as if there were no such device."""
        self.unsubscribe(name)
        said = {"type": "error", "code": NotFound.code, "message": f"there is no device {device_id!r}"}
        self.say(orjson.dumps({**said, "channel": name}))

    def close(self) -> None:
        """Leave all channels."""
        for name in list(self._subscriptions):
            self.unsubscribe(name)

    def places(self) -> dict[str, Resume]:
        """By channel, up to where `take` has given everything: from there a later connection can go on."""
        return {
            name: Resume((subscription.sight or subscription.channel).epoch, subscription.cursor)
            for name, subscription in self._subscriptions.items()
        }

    def take(self) -> bytes:
        """All that is pending, as one frame: one message, an array of messages, or empty.

        A frame that has grown past FRAME_MAX_BYTES takes no further channel; those are for the next one.
        """
        self.ready.clear()
        messages, self._messages, self.answers_bytes = self._messages, [], 0
        messages.extend(self._news.values())
        self._news.clear()
        woken, self._woken = self._woken, {}
        size = 0
        for subscription in woken:
            if size > FRAME_MAX_BYTES:
                self._woken[subscription] = None
                continue
            if subscription.notices:
                messages.extend(subscription.notices.values())
                subscription.notices.clear()
            message = subscription.channel.take(subscription)
            if message is not None:
                messages.append(message)
                size += len(message)
        if self._woken:
            self.ready.set()
        if len(messages) == 1 and type(messages[0]) is not Several:
            return messages[0]
        return b"[%b]" % b",".join(messages) if messages else b""

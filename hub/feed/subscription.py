"""One viewer's place on one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hub.feed.log import Resume
    from hub.feed.viewer import Viewer


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

    Bounded by construction: the readings themselves lie in the channel's log, and a newer notice replaces an older one.
    """

    __slots__ = ("channel", "cursor", "notices", "seen", "viewer")

    def __init__(self, viewer: Viewer, channel: Channel, cursor: int) -> None:
        self.viewer = viewer
        self.channel = channel
        self.cursor = cursor
        self.seen = 0  # on a label: how many readings there were, up to the cursor, of those it may see
        self.notices: dict[str, bytes] = {}

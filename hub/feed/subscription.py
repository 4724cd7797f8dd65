"""One viewer's place on one channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hub.feed.channel import DeviceChannel
    from hub.feed.overview import OverviewChannel
    from hub.feed.viewer import Viewer


class Subscription:
    """A cursor into a channel's log, and the newest notice of each kind (presence, …) not sent yet.

    Bounded by construction: the readings themselves lie in the channel's log, and a newer notice replaces an older one.
    """

    __slots__ = ("channel", "cursor", "notices", "viewer")

    def __init__(self, viewer: Viewer, channel: DeviceChannel | OverviewChannel, cursor: int) -> None:
        self.viewer = viewer
        self.channel = channel
        self.cursor = cursor
        self.notices: dict[str, bytes] = {}

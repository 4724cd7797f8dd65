"""What a viewer with a scope is told on the overview."""

import orjson

from hub.config import LiveConfig
from hub.feed import Feed, Viewer
from hub.model import Presence
from tests.principals import principal

NORTH, SOUTH = {"site": "north"}, {"site": "south"}


def told(viewer: Viewer) -> list[tuple[int, dict[str, bool]]]:
    """The offset of each message, and of which devices it tells: whether they are there."""
    raw = viewer.take()
    said = orjson.loads(raw) if raw else []
    messages = said if isinstance(said, list) else [said]
    return [
        (one["offset"], {name: part is not None for name, part in one["devices"].items()}) for one in messages
    ]


def test_a_scoped_overview_counts_its_own_messages_and_tells_what_enters_and_leaves() -> None:
    feed = Feed(LiveConfig(), "epoch", lambda: 0.0)
    for device, labels in (("mine", NORTH), ("hidden", SOUTH)):
        feed.add(device)
        feed.set_labels(device, labels)
    viewer = Viewer(principal("ada", labels=NORTH), 10)
    viewer.subscribe(feed.channel("overview"))
    assert told(viewer) == [(0, {"mine": True})]
    for presence in (Presence.ONLINE, Presence.STALE, Presence.OFFLINE):
        feed.set_presence("hidden", presence, 0)
        feed.tick()
        assert told(viewer) == []
    feed.set_presence("mine", Presence.ONLINE, 0)
    feed.tick()
    assert told(viewer) == [(1, {"mine": True})]
    feed.set_labels("hidden", NORTH)
    feed.set_labels("mine", SOUTH)
    feed.tick()
    assert told(viewer) == [(2, {"hidden": True, "mine": False})]
    feed.remove("mine")
    feed.tick()
    assert told(viewer) == []
    feed.remove("hidden")
    feed.tick()
    assert told(viewer) == [(3, {"hidden": False})]

"""What a viewer with a scope is told on the overview."""

import orjson

from hub.config import LiveConfig
from hub.feed import Feed, Viewer
from hub.feed.label import LabelChannel
from hub.model import Presence, Reading
from tests.feed.runs import run_of
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


def test_on_a_label_neither_offsets_nor_epochs_tell_of_what_is_hidden() -> None:
    """What a viewer is told is the same to the byte, whether others that it may not see send or not."""
    told_of = {}
    for hidden_sends in (False, True):
        feed = Feed(LiveConfig(), "epoch", lambda: 0.0)
        for device, site in (("mine", "north"), ("hidden", "south")):
            feed.add(device)
            feed.set_labels(device, {"site": site, "kind": "pump"})
        viewer, other = (Viewer(principal("ada", labels=NORTH), 10) for _ in range(2))
        viewer.subscribe(feed.channel("label/kind=pump"))
        said = [viewer.take()]
        for number in range(5):
            if hidden_sends:
                feed.device("hidden").publish(run_of(Reading(number * 1000, {"t": 1.0})))
                assert viewer.take() == b""
            feed.device("mine").publish(run_of(Reading(number * 1000, {"t": 2.0})))
            said.append(viewer.take())
        [place] = viewer.places().values()
        other.subscribe(feed.channel("label/kind=pump"), place)
        told_of[hidden_sends] = [*said, other.take()]
    assert told_of[True] == told_of[False]
    assert orjson.loads(told_of[True][-1])["recovered"]


def test_a_scope_that_nobody_watches_by_is_forgotten_with_the_log() -> None:
    now_s = 0.0
    feed = Feed(LiveConfig(resume_window_s=10.0), "epoch", lambda: now_s)
    channel = feed.channel("label/kind=pump")
    assert isinstance(channel, LabelChannel)
    for number in range(50):
        now_s += 11.0
        viewer = Viewer(principal("ada", labels={"site": str(number)}), 10)
        viewer.subscribe(channel)
        viewer.close()
        assert len(channel._sights) <= 2

"""Watching all devices that carry a label: who is in it, what a scope hides, how it resumes and what it
skips.
"""

import json
from typing import Any

import pytest

from hub.config import LiveConfig
from hub.feed import Feed, Resume, Viewer
from hub.model import Presence, Principal, Reading, Role
from tests.feed.runs import run_of
from tests.principals import principal as principal_of

T0 = 1_795_170_094_504_000
EVERYONE = principal_of("test", Role.VIEWER)
CHANNEL = "label/site=north"


class Site:
    """A feed with devices a and b at the site north, c at south; time held in the hand."""

    def __init__(self, **live: Any) -> None:
        self.now_s = 0.0
        self.feed = Feed(LiveConfig(**live), "k3f9", lambda: self.now_s)
        self.count = 0
        for device_id, site in (("a", "north"), ("b", "north"), ("c", "south")):
            self.feed.add(device_id)
            self.feed.set_labels(device_id, {"site": site, "kind": "pump"})

    def publish(self, device_id: str, *values: float) -> None:
        readings = []
        for value in values:
            self.count += 1
            readings.append(Reading(T0 + self.count * 1_000_000, {"n": value}))
        self.feed.device(device_id).publish(run_of(*readings))

    def watch(
        self, channel: str = CHANNEL, resume: Resume | None = None, principal: Principal = EVERYONE
    ) -> tuple[Viewer, dict[str, Any]]:
        viewer = Viewer(principal, 5)
        viewer.subscribe(self.feed.channel(channel), resume)
        return viewer, json.loads(viewer.take())


def taken(viewer: Viewer) -> list[dict[str, Any]]:
    found = json.loads(viewer.take() or b"[]")
    return found if isinstance(found, list) else [found]


def numbers(message: dict[str, Any]) -> dict[str, list[float]]:
    return {
        device: [values["n"] for _, values in rows] for device, rows in message.get("readings", {}).items()
    }


@pytest.fixture
def site() -> Site:
    return Site()


def test_it_has_the_readings_of_the_devices_that_carry_the_label_and_says_whose_they_are(site: Site) -> None:
    viewer, answer = site.watch()
    assert sorted(answer["devices"]) == ["a", "b"]
    site.publish("a", 1, 2)
    site.publish("c", 3)
    site.publish("b", 4)
    [message] = taken(viewer)
    assert (message["type"], message["offset"], numbers(message)) == (
        "readings",
        3,
        {"a": [1, 2], "b": [4]},
    )


def test_a_device_that_gains_the_label_comes_and_one_that_loses_it_goes(site: Site) -> None:
    viewer, _ = site.watch()
    site.publish("c", 1)
    site.feed.set_labels("c", {"site": "north"})
    site.publish("c", 2)
    joined, message = taken(viewer)
    assert (joined["type"], joined["device"], joined["presence"]) == ("joined", "c", "never_seen")
    assert joined["snapshot"]["n"][1] == 1
    assert numbers(message) == {"c": [2]}
    site.feed.set_labels("a", {"site": "south"})
    site.publish("a", 3)
    assert [(one["type"], one["device"]) for one in taken(viewer)] == [("left", "a")]


def test_a_device_that_is_removed_leaves(site: Site) -> None:
    viewer, _ = site.watch()
    site.feed.remove("a")
    assert [(one["type"], one["device"]) for one in taken(viewer)] == [("left", "a")]
    assert sorted(site.watch()[1]["devices"]) == ["b"]


def test_a_label_that_nobody_carries_yet_can_be_watched(site: Site) -> None:
    viewer, answer = site.watch("label/site=west=1")
    assert answer["devices"] == {}
    site.feed.set_labels("a", {"site": "west=1"})
    assert [one["type"] for one in taken(viewer)] == ["joined"]


def test_a_scope_hides_devices_their_readings_and_their_comings_and_goings(site: Site) -> None:
    viewer, answer = site.watch(principal=principal_of("some", Role.VIEWER, frozenset({"a"})))
    assert list(answer["devices"]) == ["a"]
    site.publish("b", 1)
    assert taken(viewer) == []
    site.publish("a", 2)
    [message] = taken(viewer)
    assert numbers(message) == {"a": [2]}
    site.feed.set_presence("b", Presence.ONLINE, T0)
    site.feed.set_labels("b", {})
    site.feed.set_labels("c", {"site": "north"})
    assert taken(viewer) == []


def test_two_scopes_that_take_in_turn_get_each_their_own(site: Site) -> None:
    everyone, _ = site.watch()
    some, _ = site.watch(principal=principal_of("some", Role.VIEWER, frozenset({"a"})))
    site.publish("a", 1)
    site.publish("b", 2)
    assert numbers(taken(everyone)[0]) == {"a": [1], "b": [2]}
    assert numbers(taken(some)[0]) == {"a": [1]}


def test_presence_is_told_with_the_device_and_only_the_newest(site: Site) -> None:
    viewer, _ = site.watch()
    site.feed.set_presence("a", Presence.ONLINE, T0)
    site.feed.set_presence("a", Presence.STALE, T0 + 1000)
    [notice] = taken(viewer)
    assert notice == {
        "type": "presence",
        "channel": CHANNEL,
        "device": "a",
        "status": "stale",
        "since": T0 // 1000 + 1,
    }


def test_who_comes_back_gets_exactly_what_was_missed(site: Site) -> None:
    viewer, _ = site.watch()
    site.publish("a", 1)
    taken(viewer)
    [place] = viewer.places().values()
    viewer.close()
    site.publish("b", 2)
    site.publish("a", 3)
    _, answer = site.watch(resume=place)
    assert answer["recovered"] is True
    assert numbers(answer) == {"b": [2], "a": [3]}


def test_after_the_window_the_channel_is_gone_and_a_resume_is_not_recovered(site: Site) -> None:
    viewer, _ = site.watch()
    [place] = viewer.places().values()
    viewer.close()
    site.now_s += 61
    site.feed.tick()
    assert site.feed.device("a").labels == ()
    _, answer = site.watch(resume=place)
    assert (answer["recovered"], answer["readings"]) == (False, {})


def test_channels_made_for_nothing_are_bounded(site: Site) -> None:
    for number in range(150):
        site.watch(f"label/site={number}")[0].close()
    site.feed.tick()
    assert len(site.feed._labels) == 100


def test_who_is_too_far_behind_gets_the_latest_of_each_device_and_the_count() -> None:
    site = Site(pending_max=10)
    viewer, _ = site.watch()
    some, _ = site.watch(principal=principal_of("some", Role.VIEWER, frozenset({"a"})))
    for value in range(20):
        site.publish("a", value)
    site.publish("b", 100)
    [message] = taken(viewer)
    assert (numbers(message), message["skipped"]) == ({"a": [19], "b": [100]}, 19)
    [message] = taken(some)
    assert (numbers(message), message["skipped"]) == ({"a": [19]}, 19)


def test_an_unchanged_metric_is_not_repeated_to_who_is_behind() -> None:
    site = Site(pending_max=3)
    viewer, _ = site.watch()
    site.publish("b", 7)
    taken(viewer)
    site.publish("a", 1, 2, 3, 4)
    [message] = taken(viewer)
    assert (numbers(message), message["skipped"]) == ({"a": [4]}, 3)


def test_readings_of_one_message_are_bounded_in_bytes() -> None:
    site = Site(resume_max_bytes=100_000)
    viewer, _ = site.watch()
    long = "x" * 1000
    for number in range(400):
        site.feed.device("a").publish(run_of(Reading(T0 + number * 1000, {"text": long})))
    message = viewer.take()
    assert len(message) < 2_000
    assert json.loads(message)["skipped"] == 399

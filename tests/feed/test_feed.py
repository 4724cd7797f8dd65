"""Channels, resume, conflation and the overview, one behaviour at a time."""

import json
from typing import Any

import pytest

from hub.config import LiveConfig
from hub.errors import Conflict, Invalid, NotFound
from hub.feed import Feed, Resume, Viewer
from hub.model import Presence, Principal, Reading, Role
from tests.feed.runs import run_of
from tests.principals import principal as principal_of

T0 = 1_795_170_094_504_000
EVERYONE = principal_of("test", Role.VIEWER)


class Studio:
    """A feed with time held in the hand."""

    def __init__(self, **live: Any) -> None:
        self.now_s = 0.0
        self.config = LiveConfig(**live)
        self.feed = Feed(self.config, "k3f9", lambda: self.now_s)
        self.count = 0

    def publish(self, device_id: str = "a", count: int = 1, **values: Any) -> None:
        """Readings a second apart, in one publish each."""
        for _ in range(count):
            self.count += 1
            reading = Reading(T0 + self.count * 1_000_000, values or {"n": float(self.count)})
            self.feed.device(device_id).publish(run_of(reading))


def watch(
    studio: Studio, channel: str = "device/a", resume: Resume | None = None, principal: Principal = EVERYONE
) -> tuple[Viewer, dict[str, Any]]:
    """A viewer on the channel, and the answer to its subscribing."""
    viewer = Viewer(principal, 2)
    viewer.subscribe(studio.feed.channel(channel), resume)
    return viewer, json.loads(viewer.take())


def taken(viewer: Viewer) -> Any:
    return json.loads(viewer.take() or b"null")


@pytest.fixture
def studio() -> Studio:
    studio = Studio()
    studio.feed.add("a")
    return studio


def numbers(message: dict[str, Any]) -> list[float]:
    return [values["n"] for _, values in message["readings"]]


def test_a_time_is_whole_milliseconds_where_it_can_be(studio: Studio) -> None:
    studio.feed.device("a").publish(run_of(Reading(T0, {"n": 1.0}), Reading(T0 + 250, {"m": True})))
    _, answer = watch(studio)
    assert answer["snapshot"] == {"n": [T0 // 1000, 1.0], "m": [T0 // 1000 + 0.25, True]}
    assert isinstance(answer["snapshot"]["n"][0], int)


def test_many_publishes_before_a_take_are_one_message(studio: Studio) -> None:
    viewer, answer = watch(studio)
    assert (answer["offset"], answer["recovered"], answer["readings"]) == (0, False, [])
    assert not viewer.ready.is_set()
    studio.publish(count=3)
    assert viewer.ready.is_set()
    assert numbers(taken(viewer)) == [1, 2, 3]
    assert taken(viewer) is None


def test_viewers_at_the_same_place_are_sent_the_very_same_bytes(studio: Studio) -> None:
    (first, _), (second, _) = watch(studio), watch(studio)
    studio.publish(count=3)
    assert first.take() is second.take()


def test_a_notice_goes_to_each_and_a_newer_one_replaces_it_while_the_readings_are_shared(
    studio: Studio,
) -> None:
    (first, _), (second, _) = watch(studio), watch(studio)
    studio.publish()
    studio.feed.set_presence("a", Presence.ONLINE, T0)
    notice, readings = taken(first)
    assert notice == {"type": "presence", "channel": "device/a", "status": "online", "since": T0 // 1000}
    studio.feed.set_presence("a", Presence.STALE, T0 + 1000)
    notice, same_readings = taken(second)
    assert (notice["status"], same_readings) == ("stale", readings)
    assert taken(first)["status"] == "stale"


def test_resume_replays_exactly_what_was_missed(studio: Studio) -> None:
    viewer, _ = watch(studio)
    studio.publish(count=2)
    at = taken(viewer)["offset"]
    viewer.close()
    studio.publish(count=3)
    _, answer = watch(studio, resume=Resume("k3f9", at))
    assert (answer["recovered"], numbers(answer), answer["offset"]) == (True, [3, 4, 5], 5)


def test_who_watches_a_device_with_other_metrics_begins_again(studio: Studio) -> None:
    channel = studio.feed.device("a")
    viewer, before = watch(studio)
    away, _ = watch(studio)
    channel.publish(run_of(Reading(T0, {"n": 1.0})))
    known = Resume(before["epoch"], taken(away)["offset"])
    away.close()
    channel.publish(run_of(Reading(T0 + 1000, {"n": 2.0})))
    channel.forget("n")
    channel.restore("m", T0 + 1000, 2.0)
    studio.feed.renew("a")
    channel.publish(run_of(Reading(T0 + 2000, {"m": 3.0})))

    again, readings = taken(viewer)
    assert (again["type"], again["renewed"], again["recovered"]) == ("subscribed", True, False)
    assert (again["snapshot"], again["readings"]) == ({"m": [T0 // 1000 + 1, 2.0]}, [])
    assert again["epoch"] != before["epoch"]
    assert (again["offset"], readings["offset"]) == (2, 3)
    assert readings["readings"] == [[T0 // 1000 + 2, {"m": 3.0}]]

    _, back = watch(studio, resume=known)
    assert (back["recovered"], back.get("renewed"), back["readings"]) == (False, True, [])
    _, goes_on = watch(studio, resume=Resume(again["epoch"], again["offset"]))
    assert (goes_on["recovered"], goes_on.get("renewed")) == (True, None)
    assert goes_on["readings"] == readings["readings"]


def test_who_resumes_a_device_that_was_removed_and_added_again_begins_again(studio: Studio) -> None:
    viewer, before = watch(studio)
    viewer.close()
    studio.feed.remove("a")
    studio.feed.add("a")
    _, back = watch(studio, resume=Resume(before["epoch"], before["offset"]))
    assert (back["recovered"], back.get("renewed")) == (False, True)


def test_after_a_restart_of_the_hub_a_device_is_not_taken_for_another(studio: Studio) -> None:
    _, back = watch(studio, resume=Resume("before", 3))
    assert (back["recovered"], back.get("renewed")) == (False, None)


@pytest.mark.parametrize(
    ("epoch", "offset"), [("other", 2), ("k3f9", -1), ("k3f9", 6), ("k3f9", 2**63), ("k3f9", 3)]
)
def test_resume_from_a_place_that_is_not_known_recovers_nothing(
    studio: Studio, epoch: str, offset: int
) -> None:
    viewer, _ = watch(studio)
    studio.publish(count=2)
    # The offset 3 is inside of this.
    studio.feed.device("a").publish(run_of(Reading(T0, {"n": 3.0}), Reading(T0, {"n": 4.0})))
    studio.publish()
    viewer.close()
    _, answer = watch(studio, resume=Resume(epoch, offset))
    assert (answer["recovered"], answer["readings"]) == (False, [])


def test_what_is_missed_for_longer_than_the_window_is_not_recovered(studio: Studio) -> None:
    viewer, _ = watch(studio)
    viewer.close()
    studio.now_s = 59.0
    studio.publish()
    studio.now_s = 61.0
    studio.publish()
    _, answer = watch(studio, resume=Resume("k3f9", 0))
    assert not answer["recovered"]
    _, answer = watch(studio, resume=Resume("k3f9", 2))
    assert (answer["recovered"], answer["readings"]) == (True, [])


def test_nothing_is_kept_of_a_channel_nobody_watches(studio: Studio) -> None:
    studio.publish(count=100)
    assert studio.feed.device("a")._log.bytes == 0
    _, answer = watch(studio, resume=Resume("k3f9", 99))
    assert not answer["recovered"]


def test_the_log_never_outgrows_its_bytes_even_by_one_large_publish() -> None:
    studio = Studio(resume_max_bytes=100)
    channel = studio.feed.add("a")
    viewer, _ = watch(studio)
    studio.publish(text="x" * 200)
    assert channel._log.bytes == 0
    found = taken(viewer)
    # It does not fit, but it is the latest of its metrics and so it is delivered whole.
    assert (found["readings"][0][1], "skipped" in found) == ({"text": "x" * 200}, False)


def test_a_viewer_far_behind_gets_the_latest_of_what_is_new_and_how_much_it_missed() -> None:
    studio = Studio(pending_max=10)
    studio.feed.add("a")
    studio.publish(old=1.0)
    slow, _ = watch(studio)
    studio.publish(count=5, n=1.0)
    studio.publish(m=1.0, n=2.0)
    studio.publish(count=5, n=3.0)
    found = taken(slow)
    # `old` did not change; of the reading with m and n only m is the latest.
    assert [values for _, values in found["readings"]] == [{"m": 1.0}, {"n": 3.0}]
    assert (found["offset"], found["skipped"]) == (12, 10)
    studio.publish()
    assert "skipped" not in taken(slow)


def test_a_device_removed_and_added_again_is_another_stream(studio: Studio) -> None:
    viewer, answer = watch(studio)
    studio.publish(count=3)
    studio.feed.remove("a")
    assert taken(viewer)[0]["status"] == "offline"
    with pytest.raises(NotFound):
        studio.feed.channel("device/a")
    studio.feed.add("a")
    studio.publish(count=5)
    _, answer = watch(studio, resume=Resume(answer["epoch"], 3))
    assert (answer["recovered"], answer["offset"]) == (False, 5)
    viewer.subscribe(studio.feed.channel("device/a"))  # no conflict with the one that is gone
    assert taken(viewer)["offset"] == 5


def test_subscriptions_are_bounded_and_one_a_channel(studio: Studio) -> None:
    for name in ("b", "c"):
        studio.feed.add(name)
    viewer, _ = watch(studio)
    with pytest.raises(Conflict):
        viewer.subscribe(studio.feed.channel("device/a"))
    viewer.subscribe(studio.feed.channel("device/b"))
    with pytest.raises(Invalid):
        viewer.subscribe(studio.feed.channel("device/c"))
    viewer.take()
    viewer.unsubscribe("device/a")
    studio.publish()
    assert taken(viewer) is None
    with pytest.raises(NotFound):
        viewer.unsubscribe("device/a")
    assert studio.feed.device("a").viewers == 0


@pytest.mark.parametrize(
    "name", ["", "device/", "device/none", "overview/x", "label/", "label/site", "label/=x"]
)
def test_a_channel_that_is_not_there_is_not_found(studio: Studio, name: str) -> None:
    with pytest.raises(NotFound):
        studio.feed.channel(name)


# Overview


def test_the_overview_tells_what_changed_between_ticks_and_nothing_else(studio: Studio) -> None:
    studio.publish(old=1.0)
    viewer, answer = watch(studio, "overview")
    assert answer["devices"] == {
        "a": {"snapshot": {"old": [T0 // 1000 + 1000, 1.0]}, "presence": "never_seen", "since": None}
    }
    studio.publish(n=1.0)
    studio.publish(n=2.0)
    assert taken(viewer) is None  # before the tick
    studio.feed.overview.tick()
    assert taken(viewer)["devices"] == {"a": {"snapshot": {"n": [T0 // 1000 + 3000, 2.0]}}}
    studio.feed.overview.tick()
    assert taken(viewer) is None
    studio.feed.set_presence("a", Presence.ONLINE, T0)
    studio.feed.overview.tick()
    assert taken(viewer)["devices"] == {"a": {"snapshot": {}, "presence": "online", "since": T0 // 1000}}


def test_the_overview_tells_of_new_and_removed_devices(studio: Studio) -> None:
    viewer, _ = watch(studio, "overview")
    studio.feed.add("b")
    studio.feed.remove("a")
    studio.feed.overview.tick()
    found = taken(viewer)
    assert found["devices"] == {"a": None, "b": {"snapshot": {}, "presence": "never_seen", "since": None}}
    studio.publish("b")
    studio.feed.overview.tick()
    assert list(taken(viewer)["devices"]) == ["b"]


def test_a_viewer_a_few_ticks_behind_gets_them_merged_and_one_far_behind_the_whole_state(
    studio: Studio,
) -> None:
    studio.feed.add("b")
    few, _ = watch(studio, "overview")
    many, _ = watch(studio, "overview")
    studio.publish("b", x=1.0)
    studio.feed.overview.tick()
    few.take()
    studio.feed.remove("b")
    for value in range(8):
        studio.publish("a", n=float(value))
        studio.feed.overview.tick()
    found = taken(few)
    assert (found["type"], found["offset"]) == ("overview", 9)
    assert found["devices"]["b"] is None
    assert found["devices"]["a"]["snapshot"]["n"][1] == 7.0
    found = taken(many)
    # All there is, so that the device that is gone is seen to be gone.
    assert (found["type"], found["offset"], list(found["devices"])) == ("subscribed", 9, ["a"])


def test_a_scoped_viewer_sees_its_devices_alone_and_no_sign_of_others(studio: Studio) -> None:
    studio.feed.add("b")
    scoped = principal_of("scoped", Role.VIEWER, frozenset({"a"}))
    viewer, answer = watch(studio, "overview", principal=scoped)
    everyone, _ = watch(studio, "overview")
    assert list(answer["devices"]) == ["a"]
    studio.publish("b")
    studio.feed.overview.tick()
    assert taken(viewer) is None
    assert list(taken(everyone)["devices"]) == ["b"]
    studio.publish("a")
    studio.publish("b")
    studio.feed.remove("b")
    studio.feed.overview.tick()
    assert list(taken(viewer)["devices"]) == ["a"]
    assert set(taken(everyone)["devices"]) == {"a", "b"}
    for _ in range(9):
        studio.publish("a")
        studio.feed.overview.tick()
    assert list(taken(viewer)["devices"]) == ["a"]


@pytest.mark.parametrize("ticks_between", [0, 1])
def test_a_device_removed_and_added_again_does_not_keep_what_the_one_before_had(
    studio: Studio, ticks_between: int
) -> None:
    """In one tick, and in two that a slow viewer takes together."""
    studio.publish(n=1.0, old=2.0)
    viewer, _ = watch(studio, "overview")
    studio.feed.remove("a")
    for _ in range(ticks_between):
        studio.feed.overview.tick()
    studio.feed.add("a")
    studio.publish(n=3.0)
    studio.feed.overview.tick()
    [(device_id, told)] = taken(viewer)["devices"].items()
    assert (device_id, told["renewed"], told["presence"]) == ("a", True, "never_seen")
    assert {name: value for name, (_, value) in told["snapshot"].items()} == {"n": 3.0}
    studio.publish(n=4.0)
    studio.feed.overview.tick()
    assert "renewed" not in taken(viewer)["devices"]["a"]
    studio.feed.remove("a")
    studio.feed.add("a")
    studio.feed.remove("a")
    studio.feed.overview.tick()
    assert taken(viewer)["devices"] == {"a": None}


def test_nothing_is_gathered_for_an_overview_nobody_watches(studio: Studio) -> None:
    viewer, _ = watch(studio, "overview")
    viewer.close()
    studio.publish()
    studio.feed.overview.tick()
    assert studio.feed.device("a").changed is None
    assert studio.feed.overview.offset == 0

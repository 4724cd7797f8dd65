"""The alerts channel: whole, in order, resumed; and who else watches a device."""

import json
from typing import Any

import pytest

from hub.config import LiveConfig
from hub.feed import Feed, Resume, Viewer
from hub.model import Principal, Reading, Role
from tests.feed.runs import run_of
from tests.principals import principal as principal_of

EVERYONE = principal_of("ada", Role.VIEWER)


def feed(**live: Any) -> Feed:
    made = Feed(LiveConfig(**live), "k3f9", lambda: 0.0)
    made.add("a")
    return made


def watch(
    of: Feed, channel: str, resume: Resume | None = None, principal: Principal = EVERYONE
) -> tuple[Viewer, Any]:
    viewer = Viewer(principal, 5)
    viewer.subscribe(of.channel(channel), resume)
    return viewer, json.loads(viewer.take())


def taken(viewer: Viewer) -> Any:
    return json.loads(viewer.take() or b"null")


def alert(number: int, state: str = "firing", **more: object) -> dict[str, object]:
    return {"id": number, "device": "a", "state": state, **more}


def test_an_alert_reaches_who_watches_and_may_see_the_device() -> None:
    of = feed()
    viewer, answer = watch(of, "alerts")
    other, _ = watch(of, "alerts", principal=principal_of("some", Role.VIEWER, frozenset({"b"})))
    assert (answer["snapshot"], answer["alerts"], answer["recovered"]) == ([], [], False)
    of.alerts.publish("a", alert(1))
    assert taken(viewer) == {"type": "alert", "channel": "alerts", "offset": 1, "alert": alert(1)}
    assert taken(other) is None


def test_each_change_is_a_message_of_its_own() -> None:
    of = feed()
    viewer, _ = watch(of, "alerts")
    for state in ("firing", "resolved"):
        of.alerts.publish("a", alert(1, state))
    told = [(one["offset"], one["alert"]["state"]) for one in taken(viewer)]
    assert told == [(1, "firing"), (2, "resolved")]


def test_who_comes_gets_all_that_fires_also_from_before_a_restart() -> None:
    of = feed()
    of.alerts.restore("a", alert(1))
    of.alerts.publish("a", alert(2))
    of.alerts.publish("a", alert(3))
    of.alerts.publish("a", alert(2, "resolved"))
    _, answer = watch(of, "alerts")
    assert [one["id"] for one in answer["snapshot"]] == [1, 3]


def test_who_comes_back_gets_the_alerts_that_were_missed() -> None:
    of = feed()
    viewer, _ = watch(of, "alerts")
    of.alerts.publish("a", alert(1))
    taken(viewer)
    [place] = viewer.places().values()
    viewer.close()
    of.alerts.publish("a", alert(2))
    _, answer = watch(of, "alerts", place)
    assert (answer["recovered"], [one["id"] for one in answer["alerts"]]) == (True, [2])
    assert watch(of, "alerts", Resume("other", 1))[1]["recovered"] is False


def test_who_may_see_some_devices_counts_their_alerts_only_and_resumes_by_that() -> None:
    of = feed()
    of.add("b")
    guest = principal_of("some", Role.VIEWER, frozenset({"b"}))
    viewer, _ = watch(of, "alerts", principal=guest)
    for number in range(1, 4):
        of.alerts.publish("a", alert(number))
        of.alerts.publish("b", alert(number + 10))
    assert [(one["offset"], one["alert"]["id"]) for one in taken(viewer)] == [(1, 11), (2, 12), (3, 13)]
    epoch = viewer.places()["alerts"].epoch
    _, answer = watch(of, "alerts", Resume(epoch, 1), guest)
    assert (answer["recovered"], answer["offset"]) == (True, 3)
    assert [one["id"] for one in answer["alerts"]] == [12, 13]
    assert watch(of, "alerts", Resume(epoch, 9), guest)[1]["recovered"] is False
    assert watch(of, "alerts", Resume("k3f9", 1), guest)[1]["recovered"] is False


NORTH, SOUTH = {"site": "north"}, {"site": "south"}


@pytest.mark.parametrize("leaves", [(), ("b",), ("a", "b")])
@pytest.mark.parametrize("enters", [(), ("c",), ("c", "d")])
@pytest.mark.parametrize("returns", [False, True])
def test_who_comes_back_misses_nothing_whatever_was_relabelled_meanwhile(
    leaves: tuple[str, ...], enters: tuple[str, ...], *, returns: bool
) -> None:
    """Of what is in sight now all that came after the last change that it was told, each once."""
    of = Feed(LiveConfig(), "k3f9", lambda: 0.0)
    for device, labels in (("mine", NORTH), ("a", NORTH), ("b", NORTH), ("c", SOUTH), ("d", SOUTH)):
        of.add(device)
        of.set_labels(device, labels)
    guest = principal_of("some", Role.VIEWER, labels=NORTH)
    viewer, _ = watch(of, "alerts", principal=guest)
    for number, device in enumerate(("a", "c", "mine", "d", "b", "c")):
        of.alerts.publish(device, alert(number))
    assert taken(viewer)[-1]["alert"]["id"] == 4
    [place] = viewer.places().values()
    viewer.close()
    moved = [(device, SOUTH) for device in leaves] + [(device, NORTH) for device in enters]
    for device, labels in moved:
        of.set_labels(device, labels)
    for number, device in enumerate(("mine", "a", "c", "mine")):
        of.alerts.publish(device, alert(number + 10))
    if returns:
        for device, labels in moved:
            of.set_labels(device, SOUTH if labels is NORTH else NORTH)
    seen = {"mine", "a", "b"} if returns else {"mine", "a", "b", *enters} - set(leaves)
    _, answer = watch(of, "alerts", place, guest)
    after = [(5, "c"), (10, "mine"), (11, "a"), (12, "c"), (13, "mine")]
    expected = [number for number, device in after if device in seen]
    assert (answer["recovered"], [one["id"] for one in answer["alerts"]]) == (True, expected)


def test_who_watches_gets_and_loses_sight_of_what_fires_as_devices_are_relabelled() -> None:
    of = feed()
    of.add("b")
    of.set_labels("a", NORTH)
    viewer, answer = watch(of, "alerts", principal=principal_of("some", Role.VIEWER, labels=NORTH))
    everyone, _ = watch(of, "alerts")
    of.alerts.publish("a", alert(1))
    of.alerts.publish("b", alert(2))
    taken(viewer)
    taken(everyone)
    for device, labels, firing in (("b", NORTH, [1, 2]), ("a", SOUTH, [2]), ("b", SOUTH, [])):
        of.set_labels(device, labels)
        answer = taken(viewer)
        assert (answer["type"], answer["channel"]) == ("subscribed", "alerts")
        assert [one["id"] for one in answer["snapshot"]] == firing
    of.set_labels("b", {"site": "west"})
    assert taken(viewer) is None
    of.set_labels("b", NORTH)
    assert [one["id"] for one in taken(viewer)["snapshot"]] == [2]
    of.remove("b")
    assert taken(viewer)["snapshot"] == []
    assert taken(everyone) is None


def test_neither_offsets_nor_epochs_tell_of_alerts_that_are_hidden() -> None:
    told_of = {}
    for hidden_fires in (False, True):
        of = feed()
        of.add("b")
        guest = principal_of("some", Role.VIEWER, frozenset({"b"}))
        viewer, answer = watch(of, "alerts", principal=guest)
        said = [answer]
        for number in range(3):
            if hidden_fires:
                of.alerts.publish("a", alert(number))
                assert taken(viewer) is None
            of.alerts.publish("b", alert(number + 10))
            said.append(taken(viewer))
        [place] = viewer.places().values()
        told_of[hidden_fires] = [*said, watch(of, "alerts", place, guest)[1]]
    assert told_of[True] == told_of[False]


def test_alerts_that_no_longer_fit_are_counted() -> None:
    of = feed(resume_max_bytes=200)
    viewer, _ = watch(of, "alerts")
    for number in range(10):
        of.alerts.publish("a", alert(number, text="x" * 20))
    messages = taken(viewer)
    assert messages[0]["skipped"] + len(messages) == 10
    assert messages[-1]["alert"]["id"] == 9


def test_who_watches_a_device_is_told_who_else_does_once_for_many() -> None:
    of = feed()
    first, answer = watch(of, "device/a")
    assert answer["viewers"] == {"count": 1, "names": ["ada"]}
    of.tick()
    taken(first)
    others = [watch(of, "device/a", principal=principal_of("bob", Role.VIEWER)) for _ in range(3)]
    assert others[-1][1]["viewers"] == {"count": 4, "names": ["ada", "bob"]}
    assert taken(first) is None
    of.tick()
    bob = {"channel": "device/a", "who": "bob"}
    told = {"type": "viewers", "channel": "device/a", "count": 4, "names": ["ada", "bob"]}
    assert taken(first) == [{"type": "joined", **bob}, told]
    others[0][0].close()
    of.tick()
    assert taken(first) == {**told, "count": 3}  # bob is still here
    for viewer, _ in others:
        viewer.close()
    of.tick()
    assert taken(first) == [{"type": "left", **bob}, {**told, "count": 1, "names": ["ada"]}]
    of.tick()
    assert taken(first) is None


def test_a_viewer_that_may_see_some_devices_is_told_of_no_others_that_watch() -> None:
    of = feed()
    scoped = [principal_of(name, Role.VIEWER, frozenset({"a"})) for name in ("guest", "visitor")]
    watch(of, "device/a")
    (guest, answer), (visitor, _) = [watch(of, "device/a", principal=principal) for principal in scoped]
    all_names, _ = watch(of, "device/a", principal=principal_of("zoe", Role.ADMIN))
    assert answer["viewers"] == {"count": 1, "names": ["guest"]}
    of.tick()
    told = {"type": "viewers", "channel": "device/a"}
    assert taken(guest) == {**told, "count": 1, "names": ["guest"]}
    assert taken(visitor) == {**told, "count": 1, "names": ["visitor"]}
    *joined, last = taken(all_names)
    assert last == {**told, "count": 4, "names": ["ada", "guest", "visitor", "zoe"]}
    assert [(one["type"], one["who"]) for one in joined] == [
        ("joined", name) for name in ("ada", "guest", "visitor")
    ]
    all_names.close()
    of.tick()
    assert [taken(one)["count"] for one in (guest, visitor)] == [1, 1]


def test_of_a_crowd_that_comes_and_goes_a_slow_viewer_is_told_a_bounded_part() -> None:
    of = feed()
    slow, _ = watch(of, "device/a")
    for number in range(100):
        viewer, _ = watch(of, "device/a", principal=principal_of(f"guest {number}", Role.VIEWER))
        of.tick()
        viewer.close()
        of.tick()
    pending = taken(slow)
    assert [one["count"] for one in pending if one["type"] == "viewers"] == [1]
    assert [one["type"] for one in pending if "who" in one] == ["left"] * 20


@pytest.mark.parametrize("count", [20, 500])
def test_the_names_of_a_crowd_are_bounded(count: int) -> None:
    of = feed()
    for number in range(count):
        _, answer = watch(of, "device/a", principal=principal_of(f"viewer {number:03}", Role.VIEWER))
    assert answer["viewers"]["count"] == count
    assert len(answer["viewers"]["names"]) == 20


def test_the_viewers_of_a_device_that_was_removed_are_no_trouble() -> None:
    of = feed()
    viewer, _ = watch(of, "device/a")
    of.remove("a")
    of.tick()
    viewer.close()
    of.tick()
    assert viewer.take() == b""


def test_one_frame_of_many_channels_is_bounded_and_the_rest_comes_next() -> None:
    of = Feed(LiveConfig(), "k3f9", lambda: 0.0)
    viewer = Viewer(EVERYONE, 10)
    for name in "abcdef":
        of.add(name)
        viewer.subscribe(of.channel(f"device/{name}"))
    viewer.take()
    for name in "abcdef":
        of.device(name).publish(run_of(*(Reading(1000 + n, {"text": "x" * 1000}) for n in range(200))))
    frames = []
    while viewer.ready.is_set():
        frames.append(viewer.take())
    assert len(frames) == 3
    assert sum(frame.count(b'"readings":[[') for frame in frames) == 6

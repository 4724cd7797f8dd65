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


def test_an_alert_reaches_who_watches_and_may_see_the_device() -> None:
    of = feed()
    viewer, answer = watch(of, "alerts")
    other, _ = watch(of, "alerts", principal=principal_of("some", Role.VIEWER, frozenset({"b"})))
    assert (answer["alerts"], answer["recovered"]) == ([], False)
    of.alerts.publish("a", {"rule": "too hot", "state": "firing"})
    alert = {"device": "a", "rule": "too hot", "state": "firing"}
    assert taken(viewer) == {"type": "alert", "channel": "alerts", "offset": 1, "alerts": [alert]}
    assert taken(other) is None


def test_who_comes_back_gets_the_alerts_that_were_missed() -> None:
    of = feed()
    viewer, _ = watch(of, "alerts")
    of.alerts.publish("a", {"n": 1})
    taken(viewer)
    [place] = viewer.places().values()
    viewer.close()
    of.alerts.publish("a", {"n": 2})
    _, answer = watch(of, "alerts", place)
    assert (answer["recovered"], [one["n"] for one in answer["alerts"]]) == (True, [2])
    assert watch(of, "alerts", Resume("other", 1))[1]["recovered"] is False


def test_alerts_that_no_longer_fit_are_counted() -> None:
    of = feed(resume_max_bytes=100)
    viewer, _ = watch(of, "alerts")
    for number in range(10):
        of.alerts.publish("a", {"n": number, "text": "x" * 20})
    message = taken(viewer)
    assert message["skipped"] + len(message["alerts"]) == 10
    assert message["alerts"][-1]["n"] == 9


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
    told = {"type": "viewers", "channel": "device/a", "count": 4, "names": ["ada", "bob"]}
    assert taken(first) == told
    for viewer, _ in others:
        viewer.close()
    of.tick()
    assert taken(first) == {**told, "count": 1, "names": ["ada"]}
    of.tick()
    assert taken(first) is None


def test_a_viewer_that_may_see_some_devices_is_told_how_many_watch_but_no_names() -> None:
    of = feed()
    scoped = [principal_of(name, Role.VIEWER, frozenset({"a"})) for name in ("guest", "visitor")]
    watch(of, "device/a")
    (guest, answer), (visitor, _) = [watch(of, "device/a", principal=principal) for principal in scoped]
    all_names, _ = watch(of, "device/a", principal=principal_of("zoe", Role.ADMIN))
    assert answer["viewers"] == {"count": 2, "names": ["guest"]}
    of.tick()
    told = {"type": "viewers", "channel": "device/a", "count": 4}
    assert taken(guest) == {**told, "names": ["guest"]}
    assert taken(visitor) == {**told, "names": ["visitor"]}
    assert taken(all_names) == {**told, "names": ["ada", "guest", "visitor", "zoe"]}


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

"""Whatever happens on a label's channel, what a viewer has is what was published for it: whole, or counted as
left out.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from hub.config import LiveConfig
from hub.feed import Feed, Resume, Viewer
from hub.model import Reading, Role
from tests.feed.runs import run_of
from tests.principals import principal as principal_of
from tests.rounds import rounds

DEVICES = ("a", "b", "c")
CHANNEL = "label/site=north"
CONFIG = LiveConfig(pending_max=6, resume_max_bytes=600, resume_window_s=10.0)


class Page:
    """A viewer with a scope, that checks all it gets against what was published while devices carried the
    label.
    """

    def __init__(self, published: list[tuple[str, float]], scope: frozenset[str] | None) -> None:
        self.published = published
        self.principal = principal_of("page", Role.VIEWER, scope)
        self.viewer: Viewer | None = None
        self.place: Resume | None = None
        self.reached = 0  # in `published`: all before was handed on, counted, or from before it came
        self.members: set[str] = set()
        self.offset = 0  # the last that it was told

    def expected(self, end: int) -> list[tuple[str, float]]:
        return [one for one in self.published[self.reached : end] if self.principal.sees(one[0], {})]

    def connect(self, feed: Feed, *, resume: bool) -> None:
        self.viewer = Viewer(self.principal, 3)
        self.viewer.subscribe(feed.channel(CHANNEL), self.place if resume else None)

    def take(self) -> None:
        assert self.viewer is not None
        raw = self.viewer.take()
        found = json.loads(raw) if raw else []
        for message in found if isinstance(found, list) else [found]:
            assert message["channel"] == CHANNEL
            self.hear(message)
        [self.place] = self.viewer.places().values()

    def hear(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "joined":
                self.members.add(message["device"])
            case "left":
                self.members.discard(message["device"])
            case "subscribed":
                if message["recovered"]:
                    assert by_device(message) == grouped(self.expected(len(self.published)))
                    assert message["offset"] == self.offset + len(self.expected(len(self.published)))
                self.members = set(message["devices"])
                self.reached = len(self.published)
                self.offset = message["offset"]
            case "readings":
                missed = self.expected(len(self.published))
                got = by_device(message)
                # It counts what the viewer may see, and says nothing of what it may not.
                assert message["offset"] == self.offset + len(missed)
                self.offset = message["offset"]
                if "skipped" in message:
                    assert sum(len(values) for values in got.values()) + message["skipped"] == len(missed)
                    for device, values in got.items():
                        assert values == [grouped(missed)[device][-1]]
                else:
                    assert got == grouped(missed)
                self.reached = len(self.published)


def grouped(published: list[tuple[str, float]]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for device, value in published:
        found.setdefault(device, []).append(value)
    return found


def by_device(message: dict[str, Any]) -> dict[str, list[float]]:
    return {device: [values["n"] for _, values in rows] for device, rows in message["readings"].items()}


class LabelRecovery(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now_s = 0.0
        self.count = 0
        self.feed = Feed(CONFIG, "k3f9", lambda: self.now_s)
        self.carrying = set(DEVICES)
        for device in DEVICES:
            self.feed.add(device)
            self.feed.set_labels(device, {"site": "north"})
        self.published: list[tuple[str, float]] = []
        self.pages = [Page(self.published, scope) for scope in (None, frozenset("ab"), frozenset("c"))]

    @rule(device=st.sampled_from(DEVICES), count=st.integers(1, 4))
    def publish(self, device: str, count: int) -> None:
        readings = []
        for _ in range(count):
            self.count += 1
            readings.append(Reading(self.count * 1_000_000, {"n": float(self.count)}))
        self.feed.device(device).publish(run_of(*readings))
        if device in self.carrying:
            self.published += [(device, reading.values["n"]) for reading in readings]  # type: ignore[misc]

    @rule(device=st.sampled_from(DEVICES))
    def relabel(self, device: str) -> None:
        self.carrying ^= {device}
        self.feed.set_labels(device, {"site": "north" if device in self.carrying else "south"})

    @rule(seconds=st.sampled_from([0.1, 4.0, 11.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds
        self.feed.tick()

    @rule(which=st.integers(0, 2), resume=st.booleans())
    def connect(self, which: int, resume: bool) -> None:
        if self.pages[which].viewer is None:
            self.pages[which].connect(self.feed, resume=resume)
            self.pages[which].take()

    @rule(which=st.integers(0, 2))
    def take(self, which: int) -> None:
        if self.pages[which].viewer:
            self.pages[which].take()

    @rule(which=st.integers(0, 2))
    def lose(self, which: int) -> None:
        viewer = self.pages[which].viewer
        if viewer:
            viewer.close()
            self.pages[which].viewer = None

    @invariant()
    def memory_is_bounded(self) -> None:
        for label in self.feed._labels.values():
            assert label._log.bytes <= CONFIG.resume_max_bytes
            assert label._waiting <= label._subscriptions

    def teardown(self) -> None:
        for page in self.pages:
            if page.viewer:
                page.take()
                assert page.expected(len(self.published)) == []
                assert page.members == {one for one in self.carrying if page.principal.sees(one, {})}


LabelRecovery.TestCase.settings = settings(max_examples=rounds(50), stateful_step_count=40, deadline=None)
TestLabelRecovery = LabelRecovery.TestCase

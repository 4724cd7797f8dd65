"""Whatever viewers do, each has exactly what was published, or is told what it has not.

A machine of random publishes, slow and prompt viewers, lost connections and resumes, beside a plain list of
all that was ever published.
"""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from hub.config import LiveConfig
from hub.feed import DeviceChannel, Feed, Resume, Viewer
from hub.model import Presence, Reading, Role
from tests.feed.runs import run_of
from tests.principals import principal as principal_of
from tests.rounds import rounds

EVERYONE = principal_of("test", Role.VIEWER)
CONFIG = LiveConfig(resume_window_s=10.0, resume_max_bytes=500, pending_max=8)
PUBLISH_MAX = 5  # readings at once: fewer than pending_max, and fewer bytes than resume_max_bytes
VALUES = st.dictionaries(
    st.sampled_from(["a", "b", "c"]),
    st.integers(-999, 999).map(float) | st.booleans(),
    min_size=1,
    max_size=3,
)


def wire(reading: Reading) -> list[Any]:
    return [(reading.time or 0) / 1000, reading.values]


def messages(frame: bytes) -> list[dict[str, Any]]:
    """A frame is one message, an array of at least two, or nothing."""
    if not frame:
        return []
    read = json.loads(frame)
    assert isinstance(read, dict) or len(read) > 1
    return [read] if isinstance(read, dict) else read


class Page:
    """What a dashboard knows, checked at every message against what was published."""

    def __init__(self, published: list[Reading]) -> None:
        self.published = published
        self.viewer: Viewer | None = None
        self.epoch = ""
        self.offset = 0
        self.presence = ""
        self.skipped = 0

    def connect(self, channel: DeviceChannel, *, resume: bool) -> None:
        self.viewer = Viewer(EVERYONE, 3)
        self.viewer.subscribe(channel, Resume(self.epoch, self.offset) if resume and self.epoch else None)

    def take(self) -> None:
        assert self.viewer is not None
        for message in messages(self.viewer.take()):
            assert message["channel"] == "device/boiler-1"
            if message["type"] == "presence":
                self.presence = message["status"]
            else:
                self.hear(message)

    def hear(self, message: dict[str, Any]) -> None:
        start, end = self.offset, message["offset"]
        missed = self.published[start:end]
        if message["type"] == "subscribed":
            if message["recovered"]:
                assert message["epoch"] == self.epoch
                assert end >= start
                assert message["readings"] == [wire(one) for one in missed]
            else:
                assert message["readings"] == []
            assert message["snapshot"] == newest(self.published[:end])
            self.epoch, self.presence = message["epoch"], message["presence"]
        elif "skipped" in message:
            assert end > start
            check_conflated(message, missed)
            self.skipped += message["skipped"]
        else:
            assert end > start
            assert message["readings"] == [wire(one) for one in missed]
        self.offset = end


def newest(readings: list[Reading]) -> dict[str, list[Any]]:
    latest: dict[str, list[Any]] = {}
    for reading in readings:
        for name, value in reading.values.items():
            if name not in latest or (reading.time or 0) / 1000 >= latest[name][0]:
                latest[name] = [(reading.time or 0) / 1000, value]
    return latest


def check_conflated(message: dict[str, Any], missed: list[Reading]) -> None:
    """Each row is part of a reading that was missed, in their order; `skipped` counts those not there
    whole.
    """
    whole = position = 0
    for time, values in message["readings"]:
        while not (wire(missed[position])[0] == time and values.items() <= missed[position].values.items()):
            position += 1
        whole += values == missed[position].values
        position += 1
    assert message["skipped"] > 0
    assert message["skipped"] + whole == len(missed)


class Recovery(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.now_s = 0.0
        self.time = 1_795_170_094_504_000
        self.feed = Feed(CONFIG, "k3f9", lambda: self.now_s)
        self.channel = self.feed.add("boiler-1")
        self.published: list[Reading] = []
        self.pages = [Page(self.published) for _ in range(3)]
        self.prompt = Page(self.published)
        self.prompt_since: int | None = None

    @rule(values=st.lists(VALUES, min_size=1, max_size=PUBLISH_MAX), late=st.integers(0, 3))
    def publish(self, values: list[dict[str, Any]], late: int) -> None:
        readings = []
        for one in values:
            self.time += 1_000_500
            readings.append(Reading(self.time - late * 1_700_000, one))
        self.channel.publish(run_of(*readings))
        self.published += readings
        if self.prompt.viewer:
            self.prompt.take()

    @rule(presence=st.sampled_from(list(Presence)))
    def tell(self, presence: Presence) -> None:
        self.feed.set_presence("boiler-1", presence, self.time)
        if self.prompt.viewer:
            self.prompt.take()

    @rule(seconds=st.sampled_from([0.1, 3.0, 9.9, 30.0]))
    def wait(self, seconds: float) -> None:
        self.now_s += seconds

    @rule(which=st.integers(0, 2), resume=st.booleans())
    def connect(self, which: int, resume: bool) -> None:
        if self.pages[which].viewer is None:
            self.pages[which].connect(self.channel, resume=resume)

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

    @precondition(lambda self: self.prompt.viewer is None)
    @rule()
    def connect_prompt(self) -> None:
        self.prompt.connect(self.channel, resume=False)
        self.prompt.take()

    @invariant()
    def a_prompt_viewer_has_everything_whatever_the_others_do(self) -> None:
        if self.prompt.viewer:
            assert self.prompt.offset == len(self.published)
            assert self.prompt.presence == self.channel.presence
        assert self.prompt.skipped == 0

    @invariant()
    def memory_is_bounded(self) -> None:
        channel = self.channel
        assert channel._log.bytes == sum(len(entry.encoded) for entry in channel._log)
        assert channel._log.bytes <= CONFIG.resume_max_bytes
        viewers = [page.viewer for page in [*self.pages, self.prompt] if page.viewer]
        assert channel.viewers == len(viewers)
        assert channel._waiting <= channel._subscriptions
        if not viewers:
            assert channel._frame.message == b""
        for viewer in viewers:
            assert len(viewer._woken) <= 1
            assert all(len(one.notices) <= 1 for one in channel._subscriptions)

    def teardown(self) -> None:
        for page in [*self.pages, self.prompt]:
            if page.viewer:
                page.take()
                assert page.offset == len(self.published)
                assert page.presence == self.channel.presence


Recovery.TestCase.settings = settings(max_examples=rounds(50), stateful_step_count=40, deadline=None)
TestRecovery = Recovery.TestCase

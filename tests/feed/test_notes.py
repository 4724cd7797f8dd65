"""Notes on the channel of their device, also for those who come back; and what is told one person."""

import json
from typing import Any

import pytest

from hub.config import LiveConfig
from hub.feed import Feed, Resume, Viewer
from hub.feed.notes import KEPT
from hub.feed.persons import Persons
from hub.feed.steps import WAITING_MAX
from hub.model import Grant, Note, NoteEvent, Principal, Reading, Role, author_of
from tests.feed.runs import run_of
from tests.principals import principal

T0 = 1_795_170_094_504_000
WINDOW_S = 60.0
ADA = Principal("ada", (Grant(Role.OPERATOR),), credential="session 8ac1")


class Studio:
    """A feed with the device `a`, and time held in the hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.feed = Feed(LiveConfig(resume_window_s=WINDOW_S), "k3f9", lambda: self.now_s)
        self.feed.add("a")

    def write(self, note_id: int, event: NoteEvent = NoteEvent.ADDED, text: str = "hello") -> None:
        self.feed.note_changed("a", event, Note(note_id, 1, text, "ada", author_of(ADA), T0))

    def read(self) -> None:
        self.feed.device("a").publish(run_of(Reading(T0, {"n": 1.0})))

    def watch(self, resume: Resume | None = None) -> tuple[Viewer, dict[str, Any]]:
        viewer = Viewer(principal("bob"), 2)
        viewer.subscribe(self.feed.channel("device/a"), resume)
        return viewer, json.loads(viewer.take())

    def come_back(self, answer: dict[str, Any]) -> dict[str, Any]:
        _, again = self.watch(Resume(answer["epoch"], answer["offset"]))
        assert again["recovered"]
        return again


@pytest.fixture
def studio() -> Studio:
    return Studio()


def test_who_watches_is_told_of_each_change(studio: Studio) -> None:
    viewer, answer = studio.watch()
    assert "notes" not in answer
    for event in NoteEvent:
        studio.write(1, event)
        told = json.loads(viewer.take())
        assert (told["type"], told["channel"], told["event"]) == ("note", "device/a", event.value)
        if event is NoteEvent.DELETED:
            assert told["note"] == {"id": 1}
        else:
            assert told["note"] == {
                "id": 1,
                "device": "a",
                "text": "hello",
                "at": None,
                "until": None,
                "by": "ada",
                "person": True,
                "made_at": T0 // 1000,
                "edited_at": None,
            }


def test_who_comes_back_gets_what_changed_meanwhile_at_its_last_state(studio: Studio) -> None:
    viewer, answer = studio.watch()
    viewer.close()
    studio.write(1)
    studio.read()
    studio.write(2)
    studio.write(1, NoteEvent.EDITED, "better")
    studio.write(2, NoteEvent.DELETED)
    changes = studio.come_back(answer)["notes"]["changes"]
    assert [(one["event"], one["note"]["id"]) for one in changes] == [("edited", 1), ("deleted", 2)]
    assert changes[0]["note"]["text"] == "better"
    _, anew = studio.watch()
    assert "notes" not in anew


@pytest.mark.parametrize("how", ["time", "number"])
def test_who_comes_back_after_too_much_is_told_to_ask_again(studio: Studio, how: str) -> None:
    """Without a reading in between the readings are whole however long ago that was; the notes are not."""
    viewer, answer = studio.watch()
    viewer.close()
    studio.write(1)
    if how == "time":
        studio.now_s += WINDOW_S + 1
        studio.feed.tick()
    else:
        for number in range(KEPT):
            studio.write(number + 2)
    assert studio.come_back(answer)["notes"] == {"skipped": True}
    studio.read()
    _, later = studio.watch()
    assert "notes" not in studio.come_back(later)


def test_what_waits_for_a_slow_viewer_is_bounded(studio: Studio) -> None:
    viewer, _ = studio.watch()
    for number in range(WAITING_MAX + 1):
        studio.write(number)
    assert json.loads(viewer.take()) == {"type": "note", "channel": "device/a", "skipped": True}


def test_another_device_of_the_same_id_has_none_of_the_notes(studio: Studio) -> None:
    viewer, answer = studio.watch()
    viewer.close()
    studio.write(1)
    studio.feed.remove("a")
    studio.feed.add("a")
    _, again = studio.watch(Resume(answer["epoch"], answer["offset"]))
    assert (again["recovered"], "notes" in again) == (False, False)


def test_what_is_for_a_person_goes_to_all_dashboards_of_theirs_and_to_no_token_of_the_name() -> None:
    persons = Persons()
    first, second = Viewer(ADA, 1), Viewer(ADA, 1)
    strangers = [Viewer(principal("ada"), 1), Viewer(Principal("bob", ADA.grants, None, "session 1"), 1)]
    for viewer in (first, second, *strangers):
        persons.enter(viewer)
    for count in (b"1", b"2"):
        persons.tell("ada", "inbox", count)
    assert [viewer.take() for viewer in (first, second, *strangers)] == [b"2", b"2", b"", b""]
    for viewer in (first, second, *strangers):
        persons.leave(viewer)
    persons.tell("ada", "inbox", b"3")
    assert first.take() == b""
    assert not persons.is_here("ada")

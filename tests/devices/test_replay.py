from itertools import islice
from pathlib import Path

import pytest

from devices.replay import SHIPPED, Moment, Recording, paced


def recording(folder: Path, text: str, metric: str | None = None) -> Recording:
    path = folder / "recording.csv"
    path.write_text(text)
    return Recording(path, metric)


def test_the_shipped_recording_is_whole() -> None:
    shipped = Recording(SHIPPED, "temperature")
    moments = list(shipped.moments())
    assert shipped.metrics == ["temperature"]
    assert len(moments) == 22_695
    assert moments[0] == Moment(1386018900000, {"temperature": 73.96732207})  # 2013-12-02 21:15 UTC
    assert SHIPPED.with_name("LICENSE.txt").read_text().startswith("Copyright 2014-2024 Numenta")


def test_times_are_utc_unless_they_say_otherwise(tmp_path: Path) -> None:
    lines = [
        "2026-01-01 12:00:00",
        "2026-01-01T12:00:00.250Z",
        "2026-01-01T14:00:00+02:00",
        "1767268800",
        "1767268800500",
    ]
    read = recording(tmp_path, "time,a\n" + "".join(f"{time},1\n" for time in lines))
    assert [moment.time_ms - 1767268800000 for moment in read.moments()] == [0, 250, 0, 0, 500]


def test_values_are_numbers_truths_and_texts_and_nothing_is_left_out(tmp_path: Path) -> None:
    read = recording(tmp_path, "time,t,door,state,gap\n0,20.5,true,running,\n1,21,FALSE,idle,3\n2,nan,,,\n")
    assert [moment.values for moment in read.moments()] == [
        {"t": 20.5, "door": True, "state": "running"},
        {"t": 21.0, "door": False, "state": "idle", "gap": 3.0},
    ]


def test_a_number_that_would_be_changed_is_left_to_the_hub_as_it_is_written(tmp_path: Path) -> None:
    changed = ["9007199254740993", "-9007199254740993.0", "1.0000000000000001e16"]
    kept = ["9007199254740992", "6.02214076e23", "0.30000000000000004"]
    read = recording(tmp_path, "time,n\n" + "".join(f"0,{number}\n" for number in [*changed, *kept]))
    assert [moment.values["n"] for moment in read.moments()] == [*changed, *map(float, kept)]


def test_a_metric_names_the_only_column_or_picks_one(tmp_path: Path) -> None:
    assert recording(tmp_path, "timestamp,value\n0,1\n", "speed").metrics == ["speed"]
    assert recording(tmp_path, "time,a,b\n0,1,2\n", "b").metrics == ["b"]
    with pytest.raises(ValueError, match="no column is named 'c'"):
        recording(tmp_path, "time,a,b\n0,1,2\n", "c")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "the first line must be"),
        ("a,b\n0,1\n", "the first line must be"),
        ("time\n0\n", "the first line must be"),
        ("time,a\n", "no readings in it"),
        ("time,a\nyesterday,1\n", "line 2: 'yesterday' is no time"),
        ("time,a\nnan,1\n", "line 2: 'nan' is no time"),
    ],
)
def test_a_file_that_is_no_recording_is_refused_with_the_line(tmp_path: Path, text: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        recording(tmp_path, text)


def test_a_binary_file_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "image.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError, match=r"image\.csv"):
        Recording(path)


def test_a_recording_keeps_its_own_pace_times_the_speed(tmp_path: Path) -> None:
    read = recording(tmp_path, "time,a\n0,1\n60,2\n180,3\n")
    assert [step.due_s for step in paced(read, 60.0, loop=False)] == [0.0, 1.0, 3.0]


def test_time_that_goes_back_is_due_at_once(tmp_path: Path) -> None:
    read = recording(tmp_path, "time,a\n0,1\n60,2\n0,3\n60,4\n")
    assert [step.due_s for step in paced(read, 60.0, loop=False)] == [0.0, 1.0, 1.0, 2.0]


def test_a_loop_goes_on_a_step_after_the_end(tmp_path: Path) -> None:
    read = recording(tmp_path, "time,a\n0,1\n60,2\n180,3\n")
    steps = list(islice(paced(read, 60.0, loop=True), 7))
    assert [step.due_s for step in steps] == [0.0, 1.0, 3.0, 5.0, 6.0, 8.0, 10.0]
    assert [step.moment.values["a"] for step in steps] == [1, 2, 3, 1, 2, 3, 1]


def test_a_loop_over_one_line_still_takes_time(tmp_path: Path) -> None:
    steps = list(islice(paced(recording(tmp_path, "time,a\n0,1\n"), 60.0, loop=True), 3))
    assert [step.due_s for step in steps] == pytest.approx([0.0, 0.001, 0.002])

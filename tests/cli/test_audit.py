"""`hub audit`."""

import csv
import io
import json
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.hub_process import make_store


@pytest.fixture
def noted(run: Run, tmp_path: Path) -> Run:
    """A store on which something was done."""
    make_store(tmp_path / "data")
    assert run("devices", "add", "pump").returncode == 0
    assert run("operators", "add", "ada", "--role", "viewer").returncode == 0
    assert run("devices", "remove", "pump", "--yes").returncode == 0
    return run


def test_what_was_done_is_listed_newest_first(noted: Run) -> None:
    title, *rows = noted("audit").stdout.splitlines()
    assert title.split() == ["AT", "(UTC)", "WHO", "BY,", "FROM", "WHAT", "RESULT"]
    assert [row.split()[2:7] for row in rows] == [
        ["local", "local", "local", "DELETE", "/api/v1/devices/pump"],
        ["local", "local", "local", "POST", "/api/v1/operators"],
        ["local", "local", "local", "POST", "/api/v1/devices"],
    ]
    assert {row.split()[-1] for row in rows} == {"done"}


def test_it_is_found_by_who_what_device_and_time(noted: Run) -> None:
    assert len(json.loads(noted("audit", "--json").stdout)) == 3
    for asked, count in (
        (("--device", "pump"), 2),
        (("--what", "DELETE"), 1),
        (("--who", "local"), 3),
        (("--who", "ada"), 0),
        (("--to", "2020-01-01T00:00:00Z"), 0),
        (("--from", "2020-01-01T00:00:00Z"), 3),
    ):
        assert len(json.loads(noted("audit", "--json", *asked).stdout)) == count, asked
    assert noted("audit", "--who", "ada").stdout == "Nothing was done.\n"


def test_it_is_written_for_programs(noted: Run) -> None:
    listed = json.loads(noted("audit", "--json").stdout)
    lines = noted("audit", "--format", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == listed
    rows = list(csv.DictReader(io.StringIO(noted("audit", "--format", "csv", "--for-spreadsheets").stdout)))
    assert [row["what"] for row in rows] == [one["what"] for one in listed]


@pytest.mark.parametrize(
    "wrong", [("--for-spreadsheets",), ("--json", "--format", "csv"), ("--format", "xml")]
)
def test_what_does_not_go_together_is_refused(noted: Run, wrong: tuple[str, ...]) -> None:
    assert noted("audit", *wrong).returncode != 0

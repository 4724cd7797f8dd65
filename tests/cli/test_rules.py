"""`hub rules` and `hub alerts` on a running hub, and conditions as one says them."""

import json
import time

import pytest

from hub.cli.rules import read_words
from hub.errors import Invalid
from tests.cli.conftest import Run
from tests.cli.test_commands import send
from tests.hub_process import HubProcess


@pytest.mark.parametrize(
    ("words", "rule"),
    [
        ("temperature above 90", {"metric": "temperature", "when": {"above": 90.0}}),
        ("oil level below -1.5 for 2m", {"metric": "oil level", "when": {"below": -1.5, "for_s": 120.0}}),
        ("state is fault for 30s", {"metric": "state", "when": {"is": "fault", "for_s": 30.0}}),
        ("door is not false", {"metric": "door", "when": {"is_not": False}}),
        ("temperature silent 5m", {"metric": "temperature", "when": {"silent_s": 300.0}}),
        ("temperature silent expected", {"metric": "temperature", "when": {"silent_s": "expected"}}),
        ("flow flat 1h", {"metric": "flow", "when": {"flat_s": 3600.0}}),
        ("offline for 1m", {"when": {"presence": "offline", "for_s": 60.0}}),
        ("stale", {"when": {"presence": "stale"}}),
    ],
)
def test_a_condition_is_read_as_one_says_it(words: str, rule: dict[str, object]) -> None:
    assert read_words(words) == rule


@pytest.mark.parametrize(
    "words", ["", "temperature", "temperature above", "temperature above hot", "above 90"]
)
def test_a_condition_that_says_nothing_is_refused_with_how_it_is_written(words: str) -> None:
    with pytest.raises(Invalid, match=r"a condition is written|a number is wanted"):
        read_words(words)


def test_rules_are_added_listed_tested_and_removed_and_alerts_seen_to(run: Run, hub: HubProcess) -> None:
    key = hub.add_device("pump")
    send(hub, key, b'[{"t": 20}, {"t": 95}]')
    made = run("rules", "add", "t above 90", "--on", "pump", "--severity", "critical", "--name", "Too hot")
    assert (made.returncode, made.stdout) == (0, "1\n"), made.stderr
    listed = run("rules", "list").stdout
    assert "Too hot" in listed
    assert "t above 90" in listed
    assert json.loads(run("rules", "list", "--json").stdout)[0]["when"] == {"above": 90.0}
    tested = run("rules", "test", "t above 10", "--on", "pump", "--last", "1h")
    assert "pump" in tested.stdout
    assert "2 readings (raw)" in tested.stderr

    deadline_s = time.monotonic() + 20
    while "Too hot" not in run("alerts", "list").stdout:
        assert time.monotonic() < deadline_s
    acknowledged = run("alerts", "ack", "1", "9", "--comment", "on my way")
    assert (acknowledged.returncode, acknowledged.stdout) == (1, "acknowledged 1\n")
    assert "there is no alert 9" in acknowledged.stderr
    assert run("alerts", "silence", "1h", "--device", "pump").stdout.startswith("silenced until 20")
    assert "silenced, seen by local" in " ".join(run("alerts", "list").stdout.split())
    assert run("alerts", "silence", "1h").returncode == 1

    assert run("rules", "remove", "1").stdout == "removed 1\n"
    assert run("rules", "remove", "1").returncode == 1
    [alert] = json.loads(run("alerts", "list", "--state", "all", "--json").stdout)
    assert (alert["state"], alert["why"]) == ("resolved", "the rule was removed")


def test_a_rule_that_is_wrong_is_refused_by_the_field(run: Run, hub: HubProcess) -> None:
    refused = run("rules", "add", "t above 90", "--severity", "worst")
    assert (refused.returncode, "severity" in refused.stderr) == (1, True)
    assert "no device" in run("rules", "add", "t above 90", "--on", "nothing").stderr

"""`hub targets`, `hub routes` and `hub deliveries` on a running hub."""

import json
from pathlib import Path

from tests.cli.conftest import Run
from tests.hub_process import HubProcess
from tests.waiting import free_port


def test_targets_and_routes_are_added_listed_tested_and_removed(
    run: Run, hub: HubProcess, tmp_path: Path
) -> None:
    hook = f"http://127.0.0.1:{free_port()}/s3cret"
    made = run("targets", "add", "ops", "--webhook", hook, "--secret", "s3cret")
    assert (made.returncode, made.stdout) == (0, "1\n"), made.stderr
    assert run("targets", "add", "topic", "--url", "ntfys://s3cret").stdout == "2\n"
    wrong = run("targets", "add", "both", "--url", "ntfys://a", "--webhook", hook)
    assert (wrong.returncode, "exactly one of" in wrong.stderr) == (1, True)
    listed = run("targets", "list")
    assert "signed" in listed.stdout
    assert [one["name"] for one in json.loads(run("targets", "list", "--json").stdout)] == ["ops", "topic"]

    tested = run("targets", "test", "1")  # an address of the hub's own machine
    assert tested.returncode == 1
    assert "alerts.private_targets" in tested.stderr

    escalate = ("--escalate", "15m", "--escalate-to", "2")
    added = run("routes", "add", "--to", "1", "--severity", "critical", "--label", "team=heat", *escalate)
    assert (added.returncode, added.stdout) == (0, "1\n"), added.stderr
    [route] = json.loads(run("routes", "list", "--json").stdout)
    assert route["match"] == {"severity": ["critical"], "label": "team=heat", "schedule": None}
    assert route["escalate"] == {"after_s": 900.0, "targets": [2]}
    assert "topic after 900 s" in " ".join(run("routes", "list").stdout.split())
    file = tmp_path / "route.json"
    file.write_text(json.dumps({"targets": [2], "name": "Night"}))
    assert run("routes", "add", "--file", str(file)).stdout == "2\n"

    [delivery] = json.loads(run("deliveries", "list", "--state", "failed", "--json").stdout)
    assert (delivery["event"], delivery["target_name"]) == ("test", "ops")
    shown = [listed.stdout, tested.stderr, run("deliveries", "list").stdout, run("routes", "list").stdout]
    assert "s3cret" not in "".join(shown)

    assert run("targets", "remove", "1").returncode == 1  # a route leads to it
    for what, number in (("routes", "1"), ("routes", "2"), ("targets", "1"), ("targets", "2")):
        assert run(what, "remove", number).stdout == f"removed {number}\n"
    assert "No targets" in run("targets", "list").stdout

"""Tables at 80 columns, and as wide as they like."""

import re
import urllib.request
from pathlib import Path

import pytest

from tests.cli.commands import commands, exit_code
from tests.cli.conftest import Run
from tests.hub_process import HubProcess, make_store

WHOLE = re.compile(
    r"\d{4}-\d\d-\d\d(?: \d\d:\d\d(?::\d\d)?)?|[a-z0-9]{12}\b|compressor-\S+|bearing_\S+|\d+ to \d+"
    r"|(?<=\n)\d+(?= )"
)
# What a command says below its table, in sentences, the terminal folds.
SENTENCES = ("The history has", "How much of it", "What is unfinished")
TABLES = {
    "alerts list": (),
    "audit": ("--what", "/operators"),
    "deliveries list": (),
    "devices list": (),
    "devices show": ("compressor-02-boiler-house",),
    "journal check": (),
    "keys list": ("compressor-02-boiler-house",),
    "operators list": (),
    "routes list": (),
    "rules list": (),
    "targets list": (),
    "tokens list": (),
}


@pytest.fixture(scope="module")
def filled_hub(shared_hub: HubProcess) -> HubProcess:
    """A hub whose tables have long ids, names and labels, keys and tokens that were used, that end, and that
    were revoked, and people with long names and scopes.
    """
    device_id = TABLES["devices show"][0]
    labels = {"place": "Boiler house, second floor", "kind": "compressor", "line": "north"}
    key = shared_hub.add_device(device_id, name="The old compressor in the boiler house", labels=labels)
    request = urllib.request.Request(
        f"{shared_hub.url}/api/v1/telemetry",
        data=b'{"bearing_temperature_outer": 61.25, "state": "running with a rather long text"}',
        headers={"Authorization": f"Bearer {key}"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    second = shared_hub.call("POST", f"/api/v1/devices/{device_id}/keys")["key"]
    shared_hub.call("DELETE", f"/api/v1/devices/{device_id}/keys/{second.split('_')[1]}")
    shared_hub.call(
        "POST", f"/api/v1/devices/{device_id}/keys", {"rights": ["telemetry", "attributes"], "ttl_s": 60}
    )
    fill_with_people_and_tokens(shared_hub)
    fill_with_targets(shared_hub)
    fill_with_rules(shared_hub)
    shared_hub.wait_for(f"/api/v1/devices/{device_id}/keys", lambda answer: answer["keys"][0]["last_used_at"])
    return shared_hub


def fill_with_people_and_tokens(hub: HubProcess) -> None:
    """Two of each. One token is used; one is revoked, as a table says in words beside the time."""
    scope = {"devices": [], "labels": ["place=boiler-house-second-floor", "line=north"]}
    for name in ("Ada of the boiler house, second floor", "Grace"):
        hub.call("POST", "/api/v1/operators", {"name": name, "role": "operator", "scope": scope})
    grant = {"role": "operator", "scope": scope, "ttl_s": 3600}
    used, revoked = (
        hub.call("POST", "/api/v1/tokens", {"name": name, **grant})["token"]
        for name in ("The wall in the boiler house", "The wall before it")
    )
    request = urllib.request.Request(f"{hub.url}/api/v1/devices", headers={"Authorization": f"Bearer {used}"})
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    hub.call("DELETE", f"/api/v1/tokens/{revoked.split('_')[1]}")
    hub.wait_for("/api/v1/tokens", lambda answer: any(one["last_used_at"] for one in answer["tokens"]))


def fill_with_targets(hub: HubProcess) -> None:
    """Targets that cannot be reached, routes to them, and messages that failed: two of each."""
    url = f"https://an-address-that-nobody-has-registered.example:8443/{'hook' * 10}"
    for name in ("The people of the boiler house", "Those who were asked before them"):
        made = hub.call("POST", "/api/v1/targets", {"name": name, "webhook": url})
        route = {"name": f"All of it: {name}", "targets": [made["id"]], "remind_s": 3600}
        hub.call("POST", "/api/v1/routes", {**route, "match": {"label": "place=boiler-house-second-floor"}})
        assert hub.call("POST", f"/api/v1/targets/{made['id']}/test")["state"] == "failed"


def fill_with_rules(hub: HubProcess) -> None:
    """Two with long names, which fire."""
    for name in ("The bearing of the compressor is too hot", "The bearing of it is much too hot by now"):
        rule = {"name": name, "on": {"all": True}, "metric": "bearing_temperature_outer"}
        hub.call("POST", "/api/v1/rules", {**rule, "when": {"above": 60}})
    hub.wait_for("/api/v1/alerts?state=firing", lambda answer: len(answer["alerts"]) >= 2)


def test_every_command_that_shows_a_table_is_tried_here() -> None:
    showing = {"audit", "journal check"}
    assert {name for name in commands() if name.split()[-1] in ("list", "show")} | showing == set(TABLES)


@pytest.mark.parametrize("command", sorted(TABLES))
def test_a_table_breaks_no_time_and_no_id_at_80_columns(
    folder: Path,
    filled_hub: HubProcess,
    command: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HUB__STORE__PATH", str(filled_hub.data_dir))
    monkeypatch.setenv("COLUMNS", "80")
    assert exit_code(*command.split(), *TABLES[command]) == 0
    narrow = capsys.readouterr().out
    assert max(len(line) for line in narrow.splitlines()[1:] if not line.startswith(SENTENCES)) <= 80
    monkeypatch.delenv("COLUMNS")  # as in a pipe: a line of the table for each row
    assert exit_code(*command.split(), *TABLES[command]) == 0
    wide = capsys.readouterr().out
    assert len(WHOLE.findall(wide)) >= 2
    assert WHOLE.findall(narrow) == WHOLE.findall(wide)
    assert len(wide.splitlines()) < len(narrow.splitlines()) or wide == narrow


@pytest.mark.parametrize("name", ["Kessel [3] [/] [red]", "温度計 北", "a, b; c=d"])
def test_names_are_shown_as_they_are(run: Run, tmp_path: Path, name: str) -> None:
    make_store(tmp_path / "data")
    assert run("devices", "add", "pump", "--name", name).returncode == 0
    assert name in run("devices", "list").stdout
    assert name in run("devices", "show", "pump").stdout

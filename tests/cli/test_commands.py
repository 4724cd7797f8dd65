"""The command line against a real hub: running, and not."""

import csv
import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.cli.conftest import Run
from tests.hub_process import HubProcess, make_store
from tests.logins import pressed


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """Empty stores in tmp_path/data, on which no hub runs."""
    return make_store(tmp_path / "data")


@pytest.mark.usefixtures("store")
def test_devices_are_made_listed_shown_and_removed_without_a_running_hub(run: Run) -> None:
    made = run("devices", "add", "boiler-1", "--name", "Boiler", "--labels", "hall=A;floor=2")
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith("hk_")

    listed = json.loads(run("devices", "list", "--json").stdout)
    assert [(one["id"], one["name"], one["labels"]) for one in listed] == [
        ("boiler-1", "Boiler", {"hall": "A", "floor": "2"})
    ]
    assert listed[0]["presence"] == "never_seen"
    assert "never seen" in run("devices", "list").stdout
    assert "Boiler" in run("devices", "show", "boiler-1").stdout

    assert run("devices", "remove", "boiler-1", "--yes").returncode == 0
    assert json.loads(run("devices", "list", "--json").stdout) == []


def send(hub: HubProcess, key: str, body: bytes) -> None:
    """Readings by HTTP, as a device."""
    headers = {"Authorization": f"Bearer {key}"}
    request = urllib.request.Request(f"{hub.url}/api/v1/telemetry", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def test_a_device_that_repeats_itself_is_shown_so_and_may_count_anew(run: Run, hub: HubProcess) -> None:
    key = hub.add_device("pump")
    for seq in (9, 0, 1):
        send(hub, key, b'{"seq": %d, "values": {"t": 1}}' % seq)
    shown = run("devices", "show", "pump").stdout
    assert shown.splitlines()[1].startswith("2 readings since ")
    assert "their seq is not above 9" in shown
    assert run("devices", "reset-sequence", "nothere").returncode == 1
    assert run("devices", "reset-sequence", "pump").returncode == 0
    assert "repeated" not in run("devices", "show", "pump").stdout


def test_a_device_is_shown_with_what_operators_set_of_it(run: Run, hub: HubProcess) -> None:
    send(hub, hub.add_device("pump"), b'{"t": 20.54321, "mode": "eco"}')
    wanted = {
        "retention": {"raw_s": 86_400 * 1.5, "hour_s": 0},
        "metrics": [
            {
                "name": "t",
                "unit": "°C",
                "decimals": 1,
                "maximum": 90,
                "thresholds": {"warning_low": 5, "warning_high": 28, "critical_high": 32.5},
            }
        ],
    }
    hub.call("PATCH", "/api/v1/devices/pump", wanted)
    shown = run("devices", "show", "pump", COLUMNS="200").stdout
    assert "kept: readings 1.5 days, hours for ever" in shown
    [row] = [line for line in shown.splitlines() if line.startswith("t ")]
    assert "20.5 °C" in row
    assert "to 90" in row
    assert "warning below 5 or above 28; critical above 32.5" in row
    told = json.loads(run("devices", "show", "pump", "--json").stdout)
    assert told["metrics"][0]["thresholds"]["critical_high"] == 32.5


def test_the_command_line_speaks_to_the_running_hub(run: Run, hub: HubProcess) -> None:
    key = json.loads(run("devices", "add", "pump", "--json").stdout)["key"]
    assert key.startswith("hk_")
    assert hub.call("GET", "/api/v1/devices/pump")["id"] == "pump"
    assert run("login").stdout.startswith(hub.url + "/login?code=")


def test_keys_are_added_listed_and_revoked(run: Run, hub: HubProcess) -> None:
    first = hub.add_device("pump")
    second = run("keys", "add", "pump").stdout.strip()
    found = json.loads(run("keys", "list", "pump", "--json").stdout)
    assert [one["id"] for one in found] == [first.split("_")[1], second.split("_")[1]]
    assert first.split("_")[2] not in json.dumps(found)

    assert run("keys", "revoke", "pump", found[0]["id"]).returncode == 0
    again = run("keys", "revoke", "pump", found[0]["id"])
    assert again.returncode == 1
    assert "revoked before" in again.stderr
    ends = [line.split()[-1] for line in run("keys", "list", "pump").stdout.splitlines()[1:]]
    assert ends == ["revoked", "never"]


def test_a_key_is_rotated(run: Run, hub: HubProcess) -> None:
    hub.add_device("valve")
    run("keys", "add", "valve", "--rights", "telemetry", "--ttl", "2d")
    [_, old] = json.loads(run("keys", "list", "valve", "--json").stdout)
    assert run("keys", "rotate", "valve", old["id"], "--overlap", "1h").stdout.startswith("hk_")
    [_, replaced, new] = json.loads(run("keys", "list", "valve", "--json").stdout)
    assert (new["rights"], new["expires_at"]) == (["telemetry"], None)
    assert replaced["expires_at"] < old["expires_at"]


def test_people_are_added_listed_and_removed(run: Run, hub: HubProcess) -> None:
    link = run("operators", "add", "ada", "--role", "operator", "--label", "site=north", "--link").stdout
    assert link.startswith(f"{hub.url}/login?code=")
    assert run("operators", "add", "ada").returncode == 1
    given = subprocess.run(
        [sys.executable, "-m", "hub", "operators", "passwd", "ada"],
        input="correct horse battery\n",
        env={**os.environ, "HUB__STORE__PATH": str(hub.data_dir)},
        text=True,
        check=True,
        capture_output=True,
    )
    assert "new password" in given.stdout
    asked = run("operators", "passwd", "bob")  # pytest lets nothing be read from standard input
    assert (asked.returncode, "bob" in asked.stderr) == (1, True)
    [found] = json.loads(run("operators", "list", "--json").stdout)
    assert (found["role"], found["scope"]["labels"], found["has_password"]) == (
        "operator",
        ["site=north"],
        True,
    )
    assert "operator site=north" in run("operators", "list").stdout
    assert run("operators", "remove", "ada").returncode == 0
    assert json.loads(run("operators", "list", "--json").stdout) == []


def test_tokens_are_listed_and_revoked(run: Run, hub: HubProcess) -> None:
    del hub
    made = run("tokens", "add", "--name", "figures", "--rights", "metrics:scrape").stdout.strip()
    token_id = made.split("_")[1]
    [found] = [one for one in json.loads(run("tokens", "list", "--json").stdout) if one["id"] == token_id]
    assert (found["rights"], found["owner"], found["kind"]) == (["metrics:scrape"], "local", "opaque")
    assert run("tokens", "revoke", token_id).returncode == 0
    assert "revoked before" in run("tokens", "revoke", token_id).stderr
    listed = run("tokens", "list").stdout
    assert "viewer metrics:scrape" in listed
    assert made not in listed


@pytest.mark.usefixtures("store")
def test_many_devices_are_imported_and_their_keys_written_for_the_owner_alone(
    run: Run, tmp_path: Path
) -> None:
    rows = ["id,name,labels", "a,Pump A,hall=A;line=1", "b,,"]
    (tmp_path / "new.csv").write_text("\n".join(rows))
    done = run("devices", "import", "new.csv", "--output", "keys.csv")
    assert done.returncode == 0, done.stderr
    with (tmp_path / "keys.csv").open() as lines:
        keys = {row["id"]: row["key"] for row in csv.DictReader(lines)}
    assert set(keys) == {"a", "b"}
    assert all(key.startswith("hk_") for key in keys.values())
    assert stat.S_IMODE((tmp_path / "keys.csv").stat().st_mode) == 0o600

    exported = run("devices", "export").stdout.splitlines()
    assert exported == ["id,name,labels", "a,Pump A,hall=A;line=1", "b,b,"]

    again = run("devices", "import", "new.csv", "--output", "keys.csv")
    assert again.returncode == 1
    assert "never written over" in again.stderr
    twice = run("devices", "import", "new.csv", "--output", "more.csv")
    assert twice.returncode == 1
    assert "exists already" in twice.stderr
    assert not (tmp_path / "more.csv").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("devices", "add", "no spaces"), "id: "),
        (("devices", "show", "nobody"), "there is no device 'nobody'"),
        (("devices", "remove", "nobody", "--yes"), "there is no device 'nobody'"),
        (("keys", "add", "nobody"), "there is no device 'nobody'"),
        (("devices", "import", "missing.csv", "--output", "keys.csv"), "No such file"),
        (("tokens", "add", "--name", "x", "--ttl", "soon"), "a duration is written"),
        (("tokens", "add", "--name", "x", "--role", "king"), "role"),
    ],
)
@pytest.mark.usefixtures("store")
def test_a_refusal_is_one_clear_line_and_exit_code_1(run: Run, arguments: tuple[str, ...], says: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_opens_rest_within_its_role_and_devices(run: Run, hub: HubProcess) -> None:
    hub.add_device("a")
    hub.add_device("b")
    made = run(
        "tokens", "add", "--name", "wall", "--role", "viewer", "--ttl", "1h", "--devices", "a", "--json"
    )
    token = json.loads(made.stdout)["token"]

    def ask(path: str) -> int:
        status = subprocess.run(
            [
                "curl",
                "-s",
                "-o",
                "-",
                "-w",
                "%{http_code}",
                "-H",
                f"Authorization: Bearer {token}",
                hub.url + path,
            ],
            capture_output=True,
            text=True,
            check=True,
        ).stdout[-3:]
        return int(status)

    assert ask("/api/v1/devices/a") == 200
    assert ask("/api/v1/devices/b") == 404


def test_check_accepts_the_defaults_and_names_each_fault(run: Run, tmp_path: Path) -> None:
    assert run("check").stdout.startswith("ok:")
    (tmp_path / "wrong.toml").write_text("[http]\nprot = 8080\nhost = 5\n")
    done = run("--config", "wrong.toml", "check")
    assert done.returncode == 1
    assert "unknown key http.prot; did you mean port?" in done.stderr
    assert "http.host" in done.stderr

    done = run("check", HUB__HTPP__PORT="1")
    assert done.returncode == 1
    assert "did you mean http?" in done.stderr


def test_a_second_hub_on_the_same_stores_says_so(run_process: Run, hub: HubProcess) -> None:
    done = run_process("serve", HUB__HTTP__PORT="0", HUB__MQTT__PORT="0")
    assert done.returncode == 3
    assert "another process has it open" in done.stderr
    assert hub.call("GET", "/healthz")  # the first goes on


def test_a_second_hub_leaves_the_registry_of_the_first_as_it_is(run_process: Run, hub: HubProcess) -> None:
    with sqlite3.connect(hub.data_dir / "registry.db") as registry:
        registry.execute("DELETE FROM schema_version")  # so that whoever opens it would migrate it
    registry.close()
    done = run_process("serve", HUB__HTTP__PORT="0", HUB__MQTT__PORT="0")
    assert done.returncode == 3
    assert "history.duckdb: another process has it open" in done.stderr


def test_a_port_in_use_is_named(run_process: Run, start_hub: Callable[..., HubProcess]) -> None:
    first = start_hub("other")
    done = run_process("serve", HUB__HTTP__PORT=first.url.rsplit(":", 1)[1], HUB__MQTT__PORT="0")
    assert done.returncode == 1
    assert "cannot listen on http" in done.stderr


def test_sigterm_ends_a_hub_with_exit_code_0_and_removes_its_socket(hub_process: HubProcess) -> None:
    assert stat.S_IMODE((hub_process.data_dir / "hub.sock").stat().st_mode) == 0o600
    assert hub_process.stop() == 0
    assert not (hub_process.data_dir / "hub.sock").exists()


def test_a_clean_stop_writes_nothing_but_log_lines_to_standard_error(
    hub_process: HubProcess, run: Run
) -> None:
    key = hub_process.add_device("pump")
    request = urllib.request.Request(
        f"{hub_process.url}/api/v1/telemetry", data=b'{"t": 20.5}', headers={"Authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
    assert hub_process.call("GET", "/api/v1/devices/pump/history?metric=t")["time"]
    assert run("history", "export", "--output", "all.parquet").returncode == 0
    assert hub_process.stop() == 0
    lines = hub_process.log_path.read_text().splitlines()
    assert json.loads(lines[-1])["event"] == "stopped"
    assert [line for line in lines if not {"event", "level"} <= json.loads(line).keys()] == []


def test_version_and_help_work_anywhere(run_process: Run) -> None:
    assert run_process("version").stdout.strip()
    help_text = run_process("--help").stdout
    for command in ("serve", "demo", "check", "devices", "keys", "tokens", "login", "version"):
        assert command in help_text


def test_a_link_is_printed_only_while_nobody_is_logged_in(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    """What a service prints ends in a log, which more people read than may come in."""
    hub = start_hub_process()
    [link] = re.findall(r"http\S+/login\?code=\S+", "".join(hub.output))
    hub.stop()
    hub.start()
    assert "/login?code=" in "".join(hub.output)  # nobody has used the first
    url, form, headers = pressed(link)
    request = urllib.request.Request(url, urlencode(form).encode(), headers)
    with urllib.request.urlopen(request, timeout=30):
        pass
    hub.stop()
    hub.start()
    assert "/login?code=" not in "".join(hub.output)
    assert f"The page:  {hub.url}  (`hub login`" in "".join(hub.output)

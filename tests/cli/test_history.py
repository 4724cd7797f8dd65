"""Stored values out to files and in from them, and backups, by the command line against a real hub."""

import csv
import json
import os
import stat
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import pytest

from tests.cli.conftest import Run
from tests.hub_process import HubProcess, make_store

T0 = 1_795_170_094_504


def send(hub: HubProcess, key: str, readings: object) -> None:
    """Readings by HTTP, on disk when it returns."""
    done = subprocess.run(
        [
            *("curl", "-sf", "-H", f"Authorization: Bearer {key}", "--data-binary", "@-"),
            hub.url + "/api/v1/telemetry",
        ],
        input=json.dumps(readings),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def fill(hub: HubProcess) -> None:
    for device_id, hall in (("boiler", "A"), ("pump", "B")):
        key = hub.add_device(device_id, labels={"hall": hall})
        readings = [
            {"ts": T0 + place, "values": {"t": place / 3, "note": f"a\n{place}"}} for place in range(50)
        ]
        send(hub, key, readings)


@pytest.mark.parametrize("ending", ["csv", "ndjson", "parquet"])
def test_what_is_exported_is_imported_elsewhere_once(
    run: Run, hub: HubProcess, tmp_path: Path, ending: str
) -> None:
    fill(hub)
    name = f"all.{ending}"
    done = run("history", "export", "--output", name, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["values"] == 200
    other = make_store(tmp_path / "other")  # where no hub runs
    refused = run("history", "import", name, stores=other)
    assert (refused.returncode, "there is no device boiler, pump" in refused.stderr) == (1, True)
    done = run("history", "import", name, "--create-devices", "--json", stores=other)
    assert (done.returncode, json.loads(done.stdout)["added"]) == (0, 200)
    again = run("history", "import", name, stores=other)
    assert (again.returncode, again.stdout) == (
        0,
        "200 rows with 200 values: 0 added\n200 were there already\n",
    )


def test_devices_labels_metrics_and_times_narrow_an_export(run: Run, hub: HubProcess, tmp_path: Path) -> None:
    fill(hub)

    def count(name: str, *arguments: str) -> int:
        done = run("history", "export", "--output", name, *arguments)
        assert done.returncode == 0, done.stderr
        return int(done.stdout.split()[1])

    assert count("a.csv", "--device", "pump") == 100
    assert count("b.csv", "--device", "pump", "--device", "boiler", "--metric", "t") == 100
    assert count("c.ndjson", "--label", "hall=A", "--from", str(T0), "--to", str(T0 + 10)) == 20
    assert count("d.csv", "--to", "2001-01-01T00:00:00Z") == 0
    assert count("e.csv", "--for-spreadsheets") == 200
    assert sorted(path.name for path in tmp_path.glob("?.*")) == [
        "a.csv",
        "b.csv",
        "c.ndjson",
        "d.csv",
        "e.csv",
    ]


def test_an_export_of_what_is_not_there_says_so_and_writes_nothing(
    run: Run, hub: HubProcess, tmp_path: Path
) -> None:
    fill(hub)
    for arguments, said in (
        (("--metric", "humidity"), "has a metric 'humidity'"),
        (("--device", "pump", "--metric", "humidity"), "has a metric 'humidity'"),
        (("--device", "nobody"), "no device 'nobody'"),
        (("--from", str(T0 // 1000)), "looks like seconds"),
    ):
        done = run("history", "export", "--output", "none.csv", *arguments)
        assert (done.returncode, said in done.stderr) == (1, True), (arguments, done)
    assert list(tmp_path.glob("none*")) == []


def test_faults_of_a_file_are_told_by_line_and_by_exit_code(
    run: Run, hub: HubProcess, tmp_path: Path
) -> None:
    hub.add_device("boiler")
    (tmp_path / "temperatures.csv").write_text(f"timestamp,value\n{T0},1.5\n{T0 + 1},warm\n")
    command = ("history", "import", "temperatures.csv", "--device", "boiler", "--metric", "t")
    would = run(*command, "--dry-run")
    assert (would.returncode, would.stdout) == (
        1,
        "would be made: metric t of boiler, a number\n2 rows with 2 values: 1 would be added\n",
    )
    done = run(*command)
    assert (done.returncode, done.stdout) == (
        1,
        "made: metric t of boiler, a number\n2 rows with 2 values: 1 added\n",
    )
    assert would.stderr.replace("would be ", "") == done.stderr
    assert "line 3: value: a number is wanted, got warm" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("export", "--output", "there.csv"), "nothing is written over"),
        (("export", "--output", "new.csv", "--device", "nobody"), "there is no device 'nobody'"),
        (("export", "--output", "new.csv", "--from", "soon"), "from: wanted is"),
        (("export", "--output", "new.txt"), "the name says no format"),
        (("export", "--output", "missing/new.csv"), "No such file"),
        (("import", "missing.csv"), "No such file"),
        (("import", "there.csv"), "names no column of times"),
    ],
)
def test_a_refusal_is_one_line_and_leaves_nothing_behind(
    run: Run, shared_hub: HubProcess, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "there.csv").write_text("a,b\n")
    done = run("history", *arguments, stores=shared_hub.data_dir)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("new*"))


class Load:
    """Sends numbered readings without pause, and counts those that are acknowledged."""

    def __init__(self, hub: HubProcess, key: str) -> None:
        self._hub = hub
        self._key = key
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self.acknowledged = 0
        self._more = threading.Condition()

    def _send(self) -> None:
        while not self._stop.is_set():
            first = self.acknowledged
            numbers = range(first, first + 100)
            send(self._hub, self._key, [{"ts": T0 + n, "seq": n, "values": {"n": float(n)}} for n in numbers])
            with self._more:
                self.acknowledged += 100
                self._more.notify_all()

    def wait(self, more: int) -> None:
        """Until so many more are acknowledged."""
        wanted = self.acknowledged + more
        with self._more:
            assert self._more.wait_for(lambda: self.acknowledged >= wanted, 30)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def exported(run: Run, tmp_path: Path, name: str, stores: Path) -> list[dict[str, Any]]:
    assert run("history", "export", "--output", name, stores=stores).returncode == 0
    return [json.loads(line) for line in (tmp_path / name).read_text().splitlines()]


def test_a_backup_under_load_holds_all_that_was_acknowledged_before_it_and_starts(
    run: Run, start_hub: Callable[..., HubProcess], tmp_path: Path
) -> None:
    hub = start_hub(HUB__SYSTEM__INTERVAL_S="0")  # its own figures are values too
    key = hub.add_device("boiler", labels={"hall": "A"})
    with Load(hub, key) as load:
        load.wait(300)
        before = load.acknowledged
        done = run("backup", "--output", "copy", "--json")
        assert done.returncode == 0, done.stderr
        load.wait(200)  # it went on
    manifest = json.loads(done.stdout)
    assert manifest["devices"] == 1
    assert before <= manifest["values"] <= load.acknowledged
    assert json.loads((tmp_path / "copy" / "manifest.json").read_text())["values"] == manifest["values"]
    assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o700
    assert not (tmp_path / "copy.partial").exists()

    restored = start_hub("copy")
    found = exported(run, tmp_path, "copied.ndjson", tmp_path / "copy")
    assert [row["value"] for row in found] == list(range(manifest["values"]))
    send(restored, key, {"seq": 0, "values": {"n": -1.0}})  # the key works, and what was sent is known
    assert len(exported(run, tmp_path, "again.ndjson", tmp_path / "copy")) == manifest["values"]
    assert restored.call("GET", "/api/v1/devices/boiler")["labels"] == {"hall": "A"}
    assert restored.stop() == 0


def test_a_backup_is_never_written_over_and_only_for_the_owner(
    run: Run, hub: HubProcess, tmp_path: Path
) -> None:
    assert run("backup", "--output", "copy").returncode == 0
    again = run("backup", "--output", "copy")
    assert (again.returncode, "never written over" in again.stderr) == (1, True)
    status = subprocess.run(
        [
            *("curl", "-s", "-o", os.devnull, "-w", "%{http_code}", "-X", "POST"),
            *("-H", f"Authorization: Bearer {hub.token('admin')}"),
            f"{hub.url}/api/v1/backup?output={tmp_path}/stolen",
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert status == "403"
    assert not (tmp_path / "stolen").exists()


def test_a_backup_without_a_running_hub_works_too(run: Run, tmp_path: Path) -> None:
    make_store(tmp_path / "data")
    assert run("devices", "add", "boiler").returncode == 0
    done = run("backup", "--output", "copy")
    assert (done.returncode, done.stdout) == (0, "copied 1 devices and 0 values to copy\n")
    listed = run("devices", "list", "--json", stores=tmp_path / "copy")
    assert [one["id"] for one in json.loads(listed.stdout)] == ["boiler"]


def test_every_refused_row_is_written_to_a_file_that_asks_for_it(
    run: Run, hub: HubProcess, tmp_path: Path
) -> None:
    hub.add_device("boiler")
    rows = [f"boiler,t,{T0 + place},{'warm' if place % 2 else place}" for place in range(100)]
    (tmp_path / "rows.csv").write_text("\n".join(["device,metric,time,value", *rows, 'boiler,"t']) + "\n")
    done = run("history", "import", "rows.csv", "--dry-run")
    assert (
        done.returncode,
        "51 values would be refused; --refused FILE writes every one" in done.stderr,
    ) == (
        1,
        True,
    )
    for code in (1, 2):
        done = run("history", "import", "rows.csv", "--refused", "refused.csv")
        assert done.returncode == 1, done.stderr
        assert ("every one is in refused.csv" if code == 1 else "exists already") in done.stderr
    with (tmp_path / "refused.csv").open(newline="") as file:
        found = list(csv.DictReader(file))
    assert [row["line"] for row in found] == [str(line) for line in range(3, 103, 2)] + ["102"]
    assert [row["text"] for row in found] == [*rows[1::2], 'boiler,"t']
    assert {row["reason"] for row in found[:-1]} == {"value: a number is wanted, got warm"}
    (tmp_path / "good.csv").write_text("\n".join(["device,metric,time,value", *rows[::2]]))
    done = run("history", "import", "good.csv", "--refused", "none.csv", "--json")
    assert (done.returncode, json.loads(done.stdout)["held"]) == (0, 50)
    assert (tmp_path / "none.csv").read_text() == "line,reason,text\n"
    assert run("history", "import", "missing.csv", "--refused", "no.csv").returncode == 1
    assert not list(tmp_path.glob("no.csv*"))

"""Commands typed in the wrong folder say so and make nothing; beside a running demo they find it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.cli.running_demo import RunningDemo, findable, running_demos
from tests.cli.commands import COMPLETE, commands, exit_code
from tests.hub_process import HubProcess, make_store

MAKE_OR_NEED_NO_STORE = {"serve", "demo", "check", "doctor", "version"}
DEAD_PID = 2**22 + 1  # above the highest that Linux gives


def test_every_command_is_in_the_table() -> None:
    assert set(COMPLETE) == set(commands())


@pytest.mark.parametrize("command", sorted(set(COMPLETE) - MAKE_OR_NEED_NO_STORE))
def test_without_a_store_a_command_says_where_it_looked_and_makes_none(
    folder: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(folder.rglob("*"))
    assert exit_code(*command.split(), *COMPLETE[command]) == 3
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(f"hub: no store at {folder / 'data'}, and no hub runs on it.")
    assert "--config FILE" in told.err
    assert sorted(folder.rglob("*")) == before


def test_a_file_in_the_stores_place_is_no_store(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "data").write_text("")
    assert exit_code("devices", "list") == 3
    assert str(folder / "data") in capsys.readouterr().err


@pytest.fixture
def demo_hub(tmp_path: Path) -> Iterator[HubProcess]:
    """A hub in a folder of its own, as a demo has one."""
    hub = HubProcess(tmp_path / "demo" / "data")
    hub.data_dir.parent.mkdir()
    yield hub.start()
    hub.stop()


def demo_of(hub: HubProcess) -> RunningDemo:
    return RunningDemo(hub.pid, hub.url, hub.data_dir)


def test_where_no_store_is_a_command_is_for_the_running_demo_and_says_so(
    folder: Path, demo_hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    with findable(demo_of(demo_hub)):
        assert exit_code("login") == 0
        told = capsys.readouterr()
        assert told.out.startswith(f"{demo_hub.url}/login?code=")
        assert f"the demo at {demo_hub.url}" in told.err
        assert exit_code("--demo", "devices", "list", "--json") == 0
        told = capsys.readouterr()
        assert (json.loads(told.out), told.err) == ([], "")
        for options in ((), ("--demo",)):  # a command that looks at files finds the same store
            assert exit_code(*options, "journal", "check") == 0
            told = capsys.readouterr()
            assert str(demo_hub.data_dir / "journal") in told.out
            assert (f"the demo at {demo_hub.url}" in told.err) == (not options)
        assert not (folder / "data").exists()
    assert exit_code("login") == 3
    assert exit_code("--demo", "login") == 3
    assert "no demo of this user is running" in capsys.readouterr().err


def test_a_store_that_was_named_or_is_here_is_not_left_for_a_demo(
    folder: Path,
    demo_hub: HubProcess,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with findable(demo_of(demo_hub)):
        monkeypatch.setenv("HUB__STORE__PATH", "elsewhere")
        assert exit_code("devices", "list") == 3
        assert "no store at" in (said := capsys.readouterr().err)
        assert "hub --demo" in said
        monkeypatch.delenv("HUB__STORE__PATH")
        make_store(folder / "data")
        assert exit_code("devices", "add", "mine") == 0
        assert f"a demo is running at {demo_hub.url}" in capsys.readouterr().err
        assert demo_hub.call("GET", "/api/v1/devices")["devices"] == []
        assert exit_code("login") == 0
        assert "no hub is running on this store" in capsys.readouterr().err


def test_of_several_demos_none_is_guessed(
    folder: Path, demo_hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    second = RunningDemo(os.getpid(), "http://127.0.0.1:9", folder / "other")
    with findable(demo_of(demo_hub)), findable(second):
        assert exit_code("login") == 3
        told = capsys.readouterr().err
        assert "2 demos are running" in told
        assert f"HUB__STORE__PATH={demo_hub.data_dir}" in told


@pytest.mark.parametrize("options", [(), ("--demo",)])
def test_a_demo_that_does_not_answer_is_no_hub(
    folder: Path, options: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    with findable(RunningDemo(os.getpid(), "http://127.0.0.1:9", folder / "other")):
        assert exit_code(*options, "login") == 3
    assert "the demo at http://127.0.0.1:9 does not answer" in capsys.readouterr().err


def test_only_demos_that_live_are_found_and_only_where_nobody_else_can_write(folder: Path) -> None:
    runtime = Path(os.environ["XDG_RUNTIME_DIR"])
    mine = RunningDemo(os.getpid(), "http://127.0.0.1:9", folder)
    with findable(mine) as written:
        assert written
        assert (runtime / "sensor-hub").stat().st_mode & 0o777 == 0o700
        assert running_demos() == [mine]
        with findable(RunningDemo(DEAD_PID, "http://127.0.0.1:9", folder)):
            assert running_demos() == [mine]
            assert [one.name for one in (runtime / "sensor-hub").iterdir()] == [f"demo-{os.getpid()}.json"]
        (runtime / "sensor-hub" / "demo-1.json").write_text("not JSON")
        assert running_demos() == [mine]
        (runtime / "sensor-hub" / "demo-1.json").unlink()
        (runtime / "sensor-hub").chmod(0o770)
        assert running_demos() == []
        with findable(mine) as written:
            assert not written
        (runtime / "sensor-hub").chmod(0o700)
    assert not (runtime / "sensor-hub").exists()


def test_without_a_runtime_folder_it_is_one_of_the_users_own_among_the_temporary_ones(
    folder: Path, tmp_path: Path
) -> None:
    script = (
        "import os, pathlib, tempfile\n"
        "from hub.cli.running_demo import RunningDemo, findable, running_demos\n"
        "with findable(RunningDemo(os.getpid(), 'http://h', pathlib.Path('data'))):\n"
        "    print([str(one.store) for one in running_demos()])\n"
        "    print(os.listdir(tempfile.gettempdir()))\n"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary), "XDG_RUNTIME_DIR": ""}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == [f"['{folder / 'data'}']", f"['sensor-hub-{os.getuid()}']"]
    assert list(temporary.iterdir()) == []

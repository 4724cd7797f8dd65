"""A place of its own for each test of the command line: no store, no configuration, no running demo."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commands import exit_code


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the files that commands read; the runtime folder is beside it."""
    for name in [name for name in os.environ if name.upper().startswith("HUB__")]:
        monkeypatch.delenv(name)
    runtime = tmp_path / "runtime"
    runtime.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    (here / "new.csv").write_text("id,name,labels\npump,,\n")
    (here / "values.csv").write_text("time,value\n2026-03-01T00:00:00Z,1.5\n")
    return here


Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `hub` with arguments in the test's own process, on the stores in tmp_path/data if no others are
    named.
    """

    def run_hub(
        *arguments: str, stores: Path | None = None, **environment: str
    ) -> "subprocess.CompletedProcess[str]":
        with monkeypatch.context() as place:
            place.chdir(tmp_path)
            place.setenv("HUB__STORE__PATH", str(stores or tmp_path / "data"))
            for name, value in environment.items():
                place.setenv(name, value)
            capsys.readouterr()
            code = exit_code(*arguments)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run_hub


@pytest.fixture
def run_process(tmp_path: Path) -> Run:
    """As `run`, in a process of its own, as people run it."""

    def run_hub(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "hub", *arguments],
            cwd=tmp_path,
            env={**os.environ, "HUB__STORE__PATH": str(tmp_path / "data"), **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run_hub

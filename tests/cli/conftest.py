"""A place of its own for each test of the command line: no store, no configuration, no running demo."""

import os
from pathlib import Path

import pytest


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

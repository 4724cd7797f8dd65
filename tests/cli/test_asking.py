"""Commands that ask before they do something."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub.cli import app
from tests.cli.commands import commands, exit_code
from tests.hub_process import make_store

# Each with what it names, and with the same for something that is not there.
ASK = {"devices remove": (("pump",), ("nothere",))}


def test_every_command_that_asks_is_tried_here() -> None:
    asking = {name for name, command in commands().items() if any(p.name == "yes" for p in command.params)}
    assert asking == set(ASK)


@pytest.mark.parametrize("command", sorted(ASK))
def test_a_command_looks_before_it_asks(
    folder: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_store(folder / "data")
    there, not_there = ASK[command]
    assert exit_code(*command.split(), *not_there) == 1  # reading an answer would fail here
    told = capsys.readouterr()
    assert ("nothere" in told.err, told.out) == (True, "")

    assert exit_code("devices", "add", "pump", "--name", "Pump 7") == 0
    refused = CliRunner().invoke(app, [*command.split(), *there], input="n\n")
    assert refused.exit_code == 1
    assert "pump (Pump 7)" in refused.output
    capsys.readouterr()
    assert exit_code("devices", "list", "--json") == 0
    assert [one["id"] for one in json.loads(capsys.readouterr().out)] == ["pump"]
    agreed = CliRunner().invoke(app, [*command.split(), *there], input="y\n")
    assert (agreed.exit_code, agreed.output.splitlines()[-1]) == (0, "removed pump")

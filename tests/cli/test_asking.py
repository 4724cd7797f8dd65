"""Commands that ask before they do something."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from typer.testing import CliRunner

from hub.cli import app
from tests.cli.commands import commands, exit_code
from tests.hub_process import make_store


class Asking(NamedTuple):
    """Arguments that name something, and something that is not there; what is asked, and said when done."""

    there: tuple[str, ...]
    not_there: tuple[str, ...]
    asked: str
    done: str


ASK = {
    "devices remove": Asking(("pump",), ("nothere",), "pump (Pump 7)", "removed pump"),
    "devices metrics edit": Asking(
        ("pump", "t", "--type", "number"),
        ("pump", "nothere", "--type", "number"),
        "2 of 3 values are no number and are lost: 'off' (2). Go on?",
        "t of pump is now t, number; 2 of 3 values are no number and are lost: 'off' (2)",
    ),
    "devices metrics remove": Asking(
        ("pump", "t"),
        ("pump", "nothere"),
        "Remove t of pump with 3 values?",
        "t of pump with 3 values were removed",
    ),
}
# Of a damaged journal, and of a device that declares something dangerous: test_journal.py, test_command.py.
ELSEWHERE = {"journal repair", "devices command"}


def test_every_command_that_asks_is_tried_here() -> None:
    asking = {name for name, command in commands().items() if any(p.name == "yes" for p in command.params)}
    assert asking == {*ASK, *ELSEWHERE}


@pytest.fixture
def ask(folder: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., Any]:
    """Runs a command that prints JSON, on a store with a pump whose metric `t` is text."""
    make_store(folder / "data")
    (folder / "texts.csv").write_text(
        "time,t\n2026-03-01T00:00:00Z,off\n2026-03-01T00:00:01Z,21.5\n2026-03-01T00:00:02Z,off\n"
    )
    assert exit_code("devices", "add", "pump", "--name", "Pump 7") == 0
    assert exit_code("history", "import", "texts.csv", "--device", "pump") == 0
    capsys.readouterr()

    def ask_json(*arguments: str) -> Any:
        assert exit_code(*arguments, "--json") == 0
        return json.loads(capsys.readouterr().out)

    return ask_json


@pytest.mark.parametrize("command", sorted(ASK))
def test_a_command_looks_before_it_asks(
    command: str, ask: Callable[..., Any], capsys: pytest.CaptureFixture[str]
) -> None:
    words, asking = command.split(), ASK[command]
    before = ask("devices", "list")
    assert [one["type"] for one in before[0]["metrics"]] == ["text"]
    assert exit_code(*words, *asking.not_there) == 1  # reading an answer would fail here
    told = capsys.readouterr()
    assert ("nothere" in told.err, told.out) == (True, "")

    refused = CliRunner().invoke(app, [*words, *asking.there], input="n\n")
    assert refused.exit_code == 1
    assert asking.asked in refused.output
    assert ask("devices", "list") == before
    agreed = CliRunner().invoke(app, [*words, *asking.there], input="y\n")
    assert (agreed.exit_code, agreed.output.splitlines()[-1]) == (0, asking.done)
    assert ask("devices", "list") != before


def test_a_preview_of_metrics_changes_nothing(ask: Callable[..., Any]) -> None:
    before = ask("devices", "list")
    edited = ask(
        "devices", "metrics", "edit", "pump", "t", "--type", "number", "--name", "temp °C", "--preview"
    )
    assert (edited["values"], edited["lost"], edited["metric"]["name"]) == (3, 2, "temp °C")
    assert ask("devices", "metrics", "remove", "pump", "t", "--preview") == {
        "preview": True,
        "metrics": ["t"],
        "values": 3,
    }
    assert ask("devices", "list") == before
    edited = ask("devices", "metrics", "edit", "pump", "t", "--name", "temp °C", "--yes")
    assert (edited["preview"], edited["lost"]) == (False, 0)
    assert [one["name"] for one in ask("devices", "list")[0]["metrics"]] == ["temp °C"]

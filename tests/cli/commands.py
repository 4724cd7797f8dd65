"""The commands of the command line, as it knows them itself, and running one in the test's own process."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import typer.main

from hub.cli import app, run

# What each command needs to be complete. A new command is added here; the tests that use this fail until it
# is.
COMPLETE: dict[str, Sequence[str]] = {
    "alerts ack": ("1",),
    "alerts list": (),
    "alerts silence": ("1h", "--device", "pump"),
    "audit": (),
    "backup": ("--output", "copy"),
    "check": (),
    "demo": (),
    "deliveries list": (),
    "devices add": ("pump",),
    "devices command": ("pump", "open"),
    "devices export": (),
    "devices import": ("new.csv", "--output", "keys.csv"),
    "devices list": (),
    "devices metrics edit": ("pump", "t", "--name", "temperature"),
    "devices metrics remove": ("pump", "t"),
    "devices remove": ("pump",),
    "devices reset-sequence": ("pump",),
    "devices show": ("pump",),
    "doctor": (),
    "history export": ("--output", "all.csv"),
    "history import": ("values.csv", "--device", "pump", "--metric", "t"),
    "journal check": (),
    "journal repair": (),
    "keys add": ("pump",),
    "keys list": ("pump",),
    "keys revoke": ("pump", "a1b2c3d4e5f6"),
    "keys rotate": ("pump", "a1b2c3d4e5f6"),
    "login": (),
    "operators add": ("ada",),
    "operators list": (),
    "operators passwd": ("ada",),
    "operators remove": ("ada",),
    "routes add": ("--to", "1"),
    "routes list": (),
    "routes remove": ("1",),
    "rules add": ("t above 90",),
    "rules list": (),
    "rules remove": ("1",),
    "rules test": ("t above 90",),
    "serve": (),
    "targets add": ("ops", "--url", "ntfys://topic"),
    "targets list": (),
    "targets remove": ("1",),
    "targets test": ("1",),
    "tokens add": ("--name", "wall"),
    "tokens list": (),
    "tokens revoke": ("a1b2c3d4e5f6",),
    "version": (),
}


def commands() -> dict[str, Any]:
    """Every command, as typer has it, by its words: "devices add"."""
    return dict(_below("", typer.main.get_command(app)))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", {})
    if not inner:
        yield words, command
    for name, one in inner.items():
        yield from _below(f"{words} {name}".strip(), one)


def exit_code(*arguments: str) -> int:
    """Run `hub` with these arguments here; what it prints is for pytest's capsys."""
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    return int(ended.value.code or 0)

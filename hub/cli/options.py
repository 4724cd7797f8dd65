"""What stands before the command: `hub --config FILE devices list`."""

import os
from dataclasses import dataclass
from pathlib import Path

import typer

from hub.config import Config, load


@dataclass(frozen=True)
class Options:
    """The options of every command."""

    config_file: Path | None = None
    demo: bool = False

    @classmethod
    def of(cls, context: typer.Context) -> "Options":
        """As given before the command."""
        return context.obj if isinstance(context.obj, cls) else cls()

    def config(self) -> Config:
        """Raises Invalid for a configuration that is wrong."""
        return load(self.config_file)

    @property
    def names_store(self) -> bool:
        """Whether it was said in this call which store is meant. Then a command is for no other one.

        A config.toml in the current folder does not say so: the project's own folder has one.
        """
        variables = {name.upper() for name in os.environ}
        return self.config_file is not None or not variables.isdisjoint(
            {"HUB__STORE__PATH", "HUB__HTTP__SOCKET_PATH"}
        )

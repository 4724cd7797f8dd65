"""How a command reaches the hub: the running one by its socket, else the same application for this one call."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer
from rich.console import Console
from rich.table import Table

from hub.config import Config, LogConfig, load

T = TypeVar("T")


def call(context: typer.Context, use: Callable[[Any], Awaitable[T]]) -> T:
    """Run `use` with a client of the hub. Raises what the hub answers."""
    config = load(context.obj if isinstance(context.obj, Path) else None)
    return asyncio.run(_with_client(config, use))


async def _with_client(config: Config, use: Callable[[Any], Awaitable[T]]) -> T:
    from hub.cli.client import Client, Unreachable

    async with Client.connect(config.socket_path) as client:
        try:
            await client.call("GET", "/healthz")
            return await use(client)
        except Unreachable:
            pass
    from hub.serve import running, set_up_logs

    set_up_logs(LogConfig(level="warning", format="console"))
    async with running(config, listen=False), Client.connect(config.socket_path) as client:
        return await use(client)


def show_json(value: object) -> None:
    """Print for a program to read."""
    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def show_table(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], empty: str) -> None:
    """Print for a person to read; `empty` says what to do when there is nothing to show."""
    console = Console()
    if not rows:
        console.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*row)
    console.print(table)

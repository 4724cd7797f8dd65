"""How a command reaches a hub, and how it shows what that answered."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import orjson
import typer

from hub.cli.options import Options
from hub.cli.running_demo import RunningDemo, running_demos
from hub.config import Config, LogConfig, StoreConfig
from hub.errors import StoreError

T = TypeVar("T")


class NoStore(StoreError):
    """There is neither a hub nor a store to work on."""


def call(context: typer.Context, use: Callable[[Any], Awaitable[T]]) -> T:
    """Run `use` with a client of the hub. Raises what the hub answers; NoStore where there is none to ask.

    That is the hub that runs on the configured store; else the store itself; else a demo that is running,
    where nobody named a store. Only `serve` and `demo` make a store.
    """
    return asyncio.run(_with_client(Options.of(context), use))


def store_of(context: typer.Context) -> Config:
    """The store that a command means which looks at files itself, and asks no hub. Raises NoStore.

    It is the same store as `call` works on.
    """
    options = Options.of(context)
    config = options.config()
    demo = _the_demo() if options.demo else None
    if demo is None and not _has_store(config.data_dir):
        demos = [] if options.names_store else running_demos()
        if not demos:
            raise NoStore(_no_store(config))
        demo = _only(demos)
        _note(f"no store at {config.data_dir}, so this is for the demo at {demo.url}")
    return Config(store=StoreConfig(path=str(demo.store))) if demo else config


async def _with_client(options: Options, use: Callable[[Any], Awaitable[T]]) -> T:
    from hub.cli.client import Client

    if options.demo:
        return await _with_demo(_the_demo(), use)
    config = options.config()
    async with Client.connect(config.socket_path) as client:
        # A hub that goes away after this may have done what it was asked: nobody else is asked to do it.
        if await client.answers():
            return await use(client)
    demos = [] if options.names_store else running_demos()
    if _has_store(config.data_dir):
        for demo in demos:
            _note(
                f"this is for the store at {config.data_dir}; a demo is running at {demo.url} too"
                " (`hub --demo …` is for that)"
            )
        return await _without_hub(config, use)
    if not demos:
        raise NoStore(_no_store(config))
    demo = _only(demos)
    _note(f"no store at {config.data_dir}, so this is for the demo at {demo.url}")
    return await _with_demo(demo, use)


async def _with_demo(demo: RunningDemo, use: Callable[[Any], Awaitable[T]]) -> T:
    from hub.cli.client import Client

    async with Client.connect(demo.socket_path) as client:
        if not await client.answers():
            raise NoStore(f"the demo at {demo.url} does not answer")
        return await use(client)


async def _without_hub(config: Config, use: Callable[[Any], Awaitable[T]]) -> T:
    """The same application, in this process and for this one call."""
    from hub.cli.client import Client
    from hub.logs import set_up_logs
    from hub.serve import running

    if not logging.getLogger().handlers:  # a program around this has a log of its own
        set_up_logs(LogConfig(level="warning", format="console"))
    async with running(config, listen=False), Client.connect(config.socket_path, alone=True) as client:
        return await use(client)


def _has_store(folder: Path) -> bool:
    try:
        return any((folder / name).exists() for name in ("registry.db", "history.duckdb"))
    except OSError as error:
        raise NoStore(
            f"{folder}: {error.strerror}; run this as the user that the hub runs as, or as root"
        ) from error


def _no_store(config: Config) -> str:
    return (
        f"no store at {config.data_dir.absolute()}, and no hub runs on it. Run this in the folder in which"
        " the hub was started, or name its store: --config FILE, or HUB__STORE__PATH=FOLDER."
        " `hub serve` makes a new store."
        + "".join(f" A demo is running at {demo.url}: `hub --demo …` is for it." for demo in running_demos())
    )


def _the_demo() -> RunningDemo:
    demos = running_demos()
    if not demos:
        raise NoStore("no demo of this user is running: `hub demo` starts one")
    return _only(demos)


def _only(demos: Sequence[RunningDemo]) -> RunningDemo:
    """Raises NoStore where there are several: none of them is more likely than the others."""
    if len(demos) > 1:
        named = "".join(f"\n  HUB__STORE__PATH={demo.store}   the one at {demo.url}" for demo in demos)
        raise NoStore(f"{len(demos)} demos are running; name the store of one in the environment:{named}")
    return demos[0]


def _note(text: str) -> None:
    """For the person who typed the command; what it prints for programs stays as it is."""
    typer.echo(f"hub: {text}", err=True)


def show_json(value: object) -> None:
    """Print for a program to read."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    if not text.replace("\n", "").isprintable():  # JSON itself escapes some control characters, not all
        text = "".join(one if one.isprintable() or one == "\n" else json.dumps(one)[1:-1] for one in text)
    typer.echo(text)

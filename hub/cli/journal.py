"""`hub journal`: what waits for the history, looked at and repaired without a hub."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hub.cli.calls import show_json, store_of
from hub.cli.devices import Json
from hub.cli.tables import Column, show_table
from hub.errors import StoreError

if TYPE_CHECKING:
    from hub.config import Config
    from hub.history.journal.damage import Damage, Looked
    from hub.history.journal.reading import HistoryState
    from hub.history.journal.repair import RepairPlan

journal_app = typer.Typer(
    no_args_is_help=True, help="What is on disk and not in the history yet: look at it, and repair it."
)


@journal_app.command("check")
def check(context: typer.Context, as_json: Json = False) -> None:
    """Look at the journal's files, and say all that is wrong. It changes nothing, also while a hub runs.

    The exit code is 1 where a hub would refuse the journal.
    """
    from hub.history.journal.damage import damage_of, described, look
    from hub.history.journal.journal import REPAIRED

    config = store_of(context)
    state, unknown = _state(config)
    found = look(config.journal_dir, state)
    is_cut_short = (config.journal_dir / REPAIRED).exists()
    if as_json:
        show_json(
            {
                "folder": str(config.journal_dir),
                "history_has": state and state.batches,
                "repair_cut_short": is_cut_short,
                "files": list(described(found)),
            }
        )
    else:
        _show(config, found, state, unknown)
        if is_cut_short:
            typer.echo("A repair was cut short: `hub journal repair` goes on with it.")
    if damage_of(found) or is_cut_short:
        raise typer.Exit(1)


@journal_app.command("repair")
def repair(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask first.")] = False,
) -> None:
    """Save what can be saved of a damaged journal, so that the hub starts. The hub must not be running.

    The files as they are stay in a folder beside it, whose name says when.
    """
    from hub.history.duckdb.state import looked_at
    from hub.history.journal import repair as repairing
    from hub.history.journal.journal import claimed

    config = store_of(context)
    folder = config.journal_dir
    with looked_at(config.data_dir / "history.duckdb") as state, claimed(folder):
        wanted = repairing.plan(folder, state)
        if not (wanted.faults or wanted.is_begun):
            typer.echo(f"the journal at {folder} is in order; nothing was changed")
            return
        _tell(wanted)
        if not yes:
            typer.confirm("Go on?", abort=True, err=True)
        aside = repairing.repair(folder, state, wanted, datetime.now(UTC))
    typer.echo(
        f"repaired. The files as they were are in {aside}" if aside else "the repair that was begun is done"
    )


def _state(config: Config) -> tuple[HistoryState | None, str]:
    """What the history says, or why it says nothing."""
    from hub.history.duckdb.state import looked_at

    try:
        with looked_at(config.data_dir / "history.duckdb") as state:
            return state, ""
    except StoreError as error:
        return None, str(error)


def _show(config: Config, found: list[Looked], state: HistoryState | None, unknown: str) -> None:
    columns = (
        Column("file", whole=True),
        Column("batches", whole=True),
        Column("readings"),
        Column("bytes"),
        Column("at its end"),
    )
    rows = [
        (
            one.path.name,
            _batches([(one.kept[0].record.number, one.kept[-1].record.number)] if one.kept else []),
            str(sum(kept.readings for kept in one.kept)),
            str(one.bytes),
            _unfinished(one),
        )
        for one in found
    ]
    typer.echo(f"{config.journal_dir}:")
    show_table(columns, rows, "It is empty: nothing waits for the history.")
    if state:
        typer.echo(f"The history has all up to batch {state.batches}.")
    else:
        typer.echo(f"How much of it the history has is not known: {unknown}")
    if any(one.unfinished for one in found):
        typer.echo(
            "What is unfinished at the very end is what a hub was writing when it was killed, or is writing"
            " now. It was not acknowledged, and is no damage."
        )
    faults = [fault for one in found for fault in one.faults]
    for fault in faults:
        typer.echo(_line(fault))
    if faults:
        typer.echo("`hub journal repair` saves all that checks; docs/operating.md says more.")


def _unfinished(one: Looked) -> str:
    if one.unfinished is None:
        return ""
    size = one.unfinished.end - one.unfinished.offset
    return f"{size} bytes unfinished, from byte {one.unfinished.offset}"


def _batches(numbers: Sequence[tuple[int, int]]) -> str:
    """By number, from and to: "3, 5 to 7"."""
    return ", ".join(f"{a} to {b}" if b > a else str(a) for a, b in numbers) or "none"


def _line(fault: Damage) -> str:
    size = f" ({fault.bytes} bytes)" if fault.bytes else ""
    return f"{fault.path}, byte {fault.offset}{size}: {fault.why}"


def _tell(wanted: RepairPlan) -> None:
    if wanted.is_begun:
        typer.echo("A repair was cut short. What it has saved takes the damaged files' place now.")
        return
    for fault in wanted.faults:
        typer.echo(_line(fault))
    batches, readings = len(wanted.saved), sum(kept.readings for kept in wanted.saved)
    typer.echo(f"Saved: {batches} batches with {readings} readings that the history does not have.")
    typer.echo(
        f"Lost batches: {_batches(wanted.lost)}; {wanted.damaged_bytes} bytes do not check."
        + (" There may have been more behind the last one that is saved." if wanted.end_is_lost else "")
    )

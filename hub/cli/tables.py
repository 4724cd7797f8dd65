"""Tables for people: at any width, times and ids stay in one piece, so that they can be read and copied.

rich is imported where a table is shown: a hub that runs shows none.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import typer

GAP = 2  # between columns
TEXT_WIDTH_MIN = 8  # a column of texts is folded, but not to less than this
MINUTE_WIDTH = 16  # of a time to the minute


@dataclass(frozen=True)
class Column:
    """A column of texts, folded where the terminal is narrow, to `least` at least; or of ids or times, which
    stay `whole`.
    """

    title: str
    whole: bool = False
    least: int = TEXT_WIDTH_MIN


def plain(text: str, kept: str = "") -> str:
    """The text with its control characters written out, except those that are `kept`: what a device or a
    stranger names could move the terminal's cursor, fill its clipboard, or look like another line.
    """
    if text.isprintable():
        return text
    shown = (one if one.isprintable() or one in kept else ascii(one)[1:-1] for one in text)
    return "".join(shown)


def show_line(text: str, *, err: bool = False) -> None:
    """Print one line for a person."""
    typer.echo(plain(text), err=err)


def show_table(columns: Sequence[Column], rows: Sequence[tuple[str, ...]], empty: str) -> None:
    """Print for a person to read; `empty` says what to do when there is nothing to show.

    It is as wide as the terminal, and where nobody reads at a terminal as wide as its longest row.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not rows:
        console.print(empty, markup=False)
        return
    rows = [tuple(map(plain, row)) for row in rows]
    longest = [max(map(cell_len, cells)) for cells in zip((one.title for one in columns), *rows, strict=True)]
    if console.is_terminal or "COLUMNS" in os.environ:
        widths = _widths(columns, longest, console.width)
    else:
        widths = longest
    console.width = max(console.width, _width(widths))  # ids too long for the terminal are broken by it
    table = Table(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column.title, overflow="fold", no_wrap=column.whole, width=width)
    for row in rows:
        table.add_row(*map(Text, row))  # as it is: a name may have brackets, which rich takes for styles
    console.print(table)


def _widths(columns: Sequence[Column], longest: Sequence[int], room: int) -> list[int]:
    """How wide each column is: what it needs at least, and the narrowest first get what is left of `room`."""
    widths = [
        width if column.whole else min(width, column.least)
        for column, width in zip(columns, longest, strict=True)
    ]
    for _ in range(room - _width(widths)):
        growing = [index for index, width in enumerate(widths) if width < longest[index]]
        if not growing:
            break
        widths[min(growing, key=widths.__getitem__)] += 1
    return widths


def _width(columns: Sequence[int]) -> int:
    return sum(columns) + GAP * (len(columns) - 1)


def minute(rfc3339: str | None, otherwise: str) -> str:
    """A time to the minute, for tables with several of them."""
    return rfc3339[:16].replace("T", " ") if rfc3339 else otherwise

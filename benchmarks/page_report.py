"""The page's figures beside their budget."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from benchmarks.page_browser import Cost

KIB = 1024


class Row(NamedTuple):
    """One figure: how it is shown, and the most it may be; None where nothing was set."""

    title: str
    of: Callable[[Cost], float]
    shown: Callable[[float], str]
    most: float | None


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _ms(ms: float) -> str:
    return f"{ms:,.0f} ms"


def _kib(size: float) -> str:
    return f"{size / KIB:.1f} KiB"


def _mb(size: float) -> str:
    return f"{size / 1e6:.1f} MB"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


ROWS = (
    Row("script, of one core", lambda cost: cost.script_share, _percent, 0.05),
    Row("main thread busy", lambda cost: cost.busy_share, _percent, None),
    Row("the longest task", lambda cost: cost.longest_task_ms, _ms, 50),
    Row("the longest while it loads", lambda cost: cost.loading_task_ms, _ms, 200),
    Row("JavaScript heap, most seen", lambda cost: cost.heap_bytes, _mb, 10e6),
    Row("rows in the document", lambda cost: cost.rows, _whole, 40),
    Row("first values on the screen", lambda cost: cost.first_value_ms, _ms, 1_000),
    Row("a search's answer on the screen", lambda cost: cost.search_ms, _ms, 100),
    Row("first view, compressed", lambda cost: cost.first_view_bytes, _kib, 60 * KIB),
    Row("all of the page, compressed", lambda cost: cost.page_bytes, _kib, None),
)


def print_costs(costs: Mapping[str, Cost]) -> None:
    """A row a figure, a column a load; what is over its budget is marked."""
    table = Table(title="The page in Chromium without a GPU, on the cores that hub and devices use too")
    table.add_column("")
    table.add_column("budget", justify="right")
    for name in costs:
        table.add_column(name, justify="right")
    for row in ROWS:
        cells = (_cell(row, row.of(cost)) for cost in costs.values())
        table.add_row(row.title, "" if row.most is None else f"≤ {row.shown(row.most)}", *cells)
    Console(width=120).print(table)


def _cell(row: Row, figure: float) -> str:
    over = row.most is not None and figure > row.most
    return row.shown(figure) + (" !" if over else "")

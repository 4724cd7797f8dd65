"""The figures at rest, as a table and as JSON."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import median
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

Figures = dict[str, float | None]  # None: this version has no such setting
NOT_HERE = "not in this version"


class Row(NamedTuple):
    """One line of the table."""

    title: str
    key: str
    places: int  # behind the point


def rows(devices: Sequence[int], intervals_ms: Sequence[int]) -> Iterator[Row]:
    yield Row("idle: % of a core", "idle_percent", 2)
    yield Row("  written (KiB/s)", "idle_written_kib_s", 1)
    yield Row("  memory, resident (MiB)", "rss_mib", 0)
    yield Row("  memory, shared pages divided (MiB)", "pss_mib", 0)
    yield Row("start to ready, no store yet (s)", "start_new_s", 2)
    yield Row("start to ready, with a store (s)", "start_again_s", 2)
    yield Row("  CPU (s)", "start_cpu_s", 2)
    for count in devices:
        yield Row(f"{count} × 1/s: % of a core", f"percent_{count}", 2)
        yield Row("  CPU a reading (µs)", f"cpu_us_{count}", 0)
        yield Row("    of it the main thread (µs)", f"main_us_{count}", 0)
        yield Row("  written (KiB/s)", f"written_kib_s_{count}", 1)
        yield Row("  PUBACK, p50 (ms)", f"p50_ms_{count}", 2)
        yield Row("  PUBACK, p99 (ms)", f"p99_ms_{count}", 2)
    for interval_ms in intervals_ms:
        yield Row(f"commit_interval_ms = {interval_ms}: written (KiB/s)", f"interval_kib_s_{interval_ms}", 1)
    yield Row("PUBACK at 2,000/s, p50 (ms)", "modest_p50_ms", 2)
    yield Row("PUBACK at 2,000/s, p99 (ms)", "modest_p99_ms", 2)


def medians(rounds: Sequence[Figures]) -> Figures:
    """Of each figure that the rounds have."""
    found: Figures = {}
    for key in dict.fromkeys(key for figures in rounds for key in figures):
        values = [value for figures in rounds if (value := figures.get(key)) is not None]
        found[key] = median(values) if values else None
    return found


def print_report(
    found: Mapping[str, Sequence[Figures]], shown: Sequence[Row], ratio: tuple[str, str] | None
) -> None:
    """A column for each measured; `ratio`: and one for how much of the second the first takes."""
    table = Table(
        title="Devices at one reading a second, each at its own moment; medians (lowest to highest)"
    )
    table.add_column("")
    for name in found:
        table.add_column(name, justify="right")
    if ratio is not None:
        table.add_column(f"{ratio[0]} ÷ {ratio[1]}", justify="right")
    for row in shown:
        if any(row.key in figures for rounds in found.values() for figures in rounds):
            cells = [_cell(rounds, row) for rounds in found.values()]
            if ratio is not None:
                cells.append(_ratio(found[ratio[0]], found[ratio[1]], row.key))
            table.add_row(row.title, *cells)
    Console(width=160).print(table)


def _cell(rounds: Sequence[Figures], row: Row) -> str:
    if not any(row.key in figures for figures in rounds):
        return "–"
    values = [value for figures in rounds if (value := figures.get(row.key)) is not None]
    if not values:
        return NOT_HERE
    shown = f"{median(values):,.{row.places}f}"
    spread = f" ({min(values):,.{row.places}f} to {max(values):,.{row.places}f})"
    return shown + spread if len(values) > 1 else shown


def _ratio(these: Sequence[Figures], those: Sequence[Figures], key: str) -> str:
    this, that = medians(these).get(key), medians(those).get(key)
    return f"{this / that:.2f}" if this is not None and that else "–"

"""The live figures, as a table and as JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Taken(NamedTuple):
    """What a saturated hub takes in."""

    readings_per_s: float
    loop_us: float  # processor time of the event loop's thread, a reading


@dataclass
class Figures:
    """What one subject did."""

    subject: str
    # offered/s: delivered/s, left out
    saturated: dict[int, tuple[float, float]] = field(default_factory=dict)
    delays: dict[int, dict[str, float]] = field(default_factory=dict)  # by viewers
    idle_viewers: dict[int, float] = field(default_factory=dict)  # bytes of each, by how many
    idle_devices: dict[int, float] = field(default_factory=dict)
    ingest: tuple[Taken, Taken] | None = None  # alone and watched


def print_figures(found: Sequence[Figures], file: Path | None) -> None:
    """A row a figure, a column a subject."""
    if not found:
        return
    table = Table(title="Live, viewers, devices and server on the same cores")
    table.add_column("")
    for figures in found:
        stored = "stored" if figures.subject == "hub" else "nothing stored"
        table.add_column(f"{figures.subject}\n{stored}", justify="right")
    for offered in sorted({rate for figures in found for rate in figures.saturated}):
        table.add_row(
            f"delivered/s to 500 viewers, {offered:,}/s sent", *(_delivered(f, offered) for f in found)
        )
    for viewers in sorted({count for figures in found for count in figures.delays}):
        table.add_row(
            f"delay, {viewers:,} viewer{'s' * (viewers > 1)}: p50, p99, max (ms)",
            *(_delay(f, viewers) for f in found),
        )
    for title, name in (("idle viewer", "idle_viewers"), ("idle device", "idle_devices")):
        counts = sorted({count for figures in found for count in getattr(figures, name)})
        for count in counts:
            cells = (getattr(figures, name).get(count) for figures in found)
            table.add_row(f"{title}, {count:,} of them: KiB", *(_kib(cell) for cell in cells))
    if any(figures.ingest for figures in found):
        table.add_row("ingest/s alone → with 500 viewers", *(_ingest(figures) for figures in found))
        table.add_row("  the loop's CPU a reading (µs)", *(_loop_us(figures) for figures in found))
    Console(width=160).print(table)
    if file is not None:
        file.write_text(json.dumps([asdict(figures) for figures in found], indent=2) + "\n")


def _delivered(figures: Figures, offered: int) -> str:
    if offered not in figures.saturated:
        return "–"
    rate, left_out = figures.saturated[offered]
    return f"{rate:,.0f}" + (f" ({left_out:.0%} left out)" if left_out > 0 else "")


def _delay(figures: Figures, viewers: int) -> str:
    found = figures.delays.get(viewers)
    if found is None:
        return "–"
    if "p50_ms" not in found:
        return "no reading was seen"
    return f"{found['p50_ms']:.1f}, {found['p99_ms']:.1f}, {found['max_ms']:.0f}"


def _kib(found: float | None) -> str:
    return "–" if found is None else f"{found / 1024:.1f}"


def _ingest(figures: Figures) -> str:
    if figures.ingest is None:
        return "–"
    alone, watched = (taken.readings_per_s for taken in figures.ingest)
    return f"{alone:,.0f} → {watched:,.0f} ({watched / alone:.2f})"


def _loop_us(figures: Figures) -> str:
    if figures.ingest is None:
        return "–"
    alone, watched = (taken.loop_us for taken in figures.ingest)
    return f"{alone:.2f} → {watched:.2f} ({alone / watched:.2f})"

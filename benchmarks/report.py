"""The figures of the rounds, as a table and as JSON."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from statistics import median

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Round:
    """What one subject did in one round."""

    subject: str
    readings_per_s: (
        float  # hub: acknowledged, and so stored; relay: taken in, at the rate at which that is most
    )
    values_per_s: float
    server_cpu_us: float  # a reading, all its processes and threads
    loop_cpu_us: float  # a reading, its event loop's thread alone
    load_cpu_us: float  # a reading, the publishers
    full_p50_ms: float  # publish to PUBACK, at that rate
    full_p99_ms: float
    modest_p50_ms: float  # at 2,000 readings/s
    modest_p99_ms: float
    rss_mib: float
    acknowledged: int
    stored: int | None  # None: it stores nothing


ROWS: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("readings/s", "readings_per_s", lambda n: f"{n:,.0f}"),
    ("values/s", "values_per_s", lambda n: f"{n:,.0f}"),
    ("CPU a reading, server (µs)", "server_cpu_us", lambda n: f"{n:.2f}"),
    ("  of it the event loop (µs)", "loop_cpu_us", lambda n: f"{n:.2f}"),
    ("CPU a reading, load (µs)", "load_cpu_us", lambda n: f"{n:.2f}"),
    ("PUBACK at that rate, p50 (ms)", "full_p50_ms", lambda n: f"{n:.1f}"),
    ("PUBACK at that rate, p99 (ms)", "full_p99_ms", lambda n: f"{n:.1f}"),
    ("PUBACK at 2,000/s, p50 (ms)", "modest_p50_ms", lambda n: f"{n:.2f}"),
    ("PUBACK at 2,000/s, p99 (ms)", "modest_p99_ms", lambda n: f"{n:.2f}"),
    ("memory, resident (MiB)", "rss_mib", lambda n: f"{n:.0f}"),
    ("acknowledged", "acknowledged", lambda n: f"{n:,.0f}"),
)


def _medians(rounds: Sequence[Round], subject: str) -> dict[str, float]:
    mine = [asdict(r) for r in rounds if r.subject == subject]
    return {key: median(r[key] for r in mine) for _, key, _ in ROWS}


def _subjects(rounds: Sequence[Round]) -> list[str]:
    return list(dict.fromkeys(r.subject for r in rounds))


def summary(rounds: Sequence[Round]) -> dict[str, object]:
    """All figures: medians by subject, the ratio of readings/s, and every round."""
    medians = {subject: _medians(rounds, subject) for subject in _subjects(rounds)}
    return {
        "medians": medians,
        "hub_to_relay": medians["hub"]["readings_per_s"] / medians["relay"]["readings_per_s"]
        if len(medians) == 2
        else None,
        "rounds": [asdict(r) for r in rounds],
    }


def print_report(rounds: Sequence[Round], cores: int) -> None:
    """Medians of the rounds, and how far apart the rounds were."""
    subjects = _subjects(rounds)
    table = Table(title=f"MQTT QoS 1, {cores} cores shared by server and load; medians")
    table.add_column("")
    for subject in subjects:
        table.add_column("hub, stored" if subject == "hub" else "relay, nothing stored", justify="right")
    medians = {subject: _medians(rounds, subject) for subject in subjects}
    for title, key, shown in ROWS:
        table.add_row(title, *(shown(medians[subject][key]) for subject in subjects))
    table.add_row("rounds, readings/s", *(_spread(rounds, subject) for subject in subjects))
    table.add_row("acknowledged and stored", *(_kept(rounds, subject) for subject in subjects))
    console = Console()
    console.print(table)
    if len(subjects) == 2:
        ratio = medians["hub"]["readings_per_s"] / medians["relay"]["readings_per_s"]
        console.print(f"The hub stores {ratio:.1f} readings for each that the relay passes on.")


def _spread(rounds: Sequence[Round], subject: str) -> str:
    rates = [r.readings_per_s for r in rounds if r.subject == subject]
    return f"{min(rates):,.0f} to {max(rates):,.0f}"


def _kept(rounds: Sequence[Round], subject: str) -> str:
    stored = [r for r in rounds if r.subject == subject and r.stored is not None]
    if not stored:
        return "–"
    lost = sum(r.acknowledged - (r.stored or 0) for r in stored)
    return "the same count" if all(r.acknowledged == r.stored for r in stored) else f"{lost:+,} apart"

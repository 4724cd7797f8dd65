"""`python -m benchmarks`: durable readings/s of the hub, beside a relay that stores nothing. See README.md."""

import argparse
import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import uvloop

from benchmarks.report import Round, print_report, summary
from benchmarks.subjects import Hub, Relay, Subject, run_load

VALUES_PER_READING = 2
MODEST_RATE = 2_000.0
PROFILE_LINES = 40


async def measure(subject: Subject, folder: Path, options: argparse.Namespace) -> Round:
    """One round of one subject: at saturation, then at a modest rate; and whether it kept what it acknowledged."""
    before = subject.use()
    load = ("--window", str(options.window), "--seconds", str(options.seconds))
    full = await run_load(subject, folder, *load)
    after = subject.use()
    taken_in = await subject.taken() if isinstance(subject, Relay) else 0
    modest = await run_load(subject, folder, *load, "--rate", str(MODEST_RATE))
    acknowledged = int(full["acknowledged"] + modest["acknowledged"])
    if isinstance(subject, Hub):
        stored: int | None = await subject.taken()
        rate = full["measured"] / full["measured_s"]
        handled = full["acknowledged"]
    else:
        stored = None
        rate = taken_in / full["sending_s"]
        handled = max(1, taken_in)
    return Round(
        subject=subject.name,
        readings_per_s=rate,
        values_per_s=rate * VALUES_PER_READING,
        server_cpu_us=(after.cpu_s - before.cpu_s) / handled * 1e6,
        loop_cpu_us=(after.main_thread_cpu_s - before.main_thread_cpu_s) / handled * 1e6,
        load_cpu_us=full["cpu_s"] / full["acknowledged"] * 1e6,
        full_p50_ms=full["p50_ms"],
        full_p99_ms=full["p99_ms"],
        modest_p50_ms=modest["p50_ms"],
        modest_p99_ms=modest["p99_ms"],
        rss_mib=after.rss_bytes / 2**20,
        acknowledged=acknowledged,
        stored=stored,
    )


@asynccontextmanager
async def started(subject: Subject) -> AsyncIterator[Subject]:
    try:
        await subject.start()
        if isinstance(subject, Relay):
            async with subject.viewed():
                yield subject
        else:
            yield subject
    finally:
        await subject.stop()


async def one_round(kind: str, options: argparse.Namespace) -> Round:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        subject = Relay(folder, options.connections) if kind == "relay" else Hub(folder, options.connections)
        async with started(subject):
            return await measure(subject, folder, options)


async def profile(options: argparse.Namespace) -> None:
    """Where the hub's event loop spends its time: the same load, under cProfile (which makes calls look dearer)."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        hub = Hub(folder, options.connections, profile=True)
        async with started(hub):
            await run_load(hub, folder, "--window", str(options.window), "--seconds", str(options.seconds))
        hub.print_profile(PROFILE_LINES)


async def bench(options: argparse.Namespace) -> None:
    rounds = []
    for place in range(options.rounds):
        for kind in ("hub", "relay"):
            if kind == options.without:
                continue
            print(f"round {place + 1} of {options.rounds}: {kind} …", flush=True)
            rounds.append(await one_round(kind, options))
    print_report(rounds, psutil.cpu_count() or 1)
    if options.json is not None:
        options.json.write_text(json.dumps(summary(rounds), indent=2) + "\n")
    if any(r.stored is not None and r.stored != r.acknowledged for r in rounds):
        raise SystemExit("the hub does not hold exactly the readings that it acknowledged")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="of each, in turn")
    parser.add_argument("--seconds", type=float, default=4.0, help="measured, after one second to warm up")
    parser.add_argument("--connections", type=int, default=50)
    parser.add_argument("--window", type=int, default=500, help="unacknowledged messages, a connection")
    parser.add_argument("--without", choices=("hub", "relay"), help="leave one out")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument("--profile", action="store_true", help="say instead where the hub's time goes")
    options = parser.parse_args()
    uvloop.run(profile(options) if options.profile else bench(options))


if __name__ == "__main__":
    main()

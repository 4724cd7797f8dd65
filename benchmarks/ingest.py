"""`python -m benchmarks.ingest`: durable readings/s of the hub, beside a relay that stores nothing. See
README.md.
"""

import argparse
import json
import tempfile
from pathlib import Path

import psutil
import uvloop

from benchmarks.processes import Use
from benchmarks.report import Round, print_report, summary
from benchmarks.subjects import Hub, Relay, Subject, run_load

VALUES_PER_READING = 2
MODEST_RATE = 2_000.0
RELAY_RATES = (16_000.0, 24_000.0, 0.0)  # readings/s offered to the relay; 0: as many as its broker takes
PROFILE_LINES = 40


async def measure_hub(hub: Hub, folder: Path, options: argparse.Namespace) -> Round:
    """At saturation, then at a modest rate; and whether it kept what it acknowledged."""
    load = ("--window", str(options.window), "--seconds", str(options.seconds))
    before = hub.use()
    full = await run_load(hub, folder, *load)
    after = hub.use()
    modest = await run_load(hub, folder, *load, "--rate", str(MODEST_RATE))
    return make_round(
        hub,
        full,
        modest,
        before,
        after,
        rate=full["measured"] / full["measured_s"],
        handled=full["acknowledged"],
        stored=await hub.taken(),
    )


async def measure_relay(relay: Relay, folder: Path, options: argparse.Namespace) -> Round:
    """The same, at the rate at which it takes in most: under more its broker takes the processor from it."""
    steps = []
    load = ("--window", str(options.window), "--seconds", str(options.seconds / 2))
    for offered in RELAY_RATES:
        before, taken = relay.use(), await relay.taken()
        full = await run_load(relay, folder, *load, "--rate", str(offered))
        handled = await relay.taken() - taken
        steps.append((handled / full["sending_s"], handled, full, before, relay.use()))
        await relay.idle()
    modest = await run_load(relay, folder, *load, "--rate", str(MODEST_RATE))
    rate, handled, full, before, after = max(steps, key=lambda step: step[0])
    return make_round(relay, full, modest, before, after, rate=rate, handled=handled, stored=None)


def make_round(
    subject: Subject,
    full: dict[str, float],
    modest: dict[str, float],
    before: Use,
    after: Use,
    *,
    rate: float,
    handled: float,
    stored: int | None,
) -> Round:
    return Round(
        subject=subject.name,
        readings_per_s=rate,
        values_per_s=rate * VALUES_PER_READING,
        server_cpu_us=(after.cpu_s - before.cpu_s) / max(1, handled) * 1e6,
        loop_cpu_us=(after.main_thread_cpu_s - before.main_thread_cpu_s) / max(1, handled) * 1e6,
        load_cpu_us=full["cpu_s"] / full["acknowledged"] * 1e6,
        full_p50_ms=full["p50_ms"],
        full_p99_ms=full["p99_ms"],
        modest_p50_ms=modest["p50_ms"],
        modest_p99_ms=modest["p99_ms"],
        rss_mib=after.rss_bytes / 2**20,
        acknowledged=int(full["acknowledged"] + modest["acknowledged"]),
        stored=stored,
    )


async def one_round(kind: str, options: argparse.Namespace) -> Round:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if kind == "hub":
            async with Hub(folder, options.connections) as hub:
                return await measure_hub(hub, folder, options)
        async with Relay(folder, options.connections) as relay, relay.viewed():
            return await measure_relay(relay, folder, options)


async def profile(options: argparse.Namespace) -> None:
    """Where the hub's event loop spends its time: the same load, under cProfile (which makes calls look
    dearer).
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        async with Hub(folder, options.connections, profile=True) as hub:
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
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
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

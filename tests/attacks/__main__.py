"""`python -m tests.attacks`, or `make attack`: each attack at full size, and how late a healthy pair was."""

import argparse
import asyncio
import os
import tempfile
from pathlib import Path

import psutil

from tests.attacks.attackers import ATTACKS, Target
from tests.attacks.healthy import attacked
from tests.hub_process import HubProcess

CALM_S = 3.0
PAIR_NICE, HUB_NICE = -20, -10
HEAD = ("attack", "calm p99", "ack p50", "ack p99", "viewer p99", "lost", "processor", "memory", "log")
MIB = 1_048_576


def main() -> None:
    """Run them one after another, each on a hub of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument(
        "attacks", nargs="*", default=list(ATTACKS), metavar="ATTACK", help=", ".join(ATTACKS)
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each attack")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is full size")
    parser.add_argument(
        "--apart",
        action="store_true",
        help="the pair has the processors before the hub, and both before the attacker, as if that were on "
        "another machine; takes root",
    )
    asked = parser.parse_args()
    if asked.apart:
        os.setpriority(os.PRIO_PROCESS, 0, PAIR_NICE)
    print(row(HEAD), flush=True)
    for attack in asked.attacks:
        with tempfile.TemporaryDirectory(prefix="hub-attack-") as folder:
            print(row(tried(attack, Path(folder), asked.seconds, asked.scale, apart=asked.apart)), flush=True)
    print(
        "\nms after a reading was sent, 50 readings a second; processor time, memory and log are the hub's."
    )


def tried(attack: str, folder: Path, seconds: float, scale: float, *, apart: bool) -> tuple[str, ...]:
    """A row of the table."""
    hub = HubProcess(folder / "data").start()
    process = psutil.Process(hub.pid)
    try:
        if apart:
            process.nice(HUB_NICE)
        key = hub.add_device("attacker")
        target = Target(attack, hub.url, hub.mqtt_port, key, hub.token(), seconds + 5, scale)
        lost = "none"
        try:
            calm, beside = asyncio.run(attacked(hub, target, CALM_S, seconds, nice=0 if apart else None))
        except (TimeoutError, AssertionError, ConnectionError, ExceptionGroup) as error:
            return (attack, *[""] * 4, f"yes: {error!r}"[:60])
        memory = process.memory_info().rss / MIB
        figures = (calm.ack_p99, beside.ack_p50, beside.ack_p99, beside.seen_p99)
        log = f"{hub.log_path.stat().st_size / 1024:.0f} KiB"
        spent = sum(process.cpu_times()[:2])
        return (
            attack,
            *(f"{one:.0f} ms" for one in figures),
            lost,
            f"{spent:.1f} s",
            f"{memory:.0f} MiB",
            log,
        )
    finally:
        hub.stop()


def row(cells: tuple[str, ...]) -> str:
    """One line."""
    return f"{cells[0]:18} " + " ".join(f"{cell:>11}" for cell in cells[1:])


if __name__ == "__main__":
    main()

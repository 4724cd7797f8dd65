"""`python -m tests.attacks`, or `make attack`: each attack at full size, and how late a healthy pair was."""

import argparse
import asyncio
import tempfile
from pathlib import Path

import psutil

from tests.attacks.attackers import ATTACKS, Target
from tests.attacks.healthy import attacked
from tests.hub_process import HubProcess

CALM_S = 3.0
HEAD = ("attack", "calm p99", "ack p50", "ack p99", "viewer p99", "lost", "memory", "log")
MIB = 1_048_576


def main() -> None:
    """Run them one after another, each on a hub of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument(
        "attacks", nargs="*", default=list(ATTACKS), metavar="ATTACK", help=", ".join(ATTACKS)
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="of each attack")
    parser.add_argument("--scale", type=float, default=1.0, help="1.0 is full size")
    asked = parser.parse_args()
    print(row(HEAD), flush=True)
    for attack in asked.attacks:
        with tempfile.TemporaryDirectory(prefix="hub-attack-") as folder:
            print(row(tried(attack, Path(folder), asked.seconds, asked.scale)), flush=True)
    print("\nms after a reading was sent, 50 readings a second; memory and log are the hub's.")


def tried(attack: str, folder: Path, seconds: float, scale: float) -> tuple[str, ...]:
    """A row of the table."""
    hub = HubProcess(folder / "data").start()
    try:
        key = hub.add_device("attacker")
        target = Target(attack, hub.url, hub.mqtt_port, key, hub.token(), seconds + 5, scale)
        lost = "none"
        try:
            calm, beside = asyncio.run(attacked(hub, target, CALM_S, seconds))
        except (TimeoutError, AssertionError, ConnectionError, ExceptionGroup) as error:
            return (attack, *[""] * 4, f"yes: {error!r}"[:60])
        memory = psutil.Process(hub.pid).memory_info().rss / MIB
        figures = (calm.ack_p99, beside.ack_p50, beside.ack_p99, beside.seen_p99)
        log = f"{hub.log_path.stat().st_size / 1024:.0f} KiB"
        return (attack, *(f"{one:.0f} ms" for one in figures), lost, f"{memory:.0f} MiB", log)
    finally:
        hub.stop()


def row(cells: tuple[str, ...]) -> str:
    """One line."""
    return f"{cells[0]:18} " + " ".join(f"{cell:>11}" for cell in cells[1:])


if __name__ == "__main__":
    main()

"""`python -m tests.attacks.turns`: for how long at most the hub's loop works without looking at its sockets.

In processor time, so what else runs on the machine, the attacker too, hardly counts: it is what the hub
itself takes from those who are connected, whereas `make attack` tells how late they are in all. The loop is
asyncio's own, which is slower than the one that the hub uses.
"""

import argparse
import asyncio
import selectors
import tempfile
import time
from collections.abc import Coroutine
from pathlib import Path

from tests.attacks.attackers import ATTACKS, Target
from tests.attacks.healthy import attacked, percentile
from tests.hub_thread import HubThread

CALM_S = 1.0
LONG_S = 0.02  # a turn that is over this counts as a long one


class TimedSelector(selectors.EpollSelector):
    """Notes how much processor time the loop's thread used between two looks at its sockets."""

    def __init__(self) -> None:
        super().__init__()
        self.turns_s: list[float] = []
        self._looked_at_s = time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """A turn is over; the next one begins when this returns."""
        self.turns_s.append(time.thread_time() - self._looked_at_s)
        found = super().select(timeout)
        self._looked_at_s = time.thread_time()
        return found


class TimedHub(HubThread):
    """A hub whose turns are timed."""

    def run_loop(self, work: Coroutine[object, object, None]) -> None:
        """On a loop with the timed selector."""
        self.selector = TimedSelector()
        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(self.selector)) as runner:
            runner.run(work)


def main() -> None:
    """Try them one after another, each on a hub of its own."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks.turns", description=__doc__)
    parser.add_argument("attacks", nargs="*", default=list(ATTACKS), metavar="ATTACK")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each attack")
    asked = parser.parse_args()
    print(f"{'attack':18} {'turns':>8} {'p50':>9} {'p99':>9} {'longest':>9} {'over 20 ms':>11}", flush=True)
    for attack in asked.attacks:
        with tempfile.TemporaryDirectory(prefix="hub-attack-") as folder:
            turns_s = tried(attack, Path(folder), asked.seconds)
        shown = [percentile(turns_s, percent) for percent in (50, 99, 100)]
        long_ones = sum(turn_s > LONG_S for turn_s in turns_s)
        figures = " ".join(f"{one:>6.1f} ms" for one in shown)
        print(f"{attack:18} {len(turns_s):>8} {figures} {long_ones:>11}", flush=True)


def tried(attack: str, folder: Path, seconds: float) -> list[float]:
    """The hub's turns beside the attack, those too in which all of the attacker's connections end."""
    hub = TimedHub(folder / "data")
    hub.start()
    try:
        key = hub.add_device("attacker")
        target = Target(attack, hub.url, hub.mqtt_port, key, hub.token(), seconds + 5, 1.0)
        hub.selector.turns_s.clear()
        asyncio.run(attacked(hub, target, CALM_S, seconds))
        return sorted(hub.selector.turns_s)
    finally:
        hub.stop()


if __name__ == "__main__":
    main()

"""`python -m benchmarks.newcomers`: many devices send their first reading at once, beside one that has long
been there.

Each newcomer is connected already, and publishes one reading of four metrics that the hub has never seen of
it. It prints how long it took from the first of them until the last was acknowledged, and how long the old
device waited for its own acknowledgements meanwhile. It fails when one does not come.
"""

import argparse
import json
import select
import socket
import tempfile
import time
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import uvloop

from benchmarks.load import Target, connect_packet, publish_packet
from benchmarks.subjects import Hub

CONNACK = b"\x20\x02\x00\x00"
OLD_EVERY_S = 0.01
CALM_S = 1.0
DEADLINE_S = 300.0
FIRST = b'{"temperature":20.5,"humidity":40.25,"pressure":1013.2,"battery":3.3}'
USUAL = b'{"temperature":20.5,"humidity":40.25}'


class Figures(NamedTuple):
    """In seconds and milliseconds."""

    last_acknowledged_s: float
    newcomer_p50_ms: float
    newcomer_p99_ms: float
    old_calm_p99_ms: float
    old_p50_ms: float
    old_p99_ms: float
    old_max_ms: float


class OldDevice:
    """Publishes every OLD_EVERY_S, whether or not the last one was acknowledged."""

    def __init__(self, connection: socket.socket, topic: str) -> None:
        self.socket = connection
        self._topic = topic
        self._due_s = time.perf_counter()
        self._sent_s: dict[int, float] = {}
        self._next_id = 1
        self.waits_s: list[float] = []

    def send(self, now_s: float) -> None:
        while now_s >= self._due_s:
            self.socket.sendall(publish_packet(self._topic, self._next_id, USUAL))
            self._sent_s[self._next_id] = now_s
            self._next_id = self._next_id % 65_535 + 1
            self._due_s += OLD_EVERY_S

    def read(self, now_s: float) -> None:
        answer = self.socket.recv(65_536)
        for start in range(0, len(answer), 4):
            self.waits_s.append(now_s - self._sent_s.pop(int.from_bytes(answer[start + 2 : start + 4])))

    def drive_until(self, poll: select.epoll, end_s: float) -> None:
        """Alone, with nobody beside it."""
        while (now_s := time.perf_counter()) < end_s:
            self.send(now_s)
            if poll.poll(OLD_EVERY_S / 2):
                self.read(time.perf_counter())


def connect(port: int, target: Target) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), 30.0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(connect_packet(target))
    if connection.recv(4) != CONNACK:
        raise SystemExit(f"{target.client_id}: the hub does not accept the connection")
    return connection


def arrive(port: int, targets: list[Target], within_s: float) -> Figures:
    """The first target is the old device's."""
    old = OldDevice(connect(port, targets[0]), targets[0].topic)
    newcomers = [connect(port, target) for target in targets[1:]]
    poll = select.epoll()
    poll.register(old.socket, select.EPOLLIN)
    old.drive_until(poll, time.perf_counter() + CALM_S)
    calm, old.waits_s = old.waits_s, []
    for connection in newcomers:
        poll.register(connection, select.EPOLLIN)
    places = {connection.fileno(): place for place, connection in enumerate(newcomers)}
    sent_s: list[float] = []
    waits_s: list[float] = []
    began_s = time.perf_counter()
    while len(waits_s) < len(newcomers):
        now_s = time.perf_counter()
        old.send(now_s)
        due = round(len(newcomers) * min(1.0, (now_s - began_s) / within_s)) if within_s else len(newcomers)
        for place in range(len(sent_s), due):
            newcomers[place].sendall(publish_packet(targets[place + 1].topic, 1, FIRST))
            sent_s.append(now_s)
        for number, _ in poll.poll(0.001):
            at_s = time.perf_counter()
            if number == old.socket.fileno():
                old.read(at_s)
            elif newcomers[places[number]].recv(4) == b"\x40\x02\x00\x01":
                waits_s.append(at_s - sent_s[places[number]])
            else:
                raise SystemExit("not the acknowledgement expected")
        if now_s - began_s > DEADLINE_S:
            raise SystemExit(f"{len(newcomers) - len(waits_s)} without an acknowledgement")
    last_s = time.perf_counter() - began_s
    for connection in (old.socket, *newcomers):
        connection.close()
    return Figures(
        last_s,
        _percentile_ms(waits_s, 50),
        _percentile_ms(waits_s, 99),
        _percentile_ms(calm, 99),
        _percentile_ms(old.waits_s, 50),
        _percentile_ms(old.waits_s, 99),
        1000 * max(old.waits_s),
    )


def _percentile_ms(waits_s: list[float], percent: int) -> float:
    return 1000 * quantiles(waits_s, n=100, method="inclusive")[percent - 1]


async def bench(options: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        async with Hub(Path(name), options.devices + 1, profile=options.profile) as hub:
            figures = arrive(hub.port, hub.targets, options.within)
        if options.profile:
            hub.print_profile(40)
        return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.newcomers", description=__doc__)
    parser.add_argument("--devices", type=int, default=5_000, help="that send their first reading")
    parser.add_argument("--within", type=float, default=1.0, help="seconds; 0: as fast as they go")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    parser.add_argument(
        "--profile", action="store_true", help="say where the hub's event loop spends its time"
    )
    options = parser.parse_args()
    figures = uvloop.run(bench(options))
    for field, value in figures._asdict().items():
        print(f"{field:22} {value:10,.2f}")
    if options.json is not None:
        options.json.write_text(json.dumps(figures._asdict(), indent=2) + "\n")


if __name__ == "__main__":
    main()

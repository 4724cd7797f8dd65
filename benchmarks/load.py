"""Publishers as cheap as Python can have them, so that the figures are the server's: `python -m
benchmarks.load`.

One thread, plain sockets, one epoll. Each connection holds one ring of packets encoded beforehand, all of one
size, so that sending the next k messages is one slice and one system call; and the acknowledgements expected
for them, so that checking k of them, their order included, is one comparison. MQTT 3.1.1, QoS 1.
"""

import argparse
import json
import random
import resource
import select
import socket
import struct
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import Use

PUBACK_BYTES = 4
PERIOD_S = 0.001  # of the paced load's timer
CONNECT_TIMEOUT_S = 10.0
DRAIN_TIMEOUT_S = 30.0
READ_BYTES = 65_536


class Target(NamedTuple):
    """Whom one connection speaks for."""

    client_id: str
    username: str
    topic: str


@dataclass(slots=True)
class Result:
    """What came of it. Delays from handing a message to the kernel to reading its acknowledgement."""

    acknowledged: int = 0  # in all, warm-up and rest included
    measured: int = 0  # acknowledged in the measured window
    measured_s: float = 0.0
    sending_s: float = 0.0  # warm-up and window
    cpu_s: float = 0.0
    watched: dict[str, float] = field(default_factory=dict)  # what others used in the measured window
    delays: list[tuple[float, int]] = field(default_factory=list)  # (s, messages)

    def percentile(self, share: float) -> float:
        """The delay in ms that this share of the messages did not exceed."""
        wanted = share * sum(count for _, count in self.delays)
        for delay_s, count in sorted(self.delays):
            wanted -= count
            if wanted <= 0:
                return delay_s * 1000
        return 0.0

    def as_json(self) -> str:
        """For the process that asked."""
        return json.dumps(
            {
                "acknowledged": self.acknowledged,
                "measured": self.measured,
                "measured_s": self.measured_s,
                "sending_s": self.sending_s,
                "cpu_s": self.cpu_s,
                **self.watched,
                "p50_ms": self.percentile(0.50),
                "p99_ms": self.percentile(0.99),
            }
        )


class Publisher:
    """One connection, with at most `window` messages not acknowledged."""

    def __init__(self, host: str, port: int, target: Target, window: int, seed: int) -> None:
        self._window = window
        self._size = window * 4  # packets in the ring: packet identifiers come again long after they are free
        packets = [_publish(target.topic, n + 1, seed + n) for n in range(self._size)]
        self._length = len(packets[0])
        # Each ring twice, so that a slice from any place in the first half never has to be put together.
        self._packets = memoryview(b"".join(packets) * 2)
        self._expected = b"".join(struct.pack("!BBH", 0x40, 2, n + 1) for n in range(self._size)) * 2
        self._unsent = memoryview(b"")
        self._rest = b""  # of an acknowledgement cut in two
        self._sent_at: deque[tuple[int, float]] = deque()  # (messages sent up to then, when)
        self.sent = 0
        self.acknowledged = 0
        self.socket = socket.create_connection((host, port), CONNECT_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(connect_packet(target))
        answer = self.socket.recv(4)
        if answer != b"\x20\x02\x00\x00":
            raise SystemExit(f"{target.client_id}: the server does not accept the connection: {answer.hex()}")
        self.socket.setblocking(False)

    @property
    def waiting(self) -> int:
        """Messages sent and not acknowledged."""
        return self.sent - self.acknowledged

    def send(self, count: int, now_s: float) -> None:
        """Send as many more messages as the window allows, `count` at most."""
        count = min(count, self._window - self.waiting)
        if count > 0 and not self._unsent:
            start = self.sent % self._size
            self._unsent = self._packets[start * self._length : (start + count) * self._length]
            self.sent += count
            self._sent_at.append((self.sent, now_s))
            self.flush()

    def flush(self) -> bool:
        """Hand on what the kernel had no room for. False: some is left."""
        while self._unsent:
            try:
                self._unsent = self._unsent[self.socket.send(self._unsent) :]
            except BlockingIOError:
                return False
        return True

    def read(self, now_s: float, delays: list[tuple[float, int]] | None) -> int:
        """Take acknowledgements; how many. Exits when they are not those expected next."""
        try:
            received = self._rest + self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return 0
        count = len(received) // PUBACK_BYTES
        start = self.acknowledged % self._size * PUBACK_BYTES
        if not received or received != self._expected[start : start + len(received)]:
            raise SystemExit(
                f"not the acknowledgements expected: {received[:40].hex() or 'the connection was closed'}"
            )
        self._rest = received[count * PUBACK_BYTES :]
        before = self.acknowledged
        self.acknowledged += count
        while self._sent_at and before < self.acknowledged:
            upto, at_s = self._sent_at[0]
            reached = min(upto, self.acknowledged)
            if delays is not None:
                delays.append((now_s - at_s, reached - before))
            before = reached
            if reached == upto:
                self._sent_at.popleft()
        return count


def _publish(topic: str, packet_id: int, n: int) -> bytes:
    body = b'{"temperature":%.2f,"humidity":%.2f}' % (20 + n % 1000 / 100, 40 + n % 977 / 50)
    return publish_packet(topic, packet_id, body)


def publish_packet(topic: str, packet_id: int, body: bytes) -> bytes:
    """A PUBLISH of QoS 1."""
    return _packet(0x32, _text(topic) + struct.pack("!H", packet_id) + body)


def connect_packet(target: Target) -> bytes:
    """A CONNECT that begins a clean session."""
    flags = 0x82 if target.username else 0x02  # user name, clean session
    body = b"\0\4MQTT\4" + bytes([flags]) + b"\0\0" + _text(target.client_id)
    return _packet(0x10, body + (_text(target.username) if target.username else b""))


def _text(text: str) -> bytes:
    return struct.pack("!H", len(text.encode())) + text.encode()


def _packet(head: int, body: bytes) -> bytes:
    if len(body) > 127:
        return bytes([head, len(body) & 127 | 128, len(body) >> 7]) + body
    return bytes([head, len(body)]) + body


class Load:
    """All publishers, and the loop that drives them. `rate` is messages/s over all, 0 for as many as are
    taken.
    """

    def __init__(self, publishers: list[Publisher], rate: float, watched: Sequence[int] = ()) -> None:
        self._publishers = {publisher.socket.fileno(): publisher for publisher in publishers}
        self._rate = rate
        self._watched = watched
        self._blocked: set[int] = set()  # those whose socket has no room
        self._epoll = select.epoll()
        for number in self._publishers:
            self._epoll.register(number, select.EPOLLIN)

    def run(self, warm_up_s: float, seconds: float) -> Result:
        """Send for `warm_up_s` and then, measured, for `seconds`; wait for the last acknowledgement."""
        result = Result()
        cpu_s = _cpu_s()
        start_s = time.perf_counter()
        self._drive(start_s, start_s + warm_up_s, None)
        before = Use.of(self._watched) if self._watched else None
        middle_s = time.perf_counter()
        result.measured = self._drive(start_s, middle_s + seconds, result.delays)
        end_s = time.perf_counter()
        if before is not None:
            result.watched = _watched(before, Use.of(self._watched))
        result.measured_s, result.sending_s = end_s - middle_s, end_s - start_s
        result.cpu_s = _cpu_s() - cpu_s
        self._drain(end_s + DRAIN_TIMEOUT_S)
        result.acknowledged = sum(publisher.acknowledged for publisher in self._publishers.values())
        return result

    def _drive(self, start_s: float, end_s: float, delays: list[tuple[float, int]] | None) -> int:
        publishers = list(self._publishers.values())
        taken = 0
        sent = sum(publisher.sent for publisher in publishers)
        while (now_s := time.perf_counter()) < end_s:
            if self._rate:
                # In turn, one message a connection, as many as are due by now.
                for place in range(
                    sent, min(round((now_s - start_s) * self._rate), sent + 10 * len(publishers))
                ):
                    publishers[place % len(publishers)].send(1, now_s)
                    sent += 1
            elif not taken:
                for publisher in publishers:
                    publisher.send(sys.maxsize, now_s)
            taken += self._answer(PERIOD_S if self._rate else 1.0, delays)
        return taken

    def _answer(self, timeout_s: float, delays: list[tuple[float, int]] | None) -> int:
        """Take what acknowledgements there are, and unless paced send as many messages for them."""
        taken = 0
        for number, signs in self._epoll.poll(timeout_s):
            publisher = self._publishers[number]
            now_s = time.perf_counter()
            if signs & ~select.EPOLLOUT:
                taken += publisher.read(now_s, delays)
            clear = publisher.flush()
            if clear and not self._rate:
                publisher.send(sys.maxsize, now_s)
                clear = publisher.flush()
            if clear is (number in self._blocked):
                self._blocked ^= {number}
                self._epoll.modify(number, select.EPOLLIN if clear else select.EPOLLIN | select.EPOLLOUT)
        return taken

    def _drain(self, deadline_s: float) -> None:
        self._rate = self._rate or 1.0  # nothing more is sent in answer to an acknowledgement
        while any(publisher.waiting for publisher in self._publishers.values()):
            if time.perf_counter() > deadline_s:
                raise SystemExit(f"messages without an acknowledgement after {DRAIN_TIMEOUT_S:.0f} s")
            self._answer(1.0, None)


class OwnMoments(Load):
    """Each publisher sends one message a second, at a moment of its own, as devices do that were switched on
    one by one. Between two moments it sleeps.
    """

    def __init__(self, publishers: list[Publisher], watched: Sequence[int] = ()) -> None:
        super().__init__(publishers, len(publishers), watched)
        moments = random.Random(1)  # the same moments in every run
        self._due = sorted(
            ((moments.random(), publisher) for publisher in publishers), key=lambda due: due[0]
        )
        self._turn = 0  # moments that have come so far

    def _drive(self, start_s: float, end_s: float, delays: list[tuple[float, int]] | None) -> int:
        taken = 0
        while (now_s := time.perf_counter()) < end_s:
            while (next_s := start_s + self._next_s()) <= now_s:
                self._due[self._turn % len(self._due)][1].send(1, now_s)
                self._turn += 1
            taken += self._answer(min(next_s, end_s) - now_s, delays)
        return taken

    def _next_s(self) -> float:
        second, place = divmod(self._turn, len(self._due))
        return second + self._due[place][0]


def _watched(before: Use, after: Use) -> dict[str, float]:
    return {
        "watched_cpu_s": after.cpu_s - before.cpu_s,
        "watched_main_thread_cpu_s": after.main_thread_cpu_s - before.main_thread_cpu_s,
        "watched_written_bytes": after.written_bytes - before.written_bytes,
    }


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--targets", type=Path, required=True, help="JSON: [[client id, user name, topic], …]"
    )
    parser.add_argument("--window", type=int, default=500, help="unacknowledged messages, a connection")
    parser.add_argument(
        "--rate", type=float, default=0, help="messages/s over all connections; 0: all that is taken"
    )
    parser.add_argument(
        "--own-moments", action="store_true", help="each connection one message/s, at its own moment"
    )
    parser.add_argument(
        "--watch", nargs="+", type=int, default=(), metavar="PID", help="say what these processes used"
    )
    parser.add_argument("--warm-up", type=float, default=1.0, help="seconds")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    targets = [Target(*row) for row in json.loads(options.targets.read_text())]
    publishers = [
        Publisher(options.host, options.port, target, options.window, 37 * place)
        for place, target in enumerate(targets)
    ]
    load = (
        OwnMoments(publishers, options.watch)
        if options.own_moments
        else Load(publishers, options.rate, options.watch)
    )
    print(load.run(options.warm_up, options.seconds).as_json())


if __name__ == "__main__":
    main()

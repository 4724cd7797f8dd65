"""Viewers as cheap as Python can have them: `python -m benchmarks.live_viewers`. One thread, plain sockets,
one epoll.

It does not parse what it gets. A hub's frame says its offset, so that readings are counted by subtraction,
whatever their number; `skipped` is taken off; one viewer counts them one by one too, and the run fails if
that is another figure. Of others, the readings in a buffer are counted by a mark that each holds once. For
delays, a reading holds the time it was sent at, and the first of each buffer, the one that waited longest, is
looked at.
"""

import argparse
import base64
import json
import os
import re
import resource
import select
import socket
import struct
import sys
import time

from benchmarks.live_senders import packet, text

READ_BYTES = 262_144
QUIET_S = 0.5
TAIL_BYTES = 64  # of a buffer, kept so that no mark is cut in two
CONNECT_TIMEOUT_S = 20.0
OFFSET = re.compile(rb'"offset":(\d+)[,}]')
SKIPPED = re.compile(rb'"skipped":(\d+)[,}]')
ONE = b'"temperature":'  # each reading holds it once
SENT = re.compile(rb'"sent": ?(\d+)')  # Python's own JSON puts a space there
WAVE = 100  # viewers that connect at once: fewer than any of the servers lets wait


class Viewer:
    """One connection."""

    def __init__(self, options: argparse.Namespace, channel: str) -> None:
        self.tail = b""
        self.offset = 0
        self.skipped = 0
        self.count = 0
        self.counted: int | None = None  # one by one, by the viewer that does
        self._cut = b""
        self.socket = socket.create_connection((options.host, options.port), CONNECT_TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        kind = {"hub": "hub.v1", "mosquitto": "mqtt"}.get(options.kind)
        lines = [
            f"GET {options.path.format(channel)} HTTP/1.1",
            f"Host: {options.host}:{options.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
            "Sec-WebSocket-Version: 13",
            *([f"Sec-WebSocket-Protocol: {kind}"] if kind else []),
            *([f"Authorization: Bearer {options.token}"] if options.token else []),
        ]
        self.socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._kind = options.kind
        self._channel = channel

    def subscribe(self) -> None:
        """Once the socket is a WebSocket."""
        self._until(b"\r\n\r\n", b" 101 ")
        channel = self._channel
        if self._kind == "hub" and channel:
            self.socket.sendall(masked(1, json.dumps({"type": "subscribe", "channel": channel}).encode()))
        elif self._kind == "mosquitto":
            name = text(f"viewer-{os.getpid()}-{self.socket.fileno()}")
            connect = packet(0x10, b"\0\4MQTT\4\2\0\0" + name)
            self.socket.sendall(masked(2, connect + packet(0x82, b"\0\1" + text(channel) + b"\0")))

    def begin(self) -> None:
        """Once it is subscribed; from here on it does not wait."""
        if self._kind == "hub" and self._channel:
            self._until(b'"subscribed"', b'"offset"')
        elif self._kind == "mosquitto":
            self._until(b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00")
        self.start = self.offset
        self.socket.setblocking(False)

    def _until(self, end: bytes, wanted: bytes) -> None:
        received = b""
        while end not in received or wanted not in received:
            more = self.socket.recv(READ_BYTES)
            if not more:
                raise SystemExit(f"a viewer was turned away: {received[:300]!r}")
            received += more
        for found in OFFSET.finditer(received):
            self.offset = int(found[1])

    def read(self, mark: bytes) -> bytes:
        """What came; counted by `mark`, or without one by offsets."""
        try:
            received = self.socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        if not received:
            raise SystemExit("the server closed a viewer's connection")
        if self.counted is not None:
            self.counted += (self._cut + received).count(ONE)
            self._cut = received[1 - len(ONE) :]
        joined = self.tail + received
        if mark:
            cut = max(0, len(joined) - len(mark) + 1)
            self.count += joined.count(mark)
            self.tail = joined[cut:] if not joined.endswith(mark) else b""
            return joined
        # The last one is enough, and it is near the beginning of a frame that may be large.
        place = joined.rfind(b'"offset":')
        found = OFFSET.match(joined, place) if place >= 0 else None
        if found is not None:
            self.offset = int(found[1])
            if b'"skipped"' in joined:
                self.skipped += sum(int(number) for number in SKIPPED.findall(joined))
        self.tail = joined[-TAIL_BYTES:] if found is None or place > len(joined) - TAIL_BYTES else b""
        return joined

    @property
    def delivered(self) -> int:
        return self.count or self.offset - self.start - self.skipped


def masked(opcode: int, content: bytes) -> bytes:
    """A client's frame; the mask is zero."""
    if len(content) < 126:
        return bytes([0x80 | opcode, 0x80 | len(content)]) + bytes(4) + content
    return bytes([0x80 | opcode, 0xFE]) + struct.pack("!H", len(content)) + bytes(4) + content


def connected(options: argparse.Namespace) -> list[Viewer]:
    """All of them, in waves, each step of a wave at once: with no message coming in, Mosquitto looks at its
    WebSockets ten times a second only, so that one after the other would take a fifth of a second each.
    """
    channels = options.channels.split(",")
    viewers: list[Viewer] = []
    for start in range(0, options.viewers, WAVE):
        places = range(start, min(start + WAVE, options.viewers))
        wave = [Viewer(options, channels[place % len(channels)]) for place in places]
        for viewer in wave:
            viewer.subscribe()
        for viewer in wave:
            viewer.begin()
        viewers += wave
    return viewers


def answer_pings(viewer: Viewer, received: bytes) -> None:
    """The hub's ping is two bytes; a buffer that is only that is answered."""
    if received.endswith(b"\x89\x00"):
        viewer.socket.send(masked(10, b""))


def check(viewer: Viewer) -> None:
    """Take what is still on its way, and compare what was counted one by one with what offsets say."""
    if viewer.counted is not None:
        viewer.socket.settimeout(QUIET_S)
        try:
            while viewer.read(b""):
                pass
        except TimeoutError:
            pass
        if viewer.counted != viewer.delivered:
            raise SystemExit(
                f"by offsets {viewer.delivered:,} readings, one by one {viewer.counted:,}: not the same"
            )


def watch(viewers: list[Viewer], options: argparse.Namespace) -> dict[str, float]:
    """Read for `warm_up` and then, measured, for `seconds`."""
    epoll = select.epoll()
    by_number = {viewer.socket.fileno(): viewer for viewer in viewers}
    for number in by_number:
        epoll.register(number, select.EPOLLIN)
    mark = options.mark.encode()
    delays: list[int] = []
    before = delivered = skipped = 0
    start_s = time.monotonic()
    measured_at_s, end_s = start_s + options.warm_up, start_s + options.warm_up + options.seconds
    measuring = False
    cpu_s = 0.0
    while (now_s := time.monotonic()) < end_s:
        if not measuring and now_s >= measured_at_s:
            measuring, measured_at_s, cpu_s = True, now_s, time.process_time()
            before = sum(viewer.delivered for viewer in viewers)
            skipped = sum(viewer.skipped for viewer in viewers)
            delays.clear()
        for number, _ in epoll.poll(min(0.1, end_s - now_s)):
            viewer = by_number[number]
            received = viewer.read(mark)
            answer_pings(viewer, received)
            if options.delays:
                found = SENT.search(received)
                if found is not None:
                    delays.append(time.monotonic_ns() // 1000 - int(found[1]))
    delivered = sum(viewer.delivered for viewer in viewers) - before
    check(viewers[0])
    return {
        "delivered": delivered,
        "skipped": sum(viewer.skipped for viewer in viewers) - skipped,
        "measured_s": now_s - measured_at_s,
        "cpu_s": time.process_time() - cpu_s,
        **spread_ms(sorted(delays)),
    }


def spread_ms(delays: list[int]) -> dict[str, float]:
    """Of sorted delays in µs; nothing where there are none, for that is no delay of 0."""
    if not delays:
        return {}
    return {
        "p50_ms": delays[len(delays) // 2] / 1000,
        "p99_ms": delays[len(delays) * 99 // 100] / 1000,
        "max_ms": delays[-1] / 1000,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--kind", choices=("hub", "relay", "mosquitto", "node-red"), required=True)
    parser.add_argument("--token", default="")
    parser.add_argument("--channels", default="", help="with commas; the viewers take them in turn")
    parser.add_argument("--viewers", type=int, required=True)
    parser.add_argument("--mark", default="", help="what each reading holds once; without: by offsets")
    parser.add_argument("--delays", action="store_true")
    parser.add_argument("--warm-up", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=4.0)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    viewers = connected(options)
    viewers[0].counted = 0 if options.kind == "hub" else None
    print("ready", flush=True)
    sys.stdin.readline()  # whoever started this says when
    print(json.dumps(watch(viewers, options)), flush=True)


if __name__ == "__main__":
    main()

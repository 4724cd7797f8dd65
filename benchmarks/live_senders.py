"""Devices for the live figures: `python -m benchmarks.live_senders`. MQTT 3.1.1, at a set rate, or connected
and silent.

Each reading holds the time at which it was handed to the kernel, in µs of the machine's monotonic clock,
which the viewers on the same machine read too.
"""

import argparse
import json
import resource
import socket
import struct
import sys
import time
from pathlib import Path

from benchmarks.load import Target

TICK_S = 0.001


def connect(host: str, port: int, target: Target) -> socket.socket:
    connection = socket.create_connection((host, port), 20.0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    flags = 0x82 if target.username else 0x02
    body = b"\0\4MQTT\4" + bytes([flags]) + b"\0\0" + text(target.client_id)
    connection.sendall(packet(0x10, body + (text(target.username) if target.username else b"")))
    if connection.recv(4) != b"\x20\x02\x00\x00":
        raise SystemExit("the server does not accept a device")
    return connection


def text(found: str) -> bytes:
    return struct.pack("!H", len(found.encode())) + found.encode()


def packet(head: int, body: bytes) -> bytes:
    length = bytes([len(body)]) if len(body) < 128 else bytes([len(body) & 127 | 128, len(body) >> 7])
    return bytes([head]) + length + body


def send(connections: list[socket.socket], targets: list[Target], rate: float, seconds: float) -> int:
    """QoS 0, in turn, so many a second."""
    heads = [text(target.topic) for target in targets]
    start_s = time.monotonic()
    sent = 0
    while (elapsed_s := time.monotonic() - start_s) < seconds:
        while sent < elapsed_s * rate:
            place = sent % len(connections)
            body = b'{"temperature":%.2f,"sent":%d}' % (
                20 + sent % 1000 / 100,
                time.monotonic_ns() // 1000,
            )
            connections[place].sendall(packet(0x30, heads[place] + body))
            sent += 1
        time.sleep(TICK_S)
    return sent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--targets", type=Path, required=True)
    parser.add_argument("--connections", type=int, default=0, help="0: one a target; more use them again")
    parser.add_argument("--rate", type=float, default=0.0, help="readings/s over all; 0: silent")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    targets = [Target(*row) for row in json.loads(options.targets.read_text())]
    count = options.connections or len(targets)
    used = [targets[place % len(targets)] for place in range(count)]
    connections = [
        connect(options.host, options.port, target._replace(client_id=f"{target.client_id}-{place}"))
        for place, target in enumerate(used)
    ]
    print("ready", flush=True)
    sys.stdin.readline()  # whoever started this says when
    if options.rate:
        print(json.dumps({"sent": send(connections, used, options.rate, options.seconds)}), flush=True)


if __name__ == "__main__":
    main()

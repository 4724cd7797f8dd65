"""The least that a Python server costs which has a reading on disk before it acknowledges it: `python -m
benchmarks.rest_floor`.

One thread at the sockets, and one at the disk, so that a slow disk stops nobody. It checks, keeps and shows
nothing else.
"""

import argparse
import json
import os
import queue
import select
import socket
import struct
import threading
import time
import zlib

RECORD = struct.Struct("<Iq112s")  # checksum, time, content
PAGE = bytes(4_096)
AHEAD_PAGES = 4_096  # filled with zeros one by one, as the hub's journal is: see segment.py there
RECEIVE_BYTES = 65_536
CONNECT, CONNACK, PUBACK = 0x10, b"\x20\x02\0\0", b"\x40\x02"


class Disk(threading.Thread):
    """Writes and syncs one record after the other, and says so through `told`."""

    def __init__(self, path: str, told: int) -> None:
        super().__init__(daemon=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        for place in range(AHEAD_PAGES):
            os.pwrite(self._file, PAGE, place * len(PAGE))
        os.fsync(self._file)
        self._told = told
        self.waiting: queue.SimpleQueue[tuple[bytes, socket.socket, bytes]] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[tuple[socket.socket, bytes]] = queue.SimpleQueue()

    def run(self) -> None:
        place = 0
        while True:
            record, device, answer = self.waiting.get()
            os.pwrite(self._file, record, place)
            os.fdatasync(self._file)
            place += RECORD.size
            self.done.put((device, answer))
            os.eventfd_write(self._told, 1)


def record_and_answer(packet: bytes) -> tuple[bytes, bytes]:
    """Of one PUBLISH with QoS 1 and a remaining length under 128."""
    (topic_bytes,) = struct.unpack_from("!H", packet, 2)
    body = 4 + topic_bytes + 2
    values = json.loads(packet[body:])
    content = b"".join(struct.pack("<d", value) for value in values.values())
    return RECORD.pack(zlib.crc32(content), time.time_ns(), content), PUBACK + packet[body - 2 : body]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--file", required=True)
    options = parser.parse_args()
    told = os.eventfd(0, os.EFD_NONBLOCK)
    disk = Disk(options.file, told)
    disk.start()
    listening = socket.create_server(("127.0.0.1", options.port), backlog=1024)
    poll = select.epoll()
    poll.register(told, select.EPOLLIN)
    poll.register(listening, select.EPOLLIN)
    devices: dict[int, socket.socket] = {}
    while True:
        for number, _ in poll.poll():
            if number == told:
                os.eventfd_read(told)
                while not disk.done.empty():
                    device, answer = disk.done.get()
                    device.send(answer)
            elif number == listening.fileno():
                device, _ = listening.accept()
                devices[device.fileno()] = device
                poll.register(device, select.EPOLLIN)
            elif not (packet := devices[number].recv(RECEIVE_BYTES)):
                devices.pop(number).close()
            elif packet[0] == CONNECT:
                devices[number].send(CONNACK)
            else:
                record, answer = record_and_answer(packet)
                disk.waiting.put((record, devices[number], answer))


if __name__ == "__main__":
    main()

"""Devices stop when told to, when their input ends, and at once when told twice."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

DEADLINE_S = 30.0


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a device against a hub that takes its connection and never answers. It is connected when this
    returns.
    """
    started: list[subprocess.Popen[str]] = []
    with socket.create_server(("127.0.0.1", 0)) as hub:
        hub.settimeout(DEADLINE_S)

        def start_device(*arguments: str) -> "subprocess.Popen[str]":
            url = f"mqtt://127.0.0.1:{hub.getsockname()[1]}"
            process = subprocess.Popen(
                [sys.executable, "-m", "devices", *arguments, "--url", url],
                env={**os.environ, "HUB_DEVICE_KEY": "hk_none"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            started.append(process)
            connections.append(hub.accept()[0])
            return process

        connections: list[socket.socket] = []
        yield start_device
        for process in started:
            process.kill()
            process.communicate()
        for connection in connections:
            connection.close()


# More readings at once than the queue takes: the device waits for room, and at its end for acknowledgements.
FULL = ("replay", "--speed", "1e9", "--loop")


def test_a_device_whose_queue_is_full_stops_too(start: Start) -> None:
    process = start(*FULL)
    for _ in range(2):  # as timeout(1) sends it: to the process, and to its group at once
        process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert "readings were not acknowledged" in said


def test_a_second_signal_ends_at_once(start: Start) -> None:
    process = start(*FULL)
    deadline = time.monotonic() + DEADLINE_S
    while process.poll() is None:
        assert time.monotonic() < deadline
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    assert process.returncode == -signal.SIGINT


def test_with_until_eof_the_end_of_input_is_a_stop(start: Start) -> None:
    process = start("--until-eof", "host", "--interval", "3600")
    process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0

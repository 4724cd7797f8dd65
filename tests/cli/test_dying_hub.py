"""A hub that goes away while a command asks it, or answers nonsense."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.commands import exit_code
from tests.hub_process import make_store

HEALTHY = b'HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{"status":"ok"}'
NONSENSE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{x"


@contextmanager
def answering(path: Path, *answers: bytes) -> Iterator[None]:
    """What a hub leaves at its socket: it answers so many requests, and hangs up at the next."""
    left = list(answers)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    while connection.recv(65_536) and left:
                        connection.sendall(left.pop(0))

        serving = threading.Thread(target=serve)
        serving.start()
        try:
            yield
        finally:
            listening.shutdown(socket.SHUT_RDWR)  # which ends `accept`
            serving.join()
    path.unlink()


@pytest.fixture
def store(folder: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A store with a pump."""
    make_store(folder / "data")
    assert exit_code("devices", "add", "pump") == 0
    capsys.readouterr()
    return folder / "data"


def test_what_a_hub_was_asked_is_not_done_again_when_it_goes_away(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(store / "hub.sock", HEALTHY):
        assert exit_code("keys", "add", "pump") == 1
    assert capsys.readouterr().err.startswith("hub: no hub answers")
    assert exit_code("keys", "list", "pump", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)) == 1


def test_a_mistake_of_the_program_has_the_exit_code_after_which_systemd_starts_again(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with answering(store / "hub.sock", HEALTHY, NONSENSE):
        assert exit_code("keys", "list", "pump") == 70
    assert "Traceback" in capsys.readouterr().err

"""What many tests need: a real hub in a process of its own, and a certificate."""

import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import settings

from hub.logs import ROOT, Lines
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread
from tests.rooms import Clock, Rooms, open_rooms
from tests.rounds import EXAMPLES, rounds

# How long an example takes says nothing on a busy machine.
settings.register_profile("untimed", deadline=None, max_examples=rounds(EXAMPLES))
settings.load_profile("untimed")

# Hubs in the tests' own process log to standard error, which is shown where a test fails, and not amid what
# commands print.
logging.getLogger(ROOT).addHandler(Lines(sys.__stderr__ or sys.stderr, console=False))
logging.getLogger(ROOT).setLevel(logging.INFO)

# A terminal's width is no business of tests: one that needs a width sets it. xdist's workers get one from
# readline, which writes it into the environment of the process that starts them.
os.environ.pop("COLUMNS", None)
os.environ.pop("LINES", None)

# In this order files of tests are handed out to the cores: what waits longest first, what is done in a moment
# last, so that no core is left alone with a long one at the end. Where nothing is named, as they are called.
FIRST = (
    "tests/faults/test_long.py",
    "tests/faults/",
    "tests/e2e/",
    "tests/cli/",
    "tests/test_",
    "tests/history/",
    "tests/http/test_openapi",
    "tests/http/test_import",
    "",
)

# Tests of these need a browser, a broker or processes, as do those that ask for one of the fixtures: `make
# quick` leaves them out.
OUTSIDE = (
    "tests/attacks/",
    "tests/bridge/",
    "tests/cli/",
    "tests/devices/test_cli",
    "tests/devices/test_mqtt",
    "tests/devices/test_simulate",
    "tests/devices/test_spool",
    "tests/devices/test_stopping",
    "tests/e2e/",
    "tests/faults/",
    "tests/history/test_durability",
    "tests/history/test_journal_fold",
    "tests/http/test_proxies",
    "tests/peers/",
    "tests/test_build_page",
    "tests/test_main_job",
    "tests/test_rest_benchmark",
)
OUTSIDE_FIXTURES = {"hub_process", "start_hub_process"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Where tests that need something outside are left out, their files are not even read."""
    if config.option.markexpr != "not outside" or not collection_path.is_relative_to(config.rootpath):
        return None
    path = f"{collection_path.relative_to(config.rootpath).as_posix()}{'/' * collection_path.is_dir()}"
    return path.startswith(OUTSIDE) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests into that order, and mark those that need something outside."""
    items.sort(key=lambda item: next(n for n, start in enumerate(FIRST) if item.nodeid.startswith(start)))
    for item in items:
        if item.nodeid.startswith(OUTSIDE) or OUTSIDE_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.outside)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def rooms(tmp_path: Path, clock: Clock) -> AsyncIterator[Rooms]:
    async with open_rooms(tmp_path, clock) as rooms:
        yield rooms


@pytest.fixture
def start_hub(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """Starts hubs, with settings such as HUB__LIMITS__READINGS_PER_S="10"; all are stopped at the end."""
    with _hubs(tmp_path, HubThread) as start:
        yield start


@pytest.fixture
def start_hub_process(tmp_path: Path) -> Iterator[Callable[..., HubProcess]]:
    """As `start_hub`, each in a process of its own: to be killed, measured, or judged by its output and exit
    code.
    """
    with _hubs(tmp_path, HubProcess) as start:
        yield start


@contextmanager
def _hubs(folder: Path, kind: type[HubProcess]) -> Iterator[Callable[..., HubProcess]]:
    hubs: list[HubProcess] = []

    def start(name: str = "data", files_max: int | None = None, **settings: str) -> HubProcess:
        hub = kind(folder / name, **settings)
        hub.files_max = files_max
        hubs.append(hub)
        return hub.start()

    try:
        yield start
    finally:
        for hub in hubs:
            hub.stop()


@pytest.fixture
def hub(start_hub: Callable[..., HubProcess]) -> HubProcess:
    """A running hub, on its defaults and free ports."""
    return start_hub()


@pytest.fixture
def hub_process(start_hub_process: Callable[..., HubProcess]) -> HubProcess:
    """As `hub`, in a process of its own."""
    return start_hub_process()


@pytest.fixture(scope="module")
def shared_hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HubProcess]:
    """One running hub for the tests of one file, which each use devices of their own."""
    hub = HubThread(tmp_path_factory.mktemp("shared") / "data").start()
    yield hub
    hub.stop()


class Certificate(NamedTuple):
    """PEM files."""

    path: Path
    key: Path


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate for 127.0.0.1 that signs itself."""
    folder = tmp_path_factory.mktemp("certificate")
    made = Certificate(folder / "cert.pem", folder / "key.pem")
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=127.0.0.1"
    )
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-out", str(made.path), "-keyout", str(made.key)]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    return made

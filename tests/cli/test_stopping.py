"""A stop of the hub or the demo has an end, whatever hangs, and a second signal ends it at once."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from typing import Any

import psutil
import pytest

DEADLINE_S = 60.0
COUNT = "60"


def until(holds: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


class Demo:
    """`hub demo` in a process of its own, with its scratch folder and its pointer below `place`."""

    def __init__(self, place: Path) -> None:
        self._runtime = place / "run"
        self._runtime.mkdir(mode=0o700)
        self.scratch = place / "t"
        self.scratch.mkdir()
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("HUB__")},
            "XDG_RUNTIME_DIR": str(self._runtime),
            "TMPDIR": str(self.scratch),
        }
        self.output = place / "out"
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "hub", "demo", "--devices", COUNT],
                cwd=place,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def has_started(self) -> bool:
        """Whether its hub runs. Its devices may not yet."""
        assert self.process.poll() is None, self.said()
        return list(self._runtime.glob("sensor-hub/*.json")) != []

    def devices(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def hub(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command, typed in a folder without a store."""
        return subprocess.run(
            [sys.executable, "-m", "hub", *arguments],
            cwd=self.scratch,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=DEADLINE_S,
        )


@pytest.fixture
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo that has just been started."""
    running = Demo(tmp_path_factory.mktemp("d"))
    yield running
    if running.process.poll() is None:
        for device in running.devices():
            device.kill()
    running.process.kill()
    running.process.wait()


def test_a_demo_stops_in_order_also_while_it_starts_and_leaves_nothing(demo: Demo) -> None:
    until(demo.has_started)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(DEADLINE_S) == 0, demo.said()
    assert "devices are sending" not in demo.said()
    assert list(demo.scratch.iterdir()) == []


def test_commands_find_the_demo_and_a_second_signal_ends_it_at_once_with_its_devices(demo: Demo) -> None:
    until(demo.has_started)
    until(lambda: len(demo.devices()) == 3)
    devices = demo.devices()

    login = demo.hub("login")
    assert login.returncode == 0, login.stderr
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
    with opener.open(login.stdout.strip(), timeout=DEADLINE_S) as page:
        assert page.status == 200
    assert re.search(r"no store at .*, so this is for the demo at http", login.stderr)

    for device in devices:
        device.suspend()  # so that they do not end when they are told to, and the demo waits for them
    until(lambda: ended_by(demo.process, signal.SIGINT))
    assert demo.process.returncode == -signal.SIGINT
    for device in devices:
        device.resume()
    psutil.wait_procs(devices, DEADLINE_S)
    assert [device for device in devices if device.is_running()] == []
    left = demo.hub("login")
    assert (left.returncode, "no store at" in left.stderr) == (3, True)


def ended_by(process: subprocess.Popen[Any], number: signal.Signals) -> bool:
    """Send it the signal, once more each time this is asked, until it has ended."""
    if process.poll() is None:
        process.send_signal(number)
    return process.poll() is not None


HANGING = """
import asyncio
from hub.cli.stopping import run_until_stopped

async def work(stop):
    print("started", flush=True)
    await stop.wait()
    await asyncio.Event().wait()

run_until_stopped(work, limit_s={limit_s})
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(("limit_s", "again"), [(0.2, False), (3600, True)])
def test_what_hangs_at_its_stop_is_ended_by_the_limit_or_by_a_second_signal(
    limit_s: float, number: signal.Signals, again: bool
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HANGING.format(limit_s=limit_s)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline() == "started\n"
        if again:
            until(lambda: ended_by(process, number))
            assert process.returncode == -number
        else:
            process.send_signal(number)
            assert process.wait(DEADLINE_S) == 1
            assert "not stopped after 0.2 s" in process.stderr.read()


ORDERLY = """
import asyncio
from hub.cli.stopping import run_until_stopped

async def work(stop):
    print("started", flush=True)
    await stop.wait()
    await asyncio.sleep(0.1)
    print("stopped in order", flush=True)

run_until_stopped(work)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_one_signal_that_comes_twice_is_one(number: signal.Signals) -> None:
    """As timeout(1) sends it: to the process, and to its group at once."""
    with subprocess.Popen([sys.executable, "-c", ORDERLY], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "started\n"
        for _ in range(2):
            process.send_signal(number)
        said, _ = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, said) == (0, "stopped in order\n")

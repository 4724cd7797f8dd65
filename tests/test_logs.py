"""The hub's log: one line an occurrence, whoever says it."""

import asyncio
import json
import re
import subprocess
import sys
from typing import Any

import pytest

from hub.logs import ADDRESSES_MAX, Logger, RateLimitedLog

SAYING = {
    "a warning of Python": "import warnings; warnings.warn('beware\\nof this', ResourceWarning)",
    "aiohttp": "import logging; logging.getLogger('aiohttp.server').error('Error %s\\nhandling', 1)",
    "asyncio": "import logging; logging.getLogger('asyncio').warning('slow')",
    "a library's exception": (
        "import logging\ntry: 1 / 0\nexcept ZeroDivisionError: logging.getLogger('x').exception('no')"
    ),
    "a task nobody waited for": (
        "import asyncio, gc\nasync def no(): raise ValueError('lost')\n"
        "async def main():\n asyncio.create_task(no()); await asyncio.sleep(0); gc.collect()\n"
        "asyncio.run(main())"
    ),
    "the hub": "from hub.logs import Logger; Logger('hub').info('well', a=1)",
}


@pytest.mark.outside
@pytest.mark.parametrize("who", SAYING)
def test_whoever_speaks_it_is_one_line(who: str) -> None:
    set_up = (
        "from hub.config import LogConfig\nfrom hub.logs import set_up_logs\n"
        "set_up_logs(LogConfig(format='json'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", set_up + SAYING[who]], capture_output=True, text=True, check=True
    )
    [line] = done.stderr.splitlines()
    said = json.loads(line)
    assert {"event", "level", "timestamp"} <= set(said)
    assert "\n" not in said["event"]


CONTROLS = ["\x1b]52;c;aGk=\x07", "\x1b[2J", "a\nb", "\r", "\x9b31m", "\u202e", "\x00"]


@pytest.mark.outside
@pytest.mark.parametrize("style", ["console", "json"])
def test_nothing_that_a_stranger_sends_controls_the_terminal(style: str) -> None:
    code = (
        "from hub.config import LogConfig\nfrom hub.logs import Logger, set_up_logs\nimport logging\n"
        f"set_up_logs(LogConfig(format={style!r}))\n"
        f"for text in {CONTROLS!r}:\n"
        "    Logger('http').info('request', path=text)\n"
        "    logging.getLogger('x').error('%s', text)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    said = re.sub("\x1b\\[[0-9;]*m", "", done.stderr.decode())  # the colours of the log's own
    assert len(said.splitlines()) == 2 * len(CONTROLS)
    assert [one for one in said if not one.isprintable() and one != "\n"] == []


class Log(Logger):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def say(self, level: int, event: str, /, exc_info: object = None, **details: object) -> None:
        self.lines.append({"event": event, **details})


async def test_what_is_repeated_is_said_once_and_then_counted() -> None:
    log = Log()
    limited = RateLimitedLog(log, interval_s=0.05)
    for _ in range(500):
        limited.info("no HTTP", "10.0.0.1", why="x")
    limited.info("no HTTP", "10.0.0.2")
    assert [line["address"] for line in log.lines] == ["10.0.0.1", "10.0.0.2"]
    async with asyncio.timeout(10.0):
        while len(log.lines) < 3:
            await asyncio.sleep(0.01)
    assert log.lines[2] == {
        "event": "no HTTP: 499 more from this address",
        "more": 499,
        "address": "10.0.0.1",
    }
    async with asyncio.timeout(10.0):
        while limited.kept:
            await asyncio.sleep(0.01)
    limited.info("no HTTP", "10.0.0.1")  # it was quiet for a while: this is something new
    assert log.lines[-1] == {"event": "no HTTP", "address": "10.0.0.1"}
    limited.close()


async def test_no_more_addresses_are_kept_than_there_is_room_for() -> None:
    log = Log()
    limited = RateLimitedLog(log)
    for number in range(3 * ADDRESSES_MAX):
        limited.info("no HTTP", f"10.0.{number // 256}.{number % 256}")
    assert (limited.kept, len(log.lines)) == (ADDRESSES_MAX + 1, ADDRESSES_MAX + 1)
    limited.close()

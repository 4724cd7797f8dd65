"""What the hub says of itself: one line an occurrence, on standard error.

Python's own `logging` carries it, as it carries what libraries say, so that both end in the same lines.
"""

import asyncio
import json
import logging
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

from hub.config import LogConfig

ROOT = "hub"  # the loggers of the hub stand below this one
EVENT_WIDTH = 30  # on a terminal, so that details stand below each other
_BOLD, _FAINT, _RED, _YELLOW, _PLAIN = "\x1b[1m", "\x1b[2m", "\x1b[31m", "\x1b[33m", "\x1b[0m"

REPEATED_S = 10.0
ADDRESSES_MAX = 1_000  # told apart; what comes from further ones is counted together
_OTHERS = "(others)"

_Occurrence = tuple[str, str, str]  # what it is, from where, and its `reason` if it has one


class Logger:
    """What one room says: an event in plain words, the same each time, and details by name."""

    def __init__(self, room: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{room}")

    def debug(self, event: str, /, **details: object) -> None:
        """For who looks for a fault."""
        self.say(logging.DEBUG, event, **details)

    def info(self, event: str, /, **details: object) -> None:
        """What goes as it should."""
        self.say(logging.INFO, event, **details)

    def warning(self, event: str, /, **details: object) -> None:
        """What an operator may have to do something about."""
        self.say(logging.WARNING, event, **details)

    def error(self, event: str, /, **details: object) -> None:
        """What does not work. `exc_info` may be the exception whose traceback is wanted."""
        self.say(logging.ERROR, event, **details)

    def exception(self, event: str, /, **details: object) -> None:
        """An error, with the traceback of the exception that is being handled."""
        self.say(logging.ERROR, event, exc_info=True, **details)

    def say(self, level: int, event: str, /, exc_info: Any = None, **details: object) -> None:
        """Say it, as a line of that level. `exc_info` is as in Python's own logging."""
        if self._logger.isEnabledFor(level):
            self._logger.log(level, event, exc_info=exc_info, extra={"details": details})


class RateLimitedLog:
    """Says what strangers cause: once, and after `interval_s` how often it came again from that address."""

    def __init__(self, log: Logger, interval_s: float = REPEATED_S) -> None:
        self._log = log
        self._interval_s = interval_s
        self._more: dict[_Occurrence, int] = {}
        self._timers: dict[_Occurrence, asyncio.TimerHandle] = {}

    @property
    def kept(self) -> int:
        """How many kinds of occurrence, each with its address, are counted now."""
        return len(self._more)

    def info(self, what: str, address: str, **details: object) -> None:
        """Something that happens on any network."""
        self._say(logging.INFO, what, address, details)

    def warning(self, what: str, address: str, **details: object) -> None:
        """Something that an operator may have to do something about."""
        self._say(logging.WARNING, what, address, details)

    def _say(self, level: int, what: str, address: str, details: Mapping[str, object]) -> None:
        key = (what, address, str(details.get("reason", "")))
        if key not in self._more and len(self._more) >= ADDRESSES_MAX:
            key = (what, _OTHERS, "")
        if key in self._more:
            self._more[key] += 1
            return
        self._more[key] = 0
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(self._interval_s, self._tell_more, level, key)
        shown = {"address": address} if address else {}
        self._log.say(level, what, **shown, **details)

    def _tell_more(self, level: int, key: _Occurrence) -> None:
        """While it goes on, once an interval."""
        what, address, reason = key
        more = self._more.pop(key)
        del self._timers[key]
        if not more:
            return
        self._more[key] = 0
        loop = asyncio.get_running_loop()
        self._timers[key] = loop.call_later(self._interval_s, self._tell_more, level, key)
        shown = {"address": address} if address else {}
        if reason:
            shown["reason"] = reason
        self._log.say(level, f"{what}: {more} more from this address", more=more, **shown)

    def close(self) -> None:
        """Say nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._more.clear()


class Lines(logging.Handler):
    """Writes each occurrence as a line. One that cannot be written is lost: the disk may be full, and the hub
    goes on.
    """

    def __init__(self, file: TextIO, *, console: bool) -> None:
        super().__init__()
        self._file = file
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        said = _said(record)
        text = _for_people(said) if self._console else json.dumps(said, default=repr)
        with suppress(OSError):
            self._file.write(text + "\n")
            self._file.flush()


def _said(record: logging.LogRecord) -> dict[str, object]:
    """The line's parts by name."""
    event, details = record.getMessage(), getattr(record, "details", None)
    if details is None:  # of a library, which may take several lines
        event, details = " ".join(event.split()), {}
    at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds")
    said = {
        **details,
        "event": event,
        "level": record.levelname.lower(),
        "timestamp": at.replace("+00:00", "Z"),
    }
    if record.exc_info:
        said["exception"] = logging.Formatter().formatException(record.exc_info)
    return {name: _without_controls(value, name) for name, value in said.items()}


def _without_controls(value: object, name: str) -> object:
    """Escape control characters: a stranger's could move a terminal's cursor, or fill its clipboard."""
    if not isinstance(value, str) or value.isprintable():
        return value
    kept = "\n\t" if name == "exception" else ""
    return "".join(
        one if one.isprintable() or one in kept else one.encode("unicode_escape").decode() for one in value
    )


def _for_people(said: dict[str, object]) -> str:
    level = str(said.pop("level"))
    colour = {"error": _RED, "critical": _RED, "warning": _YELLOW}.get(level, "")
    event, exception = f"{said.pop('event')!s:{EVENT_WIDTH}}", said.pop("exception", "")
    start = f"{_FAINT}{said.pop('timestamp')}{_PLAIN} {colour}{level:8}{_PLAIN} {_BOLD}{event}{_PLAIN}"
    details = "".join(f" {_FAINT}{name}={_PLAIN}{_shown(said[name])}" for name in sorted(said))
    return f"{start}{details}\n{exception}" if exception else f"{start}{details}"


def _shown(value: object) -> str:
    """A text of one word as it is, all else so that its end is seen."""
    return value if isinstance(value, str) and value and " " not in value else repr(value)


def set_up_logs(config: LogConfig) -> None:
    """All logs go to standard error, those of libraries too: readable on a terminal, JSON otherwise."""
    console = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    logging.basicConfig(handlers=[Lines(sys.stderr, console=console)], level=logging.WARNING, force=True)
    logging.getLogger(ROOT).setLevel(config.level.upper())
    logging.captureWarnings(capture=True)
    warnings.simplefilter("once")

"""What the hub says of itself: one line an occurrence, on standard error."""

import asyncio
import io
import logging
import sys
import warnings
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, TextIO, cast

import structlog

from hub.config import LogConfig

REPEATED_S = 10.0
ADDRESSES_MAX = 1_000  # told apart; what comes from further ones is counted together
_OTHERS = "(others)"

_Occurrence = tuple[str, str, str]  # what it is, from where, and its `reason` if it has one


class Repeated:
    """Says what strangers cause: once, and after `interval_s` how often it came again from that address."""

    def __init__(self, log: Any, interval_s: float = REPEATED_S) -> None:
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
        self._say("info", what, address, details)

    def warning(self, what: str, address: str, **details: object) -> None:
        """Something that an operator may have to do something about."""
        self._say("warning", what, address, details)

    def _say(self, level: str, what: str, address: str, details: Mapping[str, object]) -> None:
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
        getattr(self._log, level)(what, **shown, **details)

    def _tell_more(self, level: str, key: _Occurrence) -> None:
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
        getattr(self._log, level)(f"{what}: {more} more from this address", more=more, **shown)

    def close(self) -> None:
        """Say nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._more.clear()


def _without_controls(
    _log: object, _method: str, said: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Escape control characters: a stranger's could move a terminal's cursor, or fill its clipboard."""
    for name, value in said.items():
        if isinstance(value, str) and not value.isprintable():
            kept = "\n\t" if name == "exception" else ""
            said[name] = "".join(
                one if one.isprintable() or one in kept else one.encode("unicode_escape").decode()
                for one in value
            )
    return said


class _Forgiving(io.TextIOBase):
    """Standard error; a line that cannot be written is lost. It may lie on the disk that is full, and the hub
    goes on.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write or lose it."""
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Write or lose what was kept back."""
        with suppress(OSError):
            self._file.flush()


class _Forward(logging.Handler):
    """What libraries log by Python's own logging becomes a line of the hub's."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record."""
        log = structlog.get_logger(record.name)
        text = " ".join(record.getMessage().split())
        log.log(record.levelno, text, exc_info=record.exc_info or None)


def set_up_logs(config: LogConfig) -> None:
    """All logs go to standard error, those of libraries too: readable on a terminal, JSON otherwise."""
    console = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _without_controls,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(config.level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving(sys.stderr))),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[_Forward()], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    warnings.simplefilter("once")

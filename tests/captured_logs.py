"""What the hub says meanwhile, to be looked at and not to be shown."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hub.logs import ROOT


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        details: dict[str, Any] = getattr(record, "details", {})
        self.lines.append({**details, "event": record.getMessage(), "level": record.levelname.lower()})


@contextmanager
def captured_logs() -> Iterator[list[dict[str, Any]]]:
    """The occurrences said until the end of the block, by any thread, with their details by name."""
    logger, kept = logging.getLogger(ROOT), _Kept()
    before, logger.handlers = logger.handlers, [kept]
    try:
        yield kept.lines
    finally:
        logger.handlers = before

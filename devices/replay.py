"""A recording, sent again: a CSV file whose first column is the time and whose others are metrics."""

import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TextIO

Value = float | str | bool
SHIPPED = Path(__file__).with_name("recordings") / "machine_temperature.csv"
_TIME_COLUMNS = frozenset({"timestamp", "time", "ts"})
_TRUTHS = {"true": True, "false": False}
_EXACT_MAX = 2**53  # beyond, a number may be changed by reading it
_MS_FROM = 1e11  # a bare number above is milliseconds: as seconds it would be the year 5138


class Moment(NamedTuple):
    """One line of a recording."""

    time_ms: float  # since 1970, UTC
    values: dict[str, Value]


class Recording:
    """A CSV file. It is read line by line, so that its size does not matter, and again for each pass.

    The first line names the columns: `timestamp`, `time` or `ts`, then one or more metrics. Times are UTC
    where they name no zone: `2013-12-02 21:15:00`, RFC 3339, or a number of seconds or milliseconds. Values
    are numbers, `true`, `false`, or text; an empty one, or NaN, is left out. `metric` renames the only
    column, or picks one of several. Raises ValueError, with the line, for what is not so.
    """

    def __init__(self, path: Path, metric: str | None = None) -> None:
        self._path = path
        with self._rows() as rows:
            header = [name.strip() for name in next(rows, [])]
        if len(header) < 2 or header[0].lower() not in _TIME_COLUMNS:
            raise ValueError(
                f"{path}: the first line must be `timestamp,value`, or `time` and the names of metrics"
            )
        self._columns = dict(enumerate(header[1:], 1))
        if metric is not None:
            self._pick(metric)
        if next(self.moments(), None) is None:
            raise ValueError(f"{path}: no readings in it")

    def _pick(self, metric: str) -> None:
        if len(self._columns) == 1:
            self._columns = {1: metric}
            return
        self._columns = {number: name for number, name in self._columns.items() if name == metric}
        if not self._columns:
            raise ValueError(f"{self._path}: no column is named {metric!r}")

    @property
    def metrics(self) -> list[str]:
        """The names of the metrics."""
        return list(self._columns.values())

    def moments(self) -> Iterator[Moment]:
        """The lines, in the file's order."""
        with self._rows() as rows:
            next(rows, None)
            for number, row in enumerate(rows, 2):
                values = self._values(row)
                if values:
                    yield Moment(self._time_ms(row[0], number), values)

    def _values(self, row: list[str]) -> dict[str, Value]:
        found = {
            name: _value(row[column].strip()) for column, name in self._columns.items() if column < len(row)
        }
        return {name: value for name, value in found.items() if value is not None}

    def _time_ms(self, text: str, line: int) -> float:
        try:
            return _time_ms(text.strip())
        except ValueError as error:
            raise ValueError(f"{self._path}: line {line}: {text!r} is no time: {error}") from error

    @contextmanager
    def _rows(self) -> Iterator[Iterator[list[str]]]:
        lines: TextIO | None = None
        try:
            lines = self._path.open(newline="", encoding="utf-8-sig")
            yield csv.reader(lines)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{self._path}: {error}") from error
        finally:
            if lines is not None:
                lines.close()


class Paced(NamedTuple):
    """A moment, and when to send it: seconds after the start."""

    due_s: float
    moment: Moment


def paced(recording: Recording, speed: float, *, loop: bool) -> Iterator[Paced]:
    """The recording at `speed` times its own pace; with `loop`, over and over, a step apart.

    Lines whose time goes back, as at the end of summer time, are due with the line before them.
    """
    due_s = 0.0
    while True:
        before_ms: float | None = None
        step_s = 0.0
        for moment in recording.moments():
            if before_ms is not None:
                step_s = max(0.0, moment.time_ms - before_ms) / 1000 / speed
                due_s += step_s
            before_ms = moment.time_ms
            yield Paced(due_s, moment)
        if not loop:
            return
        # The step between the last line and the first of the next pass; never none, or one line would never
        # end.
        due_s += max(step_s, 0.001)


def _time_ms(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        time = datetime.fromisoformat(text)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000
    if not math.isfinite(number):
        raise ValueError("it is not finite")
    return number if abs(number) >= _MS_FROM else number * 1000


def _value(text: str) -> Value | None:
    """None for nothing: an empty field, or a number that is none. One that would be changed stays a text."""
    truth = _TRUTHS.get(text.lower())
    if truth is not None:
        return truth
    try:
        number = float(text)
    except ValueError:
        return text or None
    if not math.isfinite(number):
        return None
    return text if abs(number) >= _EXACT_MAX and Decimal(repr(number)) != Decimal(text) else number

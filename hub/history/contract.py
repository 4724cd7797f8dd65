"""What a history is, for those who use one; and the values that go in and come out.

    for intake      `batch`, the open one, filled in one turn of the loop; its `stored` is done when it is
                    on disk. `stored`, `pending`, `room`, `failure`: what waits for the disk, and whether the
                    disk takes anything
                    `metrics`, `highest_metric`, `sequences`, `latest`: what was stored before a start
    for queries     `ranges`, `range`, `raw`, `rejections`: answered with what is on its way to the disk too
    for moving      `held`, `pages`, `write_parquet` out, `lacking` in, `copy`: long, and in nobody's way
    for keeping     `keeper.Keeper` seals, compacts and forgets by a policy; it lives with its history, and is
                    run beside it

No cursor, no connection and no type of a driver crosses this line. `duckdb.history.History` is the one there
is, and so its type is used as it is.
"""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from hub.model import MetricType, Value

# Reading


class Latest(NamedTuple):
    """The newest value of one metric, and when anything of it was received last. Times in µs UTC."""

    metric: int
    time: int
    received_at: int
    value: Value


class Columns(NamedTuple):
    """A range of one metric, column by column. Times in µs UTC.

    Numbers and truth values: minimum, maximum and average of each bucket, all the same for single readings.
    Texts: the newest of each bucket in all three.
    """

    tier: str  # "raw": each row is a reading; "bucket", "minute", "hour": each is several, made from that
    step: int | None  # how wide a row's bucket is; one without readings has no row. None for "raw"
    time: list[int]  # of a bucket, its start
    min: list[float] | list[str]
    max: list[float] | list[str]
    avg: list[float] | list[str]
    counts: list[int] | None  # of how many readings each row is made. None for "raw": of one


class PagePlace(NamedTuple):
    """Where a page ended: at a time (µs, UTC), with so many of its readings given."""

    time: int
    given: int


class Page(NamedTuple):
    """Readings by time, and where the next page begins; None after the last one."""

    time: list[int]
    value: list[float] | list[str]
    next: PagePlace | None


# Moving


class Format(StrEnum):
    """How values are written in a file."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


class Series(NamedTuple):
    """A metric to export, with the names that people know it by."""

    number: int
    device: str
    metric: str
    type: MetricType


class Held(NamedTuple):
    """How much there is of one metric, and between which times (µs, UTC)."""

    series: Series
    rows: int
    first: int
    last: int


class Rows(NamedTuple):
    """Some values of a file, column by column."""

    line: np.ndarray  # where each stands in the file
    series: np.ndarray  # which of the file's series it belongs to
    time: np.ndarray  # µs, UTC
    received_at: np.ndarray  # µs, UTC; 0 where the file does not say
    value: np.ndarray  # NaN for texts
    text: np.ndarray  # objects; None where the value is no text
    nth: np.ndarray  # of equal values: 1 for the first, 2 for the second …

    def take(self, chosen: np.ndarray) -> "Rows":
        """The rows at these positions."""
        return Rows(*(column[chosen] for column in self))


class Lacking(NamedTuple):
    """Which of some rows the history does not hold, and how many are older than what it keeps."""

    chosen: np.ndarray  # positions
    forgotten: int

"""What a history is, for those who use one; and the values that go in and come out.

No cursor, no connection and no type of a driver is in here. The hub's own history is `EmbeddedHistory`, in
duckdb/history.py; another one has to do what `History` says. Group commit, the open batch and waiting for a
commit are shared: see group.py, batch.py and commit.py.
"""

from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np

from hub.history.batch import Batch
from hub.history.commit import Commit
from hub.model import Device, Metric, MetricType, Rejection, SequenceMark, Value

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


# Keeping


class KeptFor(NamedTuple):
    """How long a device's values are kept in each tier, µs; 0: for ever. A coarser one at least as long."""

    sealed: int
    minutes: int
    hours: int


Policy = Callable[[], Mapping[int, KeptFor]]
"""How long values stay, by Device.number, for every device."""


class Keeping(Protocol):
    """Seals, compacts and forgets, beside everything else."""

    async def run(self) -> None:
        """Keep until cancelled."""

    async def step(self) -> bool:
        """Do the next piece of work, if any; whether there was. Raises StoreError."""


# Changing a type


class Preview(NamedTuple):
    """What a change of type would make of the values stored."""

    values: int
    lost: int
    examples: list[tuple[str, int]]  # of values that would be lost, and how many there are of each


# Copying


class Copied(NamedTuple):
    """What the copy of a history holds."""

    values: int
    batches: int  # the last one that is in it


# Storing


class JournalSize(NamedTuple):
    """How much waits in a journal for its place in the history, and how much may wait there. Bytes."""

    bytes: int
    bytes_max: int  # beyond it nothing is stored until there is room again


# All of it


class History(Protocol):
    """The readings' store. All methods are for the loop's thread; those that wait raise StoreError.

    Times are µs UTC, from `start` up to, not including, `end`. Answers have everything that was accepted
    before they were asked for, also what is on its way to the disk.
    """

    commits: int  # since the start
    waits_s: deque[float]  # how long each of the last commits took, from its first reading on

    # For intake

    @property
    def batch(self) -> Batch:
        """The open batch, to be filled at once and without an await."""

    @property
    def stored(self) -> Commit:
        """Done when everything appended so far is on disk."""

    @property
    def pending(self) -> int:
        """How many readings are not on disk yet."""

    @property
    def failure(self) -> str | None:
        """Why nothing can be stored at present; None while all is well."""

    @property
    def behind(self) -> str | None:
        """Why what is in the journal does not get to its place for good; None while it does, and always
        where there is no journal. Nothing is lost.
        """

    @property
    def journal(self) -> JournalSize | None:
        """What waits for its place; None where there is no journal, and so nothing waits."""

    @property
    def syncs(self) -> int:
        """How often something was synced to the disk since the start."""

    @property
    def waiting_s(self) -> float:
        """How long the oldest reading that is not on disk has waited."""

    async def room(self, pending_max: int) -> None:
        """Wait until less than `pending_max` readings are on their way to the disk."""

    async def metrics(self) -> list[Metric]:
        """All metrics, by number."""

    async def highest_metric(self) -> int:
        """The highest number that a metric was ever given: none is given twice."""

    async def sequences(self) -> dict[int, SequenceMark]:
        """How far each device had counted its readings, by its number."""

    async def latest(self) -> list[Latest]:
        """The newest value of every metric."""

    # For queries

    async def range(self, metric: Metric, start: int, end: int, points: int) -> Columns:
        """One metric, in at most about `points` rows: readings where they are few, else buckets."""

    async def ranges(self, metrics: Iterable[Metric], start: int, end: int, points: int) -> list[Columns]:
        """The same of several metrics, in their order."""

    async def raw(self, metric: Metric, start: int, end: int, after: PagePlace | None, limit: int) -> Page:
        """A page of the readings of one metric, by time; each comes on exactly one page."""

    async def rejections(self, device: Device, limit: int) -> list[Rejection]:
        """A device's newest rejections, newest first."""

    async def preview(self, metric: Metric, kind: MetricType) -> Preview:
        """What would become of the values of a metric if this were its type."""

    async def count(self, *metrics: Metric) -> int:
        """How many values of these metrics are stored, each as it came."""

    # For moving: long, and in nobody's way

    async def held(self, series: Sequence[Series], start: int, end: int) -> list[Held]:
        """Of which of these metrics there is something, and how much."""

    def pages(self, found: Sequence[Held], written: Format, *, guarded: bool = False) -> AsyncIterator[bytes]:
        """The values as lines of text, page by page; CSV begins with its header.

        `guarded`: with ' before what spreadsheets take for a formula.
        """

    async def write_parquet(self, found: Sequence[Held], path: Path) -> None:
        """The values as a Parquet file at `path`."""

    async def lacking(self, rows: Rows, metrics: np.ndarray) -> Lacking:
        """Which of these rows of a file the history does not hold; `metrics` has each row's metric number."""

    async def copy(self, path: Path) -> Copied:
        """A consistent copy at `path`, which grows while others go on."""

    # For keeping

    def keeper(self, kept: Policy, clock: Callable[[], int]) -> Keeping:
        """What brings values to rest and forgets those that are over; it is to be run beside the rest."""

"""A batch comes back from the journal as it went in, whatever it holds."""

import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.history.batch import Batch, Retyped
from hub.history.commit import Commit
from hub.history.journal.record import decode, encode
from hub.history.journal.segment import RECORD_MAGIC, SegmentHeader, pack
from hub.model import Metric, MetricType, Rejection, SequenceMark, Thresholds
from tests.history.journals import _LOOP, HISTORY, batch_of, found, write
from tests.history.rows import T0

INT32 = st.integers(-(2**31), 2**31 - 1)
INT64 = st.integers(-(2**63), 2**63 - 1)
FINITE = st.none() | st.floats(allow_nan=False, allow_infinity=False)
TYPES = st.sampled_from(MetricType)
TEXT = st.text(max_size=20)  # also with zeros, line ends, and characters of four bytes

ROWS: st.SearchStrategy[list[tuple[Any, ...]]] = st.lists(st.tuples(INT32, INT64, st.floats()), max_size=5)
RUNS = st.tuples(INT64, INT64, ROWS)
METRICS = st.builds(
    Metric,
    INT32,
    INT32,
    TEXT,
    TYPES,
    st.none() | TEXT,
    FINITE,
    FINITE,
    st.none() | st.integers(0, 15),
    st.builds(Thresholds, FINITE, FINITE, FINITE, FINITE),
)
REJECTIONS = st.builds(Rejection, INT32, INT64, TEXT, TEXT, TEXT, st.binary(max_size=20))


def held(batch: Batch) -> dict[str, object]:
    """All that a batch holds, without what belongs to the process. Values as bytes, for NaN is not NaN."""
    of_the_process = {"stored", "began_s"}
    kept = {name: getattr(batch, name) for name in Batch.__slots__ if name not in of_the_process}
    return {**kept, "value": batch.value.tobytes()}


@st.composite
def batches(draw: st.DrawFn) -> Batch:
    batch = Batch(draw(st.integers(0, 2**63)), Commit(loop=_LOOP))
    for device, received_at, rows in draw(st.lists(RUNS, max_size=4)):
        metrics, times, values = ([row[column] for row in rows] for column in range(3))
        batch.add(device, received_at, metrics, times, values)
    batch.texts = draw(st.lists(st.tuples(INT32, INT32, INT64, INT64, TEXT), max_size=3))
    batch.metrics = {metric.number: metric for metric in draw(st.lists(METRICS, max_size=3))}
    marks = st.builds(SequenceMark, INT64, INT64, INT64, INT64)
    batch.sequences = draw(st.dictionaries(INT32, marks, max_size=3))
    batch.rejections = draw(st.lists(REJECTIONS, max_size=3))
    batch.removed = draw(st.sets(INT32, max_size=3))
    batch.removed_metrics = draw(st.sets(INT32, max_size=3))
    batch.retyped = draw(st.lists(st.builds(Retyped, INT32, TYPES, INT32, TYPES), max_size=3))
    batch.readings = draw(st.integers(0, 2**32 - 1))
    return batch


@given(batches())
def test_a_batch_comes_back_as_it_went_in(batch: Batch) -> None:
    again = decode(batch.number, encode(batch), batch.stored)
    assert held(again) == held(batch)
    assert all(type(kept) is type(came) for kept, came in zip(again.texts, batch.texts, strict=True))


def test_values_that_look_like_a_record_are_values(tmp_path: Path) -> None:
    """A device chooses its values, bit by bit; what it cannot know is the checksum of the file's header."""
    seeds = {SegmentHeader(HISTORY, 1).seed, SegmentHeader(HISTORY, 2).seed, SegmentHeader(bytes(16), 1).seed}
    assert len(seeds) == 3
    guesses = (0, 0x2144DF1C)  # the second: of every text that ends with its own checksum
    for guess in guesses:
        forged = pack(guess, 3, encode(batch_of(3, 666.0)))
        forged += bytes(-len(forged) % 8)
        values = [value for (value,) in struct.iter_unpack("<d", forged)]
        folder = tmp_path / str(guess)
        [path] = write(folder, batch_of(1, 1.0), batch_of(2, *values))
        content = bytearray(path.read_bytes())
        start = content.index(RECORD_MAGIC, content.index(RECORD_MAGIC) + 1)
        content[start + 4] ^= 1  # the last record is torn; what looks like one is in it
        path.write_bytes(content)
        assert found(folder) == [[1.0]]


@pytest.mark.parametrize("count", [1, 40, 200, 1_000])
def test_a_batch_is_compressed_where_that_spares_the_disk_something(count: int) -> None:
    batch = Batch(7, Commit(loop=_LOOP))
    for place in range(count):
        batch.add(place % 50, T0 + 7 * place, [place], [T0 + 1_000 * place], [20.0 + place / 100])
    batch.readings = count
    content = encode(batch)
    assert held(decode(7, content, batch.stored)) == held(batch)
    assert (len(content) < 44 * count / 2) == (count in (40, 200))

"""One batch as bytes. All integers are little-endian; the format is described in docs/operating.md.

    counts      6 × uint32: readings, runs, values, sequence marks, bytes of the rest, and 1 if what follows
                is compressed by zlib, else 0
    runs        3 × int64 each: device, received_at (µs, UTC), how many values
    times       int64 each: µs, UTC
    values      float64 each
    sequences   5 × int64 each: device, and the fields of SequenceMark
    metrics     int32 each: of each value
    the rest    JSON, for what is rare: texts, metrics, rejections, removals, changes of type

The columns lie there as they lie in memory: 2 µs a batch, and nothing that grows with the number of values.
What is neither tiny nor large is compressed, to two fifths in 60 to 300 µs: a batch of a second that fills a
good part of a page by itself, as an SD card gets it with `store.commit_interval_ms = 1000`.
"""

import struct
import sys
import zlib
from array import array
from base64 import b64decode, b64encode
from itertools import chain
from typing import Any

import orjson

from hub.errors import StoreError
from hub.history.batch import Batch, Retyped
from hub.history.commit import Commit
from hub.model import Metric, MetricType, Rejection, SequenceMark, Thresholds

_COUNTS = struct.Struct("<6I")
_COMPRESSED_MIN, _COMPRESSED_MAX = 1_024, 16_384  # bytes
_FASTEST = 1
_RUN = 3  # fields
_MARK = 1 + len(SequenceMark._fields)
_NO_MARKS = array("q")


def encode(batch: Batch) -> bytes:
    """The batch, without its number."""
    # For a quiet hub's one reading each call here is cold, and costs as much as a sixth of its fdatasync.
    marks = _marks(batch) if batch.sequences else _NO_MARKS
    rest = _rest(batch) if batch.has_rare else b""
    counts = batch.readings, len(batch.runs) // _RUN, len(batch.time), len(batch.sequences), len(rest)
    columns = batch.runs, batch.time, batch.value, marks, batch.metric
    size = 8 * (len(batch.runs) + 2 * len(batch.time) + len(marks)) + 4 * len(batch.metric) + len(rest)
    if _COMPRESSED_MIN <= size <= _COMPRESSED_MAX:
        return _COUNTS.pack(*counts, 1) + zlib.compress(b"".join((*columns, rest)), _FASTEST)
    return b"".join((_COUNTS.pack(*counts, 0), *columns, rest))


def decode(number: int, content: bytes, stored: Commit) -> Batch:
    """The batch that `encode` wrote. Raises StoreError where the content is something else."""
    batch = Batch(number, stored)
    try:
        batch.readings, runs, values, sequences, rest, is_compressed = _COUNTS.unpack_from(content)
        content = content[_COUNTS.size :]
        if is_compressed:
            content = zlib.decompress(content)
        marks = array("q")
        position = 0
        columns = (
            (batch.runs, runs * _RUN),
            (batch.time, values),
            (batch.value, values),
            (marks, sequences * _MARK),
            (batch.metric, values),
        )
        for column, count in columns:
            end = position + count * column.itemsize
            column.frombytes(content[position:end])
            position = end
        if len(content) != position + rest or sum(batch.runs[_RUN - 1 :: _RUN]) != values:
            raise StoreError("its parts do not fill it")
        for start in range(0, len(marks), _MARK):
            device, *mark = marks[start : start + _MARK]
            batch.sequences[device] = SequenceMark(*mark)
        if rest:
            _take_rest(batch, orjson.loads(content[position:]))
    except (struct.error, zlib.error, ValueError, TypeError, AttributeError) as error:
        raise StoreError(f"it is not understood: {error}") from error
    return batch


def refuse_other_machines() -> None:
    """Raises StoreError where memory is not little-endian."""
    if sys.byteorder != "little":
        raise StoreError("journal: this machine's byte order is not supported; little-endian is wanted")


def _marks(batch: Batch) -> "array[int]":
    return array("q", chain.from_iterable((device, *mark) for device, mark in batch.sequences.items()))


def _rest(batch: Batch) -> bytes:
    rest: dict[str, Any] = {}
    if batch.texts:
        rest["texts"] = batch.texts
    if batch.metrics:
        rest["metrics"] = [_metric(metric) for metric in batch.metrics.values()]
    if batch.rejections:
        rest["rejections"] = [
            [one.device, one.received_at, one.code, one.message, one.source, b64encode(one.raw).decode()]
            for one in batch.rejections
        ]
    if batch.removed:
        rest["removed"] = list(batch.removed)
    if batch.removed_metrics:
        rest["removed_metrics"] = list(batch.removed_metrics)
    if batch.retyped:
        rest["retyped"] = [list(one) for one in batch.retyped]
    return orjson.dumps(rest) if rest else b""


def _metric(metric: Metric) -> list[object]:
    return [
        metric.number,
        metric.device,
        metric.name,
        metric.type,
        metric.unit,
        metric.minimum,
        metric.maximum,
        metric.decimals,
        list(metric.thresholds),
    ]


def _take_rest(batch: Batch, rest: dict[str, Any]) -> None:
    batch.texts = [tuple(text) for text in rest.get("texts", ())]
    for number, device, name, kind, unit, low, high, decimals, thresholds in rest.get("metrics", ()):
        batch.metrics[number] = Metric(
            number, device, name, MetricType(kind), unit, low, high, decimals, Thresholds(*thresholds)
        )
    batch.rejections = [
        Rejection(device, received_at, code, message, source, b64decode(raw))
        for device, received_at, code, message, source, raw in rest.get("rejections", ())
    ]
    batch.removed = set(rest.get("removed", ()))
    batch.removed_metrics = set(rest.get("removed_metrics", ()))
    batch.retyped = [
        Retyped(old, MetricType(old_type), new, MetricType(new_type))
        for old, old_type, new, new_type in rest.get("retyped", ())
    ]

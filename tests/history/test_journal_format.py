"""The journal's format is as docs/operating.md has it: read here by that page alone."""

import base64
import json
import struct
import zlib
from pathlib import Path

from hub.history.batch import Retyped
from hub.model import Metric, MetricType, Rejection, SequenceMark, Thresholds
from tests.history.journals import HISTORY, RUN, batch_of, write


def test_a_file_reads_as_the_document_says(tmp_path: Path) -> None:
    batch = batch_of(7, 20.5, -1.25)
    batch.texts.append((3, 4, 5, 6, "mäßig"))
    batch.metrics[4] = Metric(
        4, 3, "mode", MetricType.TEXT, "°C", -5.0, 90.5, 2, Thresholds(None, 1.0, 2.0, None)
    )
    batch.sequences[3] = SequenceMark(17, 2, 9, 1_000)
    batch.rejections.append(Rejection(3, 6, "type", "no number", "mqtt", b"\0\xff"))
    batch.removed.add(8)
    batch.removed_metrics.add(9)
    batch.retyped.append(Retyped(4, MetricType.TEXT, 10, MetricType.NUMBER))
    batch.readings = 11
    [path] = write(tmp_path / "journal", batch)
    assert path.name == "00000000000000000007.journal"
    found = path.read_bytes()

    fields = struct.unpack("<8sI4s16sQ16s4sI", found[:64])
    magic, version, zeros, history, first, run, more_zeros, checksum = fields
    assert (magic, version, history, first, run) == (b"HUBJRNL\n", 1, HISTORY, 7, RUN)
    assert zeros + more_zeros == bytes(8)
    assert checksum == zlib.crc32(found[:60])
    seed = zlib.crc32(found[:40] + bytes(20))

    magic, length, number, of_content, of_head = struct.unpack("<4sIQII", found[64:88])
    content = found[88 : 88 + length]
    assert (magic, number) == (b"HREC", 7)
    assert of_content == zlib.crc32(content, seed)
    assert of_head == zlib.crc32(found[64:84], seed)
    assert not any(found[88 + length :])

    readings, runs, values, marks, rest, is_compressed = struct.unpack("<6I", content[:24])
    assert (readings, runs, values, marks, is_compressed) == (11, 1, 2, 1, 0)
    columns = struct.unpack(f"<{3 * runs}q{values}q{values}d{5 * marks}q{values}i", content[24:-rest])
    assert columns == (1, batch.runs[1], 2, *batch.time, 20.5, -1.25, 3, 17, 2, 9, 1_000, 1, 1)
    assert json.loads(content[-rest:]) == {
        "texts": [[3, 4, 5, 6, "mäßig"]],
        "metrics": [[4, 3, "mode", "text", "°C", -5.0, 90.5, 2, [None, 1.0, 2.0, None]]],
        "rejections": [[3, 6, "type", "no number", "mqtt", base64.b64encode(b"\0\xff").decode()]],
        "removed": [8],
        "removed_metrics": [9],
        "retyped": [[4, "text", 10, "number"]],
    }


def test_what_is_compressed_is_the_same_by_zlib(tmp_path: Path) -> None:
    batch = batch_of(7, *([20.5] * 100))
    [path] = write(tmp_path / "journal", batch)
    found = path.read_bytes()
    content = found[88 : 88 + int.from_bytes(found[68:72], "little")]
    _, runs, values, marks, rest, is_compressed = struct.unpack("<6I", content[:24])
    assert (runs, values, marks, rest, is_compressed) == (1, 100, 0, 0, 1)
    columns = struct.unpack("<3q100q100d100i", zlib.decompress(content[24:]))
    assert columns == (*batch.runs, *batch.time, *batch.value, *batch.metric)

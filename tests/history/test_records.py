"""Every line of a file ends up in a record, or is refused by its number: whatever ends lines, and wherever
quotes stand.
"""

import csv
import io
import tempfile
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub.errors import Unreadable
from hub.history.duckdb.records import (
    BLOCK_BYTES,
    RECORD_MAX_BYTES,
    Plain,
    RowFault,
    plain_csv,
    plain_lines,
    read_header,
)
from tests.rounds import rounds

NAMES = ["time", "a", "b"]
ENDS = ["\n", "\r\n", "\r"]
fields = st.text(st.sampled_from('ab,"\r\n é🙂=') | st.characters(codec="utf-8"), max_size=8)
records = st.tuples(fields, fields, fields).filter(lambda record: any(field.strip() for field in record))
ends = st.sampled_from(ENDS)


def written(record: tuple[str, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerow(record)
    return text.getvalue().removesuffix("\r\n")


def made_of(content: bytes, *, lines: bool = False) -> tuple[Plain, list[list[str]], list[RowFault]]:
    """What became of the content, the records, and what is wrong with the others."""
    faults: list[RowFault] = []
    given_up = threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "source", Path(folder) / "target"
        source.write_bytes(content)
        if lines:
            plain = plain_lines(source, target, given_up, faults.extend)
            return plain, [[line] for line in target.read_bytes().decode().split("\n")[:-1]], faults
        plain = plain_csv(source, target, read_header(source), given_up, faults.extend)
        taken = io.StringIO(target.read_bytes().decode(), newline="")
        return plain, list(csv.reader(taken, strict=True)), faults


def line_numbers(plain: Plain) -> list[int]:
    found: list[int] = plain.lines(np.arange(plain.count)).tolist()
    return found


@settings(max_examples=rounds(60))
@given(st.lists(st.tuples(records, ends, st.integers(0, 2)), max_size=12), st.booleans(), st.booleans(), ends)
def test_good_records_come_through_with_their_lines(
    rows: list[tuple[tuple[str, str, str], str, int]], has_bom: bool, ends_open: bool, head_end: str
) -> None:
    text, wanted_lines = ",".join(NAMES) + head_end, []
    for record, end, blanks in rows:
        wanted_lines.append(1 + len(text.encode().splitlines()))
        text += written(record) + end + "\n" * blanks * (end != "\r")
    if ends_open and rows:
        text = text.rstrip("\r\n")
    plain, found, faults = made_of((b"\xef\xbb\xbf" if has_bom else b"") + text.encode())
    assert faults == []
    assert found == [list(record) for record, _, _ in rows]
    assert line_numbers(plain) == wanted_lines


BAD = ['"', '1,"b,c', '1,b"', '"1"x,b,c', "1", "1,2,3,4", '1,b,c"d', '1,"b""', ',,"']


@settings(max_examples=rounds(60))
@given(st.sampled_from(BAD), st.integers(0, 30), st.integers(0, 30), ends)
def test_a_bad_line_costs_nothing_but_itself(bad: str, before: int, after: int, end: str) -> None:
    good = [f"{number},x,{number}" for number in range(before + after)]
    lines = [",".join(NAMES), *good[:before], bad, *good[before:]]
    plain, found, faults = made_of(end.join(lines).encode())
    assert [row for row in found if row[1] == "x"] == [line.split(",") for line in good]
    assert plain.count + plain.refused == len(good) + 1
    assert all(fault.line == before + 2 for fault in faults)


pieces = st.sampled_from(['"', '""', ",", "\n", "\r", "\r\n", "a", "1", " ", "é"])


@settings(max_examples=rounds(100))
@given(st.lists(pieces, max_size=60).map("".join))
def test_every_line_is_in_a_record_or_refused_or_blank(text: str) -> None:
    content = (",".join(NAMES) + "\n" + text).encode()
    plain, found, faults = made_of(content)
    lines = content.splitlines()
    in_records = sum(1 + sum(len((field + "x").encode().splitlines()) - 1 for field in row) for row in found)
    blank = [number for number, line in enumerate(lines, 1) if not line.strip()]
    taken = set(line_numbers(plain)) | {fault.line for fault in faults}
    assert len(taken) == plain.count + len(faults)
    assert plain.refused == len(faults)
    assert len(found) == plain.count
    assert 1 + in_records + plain.refused <= len(lines) <= 1 + in_records + plain.refused + len(blank)


def test_blocks_and_long_lines_are_cut_where_lines_end() -> None:
    row = "1,x,y\r\n"
    count = 3 * BLOCK_BYTES // len(row)
    long = "1," + "x" * (3 * BLOCK_BYTES) + ",2\r\n"
    text = ",".join(NAMES) + "\r\n" + row * count + long + row + '1,"two\r\nlines",y\r\n' + row
    plain, found, faults = made_of(text.encode())
    assert (plain.count, plain.refused) == (count + 3, 1)
    assert faults == [(count + 2, f"it is longer than {RECORD_MAX_BYTES} bytes")]
    assert found[-2:] == [["1", "two\r\nlines", "y"], ["1", "x", "y"]]
    assert line_numbers(plain)[-3:] == [count + 3, count + 4, count + 6]


def test_a_quote_that_is_never_closed_is_followed_only_so_far() -> None:
    row = "1,x,y\n"
    count = 4 * RECORD_MAX_BYTES // len(row)
    plain, _, faults = made_of((",".join(NAMES) + '\n1,"x,y\n' + row * count).encode())
    assert (plain.count, plain.refused, faults[0].line) == (count, 1, 2)


def test_bytes_that_are_no_text_cost_their_line() -> None:
    content = b"time,a,b\n1,x,y\n1,\xff,y\n1,x,y\n" + b'1,"\xff",y\n1,x,y\n'
    plain, found, faults = made_of(content)
    assert (plain.count, plain.refused) == (3, 2)
    assert [fault.line for fault in faults] == [3, 5]
    assert len(found) == 3


@example([("\x0c0", "\n"), ("  {", "\r"), (" ", "\n"), ("1", "\r\n")])
@given(
    st.lists(
        st.tuples(st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x01"), min_size=1), ends),
        max_size=9,
    )
)
def test_lines_of_json_are_told_apart_by_any_end(lines: list[tuple[str, str]]) -> None:
    kept = [(number, text) for number, (text, _) in enumerate(lines, 1) if text.encode().strip()]
    plain, found, _faults = made_of("".join(text + end for text, end in lines).encode(), lines=True)
    assert found == [[text] for _, text in kept]
    assert line_numbers(plain) == [number for number, _ in kept]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "names each column once"),
        (b"\n1,2\n", "names each column once"),
        (b"a,b,a\n", "names each column once"),
        (b"time;value\n1;2\n", "separated by commas"),
        (b"time\tvalue\n", "separated by commas"),
        ("time,value\n".encode("utf-16"), "UTF-16"),
        (b'"time,value\n1,2\n', "no CSV"),
        (b"\xc3,value\n1,2\n", "no CSV"),
    ],
)
def test_a_first_line_that_is_none_is_told(content: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        made_of(content)

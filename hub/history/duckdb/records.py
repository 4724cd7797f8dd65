"""A file's text made plain for DuckDB: one record a line, none of them wrong, and where each one stood.

Theory. Lines end in LF, CRLF, CR, or a mix of them. A text in quotes may go over several lines; so a quote
that stands there by mistake would swallow what follows, up to the next quote, or to the end. Here a record
that is opened and does not end well costs its first line alone: that line is refused, and the ones after it
are read again, each by itself. Good records of a line each, which are most, are passed on many at a time; the
others take 1 to 3 µs each.
"""

import csv
import re
import threading
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from hub.errors import StoreError, Unreadable

BLOCK_BYTES = 1_048_576
RECORD_MAX_BYTES = 262_144  # a longer one is refused; and so far an open quote is followed
FAULTS_MAX = 20  # named in a summary; all are told to who asks
FAULTS_HELD = 4096  # in memory
BOM = b"\xef\xbb\xbf"
_COMMA = 44
_NO_SEPARATOR = 1  # a line of JSON holds no such byte, for control characters are written as \u0001
_CLOSING = re.compile(rb'[^"]*+(?:""[^"]*+)*+"')
_FIELD = rb'(?:"[^"\r\n]*+(?:""[^"\r\n]*+)*+"|[^",\r\n]*+)'  # of a record that is a line
_JSON_LINE = rb"[^\S\r\n]*+[^\s\x01][^\x01\r\n]*+"
_LINE_END = re.compile(rb"\r\n|\r|\n")
_END = re.compile(rb"(?:\r\n|\r|\n)\Z")


class RowFault(NamedTuple):
    """Why a row of the file is not taken."""

    line: int
    message: str


class Header(NamedTuple):
    """The names in the first line, without blanks around them, and how long that line is."""

    names: list[str]
    bytes: int


Keep = Callable[[Sequence[RowFault]], None]


class Plain:
    """What became of the file: `count` records were written, in order. Faults go to `keep`, many at once."""

    def __init__(self, keep: Keep) -> None:
        self.count = 0
        self.refused = 0
        self._keep = keep
        self._faults: list[RowFault] = []
        # Where records and lines go on side by side: the first record of each stretch, and its line.
        self._records, self._lines = array("q"), array("q")

    def add(self, count: int, line: int) -> None:
        """So many records of a line each, from this line on."""
        if not self._records or line - self._lines[-1] != self.count - self._records[-1]:
            self._records.append(self.count)
            self._lines.append(line)
        self.count += count

    def refuse(self, line: int, message: str) -> None:
        """What stands in this line is no record."""
        self.refused += 1
        self._faults.append(RowFault(line, message))
        if len(self._faults) == FAULTS_HELD:
            self.flush()

    def flush(self) -> None:
        """Hand over the faults that are still held."""
        self._keep(self._faults)
        self._faults = []

    def lines(self, records: np.ndarray) -> np.ndarray:
        """The lines of records, which are counted from 0."""
        if not self._records:
            return records + 1  # of a Parquet file, which has rows instead
        starts = np.frombuffer(self._records, np.int64)
        found = np.searchsorted(starts, records, side="right") - 1
        return np.frombuffer(self._lines, np.int64)[found] + (records - starts[found])


def read_header(file: Path) -> Header:
    """The first line of a CSV file. Raises Unreadable."""
    with file.open("rb") as source:
        start = source.read(RECORD_MAX_BYTES)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Unreadable("the file is in UTF-16; UTF-8 is wanted")
    bom = len(BOM) if start.startswith(BOM) else 0
    line = next(iter(start[bom:].splitlines(keepends=True)), b"")
    try:
        names = [name.strip() for name in next(csv.reader([line.decode()], strict=True), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"the file is no CSV in UTF-8: {error}") from error
    if len(names) == 1 and (other := next((mark for mark in ";\t|" if mark in names[0]), "")):
        raise Unreadable(f"columns are separated by commas; the first line has {other!r}: {names[0][:200]}")
    if len(set(names)) < len(names) or not any(names):
        raise Unreadable(f"the first line names each column once; got {names[:50]}")
    return Header(names, bom + len(line))


def numbered_lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Every line with its number and its end, as they are counted here."""
    with file.open("rb") as source:
        number = 0
        for block in _blocks(source):
            for number, line in enumerate(block.splitlines(keepends=True), number + 1):  # noqa: B020
                yield number, line


def plain_csv(source: Path, target: Path, header: Header, given_up: threading.Event, keep: Keep) -> Plain:
    """Write the records after the header to `target`, each with its columns. Raises StoreError."""
    with source.open("rb") as read, target.open("wb") as write:
        read.seek(header.bytes)
        making = _Making(write, len(header.names), _COMMA, 2, keep)
        making.take_all(read, given_up)
        return making.made


def plain_lines(source: Path, target: Path, given_up: threading.Event, keep: Keep) -> Plain:
    """Write the lines of `source` that are records to `target`. Raises StoreError if given up."""
    with source.open("rb") as read, target.open("wb") as write:
        if read.read(len(BOM)) != BOM:
            read.seek(0)
        making = _Making(write, 1, _NO_SEPARATOR, 1, keep)
        making.take_all(read, given_up)
        return making.made


def _blocks(source: BinaryIO) -> Iterator[bytes]:
    """The file in pieces that end where a line does. A line that is much too long comes in several."""
    rest = b""
    while chunk := source.read(BLOCK_BYTES):
        block = rest + chunk
        # A CR at the end may be half a line's end.
        end = max(block.rfind(b"\n"), block.rfind(b"\r", 0, -1)) + 1
        if end:
            yield block[:end]
            rest = block[end:]
        elif len(block) > 2 * RECORD_MAX_BYTES:
            rest = block[: RECORD_MAX_BYTES + 1]  # it is refused as it is; more of it need not be kept
        else:
            rest = block
    if rest:
        yield rest


class _Making:
    """Reads blocks of the file and writes its records; `made` says what became of it."""

    def __init__(self, target: BinaryIO, columns: int, separator: int, line: int, keep: Keep) -> None:
        self.made = Plain(keep)
        self._target = target
        self._columns = columns
        self._separator = separator
        self._quotes = separator == _COMMA
        self._line = line  # number of the next one
        self._open: list[bytes] = []  # lines of a record that is not closed yet
        self._open_bytes = 0
        self._fields: list[bytes] = []  # of it, so far
        self._parts: list[bytes] = []  # of the field that is open
        record = _FIELD + (rb"," + _FIELD) * (columns - 1) if self._quotes else _JSON_LINE
        self._whole = re.compile(record)
        self._run = re.compile(rb"(?:" + record + rb"(?:\r\n|\n|\r))++")

    def take_all(self, source: BinaryIO, given_up: threading.Event) -> None:
        """All blocks; what is open at the end is refused."""
        for block in _blocks(source):
            if given_up.is_set():
                raise StoreError("import: it was given up")
            self._take(block)
        while self._open:
            again = self._refuse_open()
            self._line -= len(again)
            self._each(again)
        self.made.flush()

    def _take(self, block: bytes) -> None:
        position = 0
        is_text = _is_text(block) and len(max(block.splitlines(), key=len)) <= RECORD_MAX_BYTES
        while position < len(block):
            if is_text and not self._open and (run := self._run.match(block, position)):
                self._write_run(run[0])
                position = run.end()
            else:
                end = _LINE_END.search(block, position)
                line = block[position : end.end() if end else len(block)]
                position += len(line)
                self._each([line])

    # Runs of good records, a line each

    def _write_run(self, run: bytes) -> None:
        if b"\r" in run:
            run = run.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        count = run.count(b"\n")
        self._target.write(run)
        self.made.add(count, self._line)
        self._line += count

    def _refuse_unless_blank(self, line: bytes, number: int) -> None:
        if not line.strip():
            return
        if len(line) > RECORD_MAX_BYTES:
            self.made.refuse(number, f"it is longer than {RECORD_MAX_BYTES} bytes")
        elif self._separator == _NO_SEPARATOR:
            self.made.refuse(number, "it is not JSON")
        else:
            self._refuse_columns(number, line.count(b",") + 1)

    def _refuse_columns(self, number: int, got: int) -> None:
        hint = (
            "; a number is written with a point, and a text with a comma in quotes"
            if got > self._columns
            else ""
        )
        self.made.refuse(number, f"{self._columns} columns are wanted, got {got}{hint}")

    # Line by line

    def _each(self, lines: Sequence[bytes]) -> None:
        todo = deque(lines)
        while todo:
            line = todo.popleft()
            if again := self._continue(line) if self._open else self._begin(line):
                self._line -= len(again)
                todo.extendleft(reversed(again))

    def _begin(self, line: bytes) -> Sequence[bytes]:
        """A line that begins a record; the lines to read again, each by itself."""
        number = self._line
        self._line += 1
        content = _END.sub(b"", line)
        if not _is_text(content):
            self.made.refuse(number, "it is not text in UTF-8")
        elif not content.strip() or len(content) > RECORD_MAX_BYTES:
            self._refuse_unless_blank(content, number)
        elif self._whole.fullmatch(content):
            self._write(content, number)
        elif self._quotes and b'"' in content:
            self._fields, self._open, self._open_bytes = [], [line], len(line)
            return self._read_fields(content, 0)
        else:
            self._refuse_unless_blank(content, number)
        return ()

    def _continue(self, line: bytes) -> Sequence[bytes]:
        """One more line of a record whose quote is open."""
        self._line += 1
        self._open.append(line)
        self._open_bytes += len(line)
        if self._open_bytes > RECORD_MAX_BYTES or not _is_text(line):
            return self._refuse_open()
        return self._read_rest(_END.sub(b"", line), 0)

    def _read_fields(self, content: bytes, position: int) -> Sequence[bytes]:
        """Fields from this position on, which is where one begins. Each is kept as it is to be written."""
        while content[position : position + 1] != b'"':
            end = content.find(b",", position)
            field = content[position : end if end >= 0 else len(content)]
            self._fields.append(b'"%b"' % field.replace(b'"', b'""') if b'"' in field else field)
            if end < 0:
                return self._close()
            position = end + 1
        self._parts = [b'"']
        return self._read_rest(content, position + 1)

    def _read_rest(self, content: bytes, position: int) -> Sequence[bytes]:
        """The rest of a field in quotes, and the fields after it."""
        closing = _CLOSING.match(content, position)
        if closing is None:
            self._parts += content[position:], self._open[-1][len(content) :]
            return ()
        self._fields.append(b"".join((*self._parts, closing[0])))
        if closing.end() == len(content):
            return self._close()
        if content[closing.end() : closing.end() + 1] != b",":
            return self._refuse_open()
        return self._read_fields(content, closing.end() + 1)

    def _close(self) -> Sequence[bytes]:
        """The record is whole."""
        lines, self._open = self._open, []
        number = self._line - len(lines)
        if len(self._fields) == self._columns:
            self._write(b",".join(self._fields), number)
            return ()
        self._refuse_columns(number, len(self._fields))
        return lines[1:]

    def _refuse_open(self) -> Sequence[bytes]:
        lines, self._open = self._open, []
        self.made.refuse(
            self._line - len(lines),
            "a quote is open, or ends a text before its end; within a text in quotes it is written twice",
        )
        return lines[1:]

    def _write(self, record: bytes, line: int) -> None:
        self._target.write(record + b"\n")
        self.made.add(1, line)


def _is_text(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True

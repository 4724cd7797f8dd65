"""Which texts are numbers that a double holds: one rule, which Python and DuckDB apply alike."""

import math
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.history.duckdb.numbers import is_kept as is_kept_in_sql
from hub.model import Inexact, read_number

DOUBLES = st.floats(allow_nan=False, allow_infinity=False) | st.floats(2.0**53, 1e30)
WHOLE = st.integers(2**53 - 4, 2**53 + 40) | st.integers(-(10**25), 10**25) | st.integers(0, 10**320)
MANTISSAS = st.from_regex(r"-?[0-9]{1,25}(\.[0-9]{0,25})?(e[+-]?[0-9]{1,2})?", fullmatch=True)


def holds(text: str) -> bool:
    try:
        return read_number(text) is not None
    except Inexact:
        return False


@pytest.mark.parametrize(
    "text",
    [
        "0.1",
        "0.30000000000000004",
        "21.5",
        "9007199254740992",
        "9007199254740992.0",
        "9007199254740994.00",
        "6.02214076e23",
        "1e23",
        "1.7976931348623157e308",
        "99999999999999991611392.000000",
        "1e16",
        "9.9999999999999992e+22",
        "1.234567890123456789",
        "000123.450",
        "1795170094504.123456789",
    ],
)
def test_a_number_of_which_nothing_is_lost_is_kept(text: str) -> None:
    assert read_number(text) == float(text)


@pytest.mark.parametrize(
    "text",
    [
        "9007199254740993",
        "9007199254740993.0",
        "-9007199254740993.00",
        "9007199254740993e0",
        "1.0000000000000001e16",
        "90071992547409930e-1",
        "+9007199254740993.5",
        ".9007199254740993e16",
        "10000000000000000.1",
        "123456789012345678.5",
        "1" + "0" * 30 + "1.0",
    ],
)
def test_a_number_that_would_be_changed_is_refused_and_said_how_to_send(text: str) -> None:
    with pytest.raises(Inexact, match="send it as a text"):
        read_number(text)


@given(DOUBLES, st.integers(16, 40))
def test_what_a_program_writes_of_a_double_of_its_own_is_kept(value: float, digits: int) -> None:
    written = [repr(value), f"{value:.17g}", f"{value:.{digits}e}", f"{value:.3f}"]
    assert next(read_number(text) for text in written if "." in text or "e" in text) == value
    assert all(holds(text) for text in written)


@given(WHOLE, st.integers(0, 3))
def test_a_whole_number_is_kept_or_refused_however_it_is_written(number: int, zeros: int) -> None:
    """With a point it is a double's own number or it is none that a double gives back."""
    point = f"{number}.{'0' * zeros}"
    if holds(str(number)):
        assert holds(point)
    if math.isfinite(float(point)) and holds(point):
        again = f"{float(point):.{max(len(str(abs(number)).rstrip('0')) - 1, 0)}e}"
        assert Decimal(again) == number


@given(MANTISSAS | WHOLE.map(str) | WHOLE.map("{}.0".format) | DOUBLES.map(repr))
def test_sql_and_python_keep_the_same(text: str) -> None:
    value = float(text)
    if not math.isfinite(value):
        return
    rule = is_kept_in_sql("t", "t::DOUBLE")
    [(kept,)] = duckdb.execute(f"SELECT {rule} FROM (SELECT ?::VARCHAR AS t)", [text]).fetchall()
    if "e" in text or "." in text or abs(int(text)) < 2**126:
        assert kept == holds(text)
    else:
        assert holds(text) >= kept  # DuckDB has no longer whole numbers, and refuses them

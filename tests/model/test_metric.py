"""Names of metrics: one rule, which every engine that applies it reads alike."""

import re

import duckdb
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from hub.formats.json import decode
from hub.http.rest.shapes import MetricName
from hub.model import NAME_MAX, NAME_PATTERN, NAME_RULE, is_name

IN_REST = TypeAdapter(MetricName)
ODD = st.sampled_from(
    list("\x00\t\n\r\x1f \x7f\x85\x9f\xa0\u1680\u2028\u2029\u3000\ufeff\u200b.\"',;={}/%\\°温")
)
TEXTS = st.text(ODD | st.characters(exclude_categories=["Cs"]), max_size=8)


@pytest.mark.parametrize(
    "name",
    [
        "t",
        "temp °C",
        "温度",
        "a.b",
        "a.",
        "{x}",
        "a/b",
        "100 %",
        '"',
        "=1+1",
        "a,b",
        "🙂",
        "-",
        "n" * NAME_MAX,
    ],
)
def test_a_name_is_nearly_any_text(name: str) -> None:
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            " a",
            "a ",
            "a\xa0",
            "\u3000a",
            "\ufeffa",
            ".",
            "..",
            ".a",
            "a\nb",
            "a\x00",
            "a\x85b",
            "a\u2028b",
        ),
        "n" * (NAME_MAX + 1),
    ],
)
def test_a_name_that_would_be_lost_or_change_on_its_way_is_none(name: str) -> None:
    assert not is_name(name)
    with pytest.raises(ValidationError, match=re.escape(NAME_RULE)):
        IN_REST.validate_python(name)


def in_rest(text: str) -> bool:
    try:
        IN_REST.validate_python(text)
    except ValidationError:
        return False
    return True


@given(TEXTS)
def test_devices_rest_and_imports_judge_a_name_alike(text: str) -> None:
    expected = is_name(text)
    readings, refusals = decode(orjson.dumps({"values": {text: 1}}))
    assert [list(one.values) for one in readings] == ([[text]] if expected else [])
    assert [one.code for one in refusals] == ([] if expected else ["name"])
    assert in_rest(text) == expected
    with duckdb.connect() as connection:
        asked = "SELECT regexp_full_match(?, ?)"
        assert connection.execute(asked, [text, NAME_PATTERN]).fetchall() == [(expected,)]

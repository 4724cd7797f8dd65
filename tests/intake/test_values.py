"""How values are read: a bad one costs itself alone, words for no value are none, texts may be numbers."""

import asyncio
import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.config import ReadingsConfig
from hub.errors import Invalid
from hub.intake.known import MetricCheck
from hub.intake.values import ValueChecks
from hub.model import MetricType, Reading, Value
from tests.rooms import Clock, Rooms, open_rooms
from tests.rounds import rounds

NUMBER = MetricCheck(1, float, -math.inf, math.inf)
TEXT = MetricCheck(2, str, 0.0, 0.0)
TRUTH = MetricCheck(3, bool, -math.inf, math.inf)
PLAIN = ValueChecks(ReadingsConfig())
NUMERIC = ValueChecks(ReadingsConfig(numbers_in_text=True))
REFUSED = "refused"


@pytest.mark.parametrize(
    ("value", "new", "new_numeric", "number", "text", "truth"),
    [
        (1.5, 1.5, 1.5, 1.5, REFUSED, REFUSED),
        (True, True, True, REFUSED, REFUSED, True),
        ("on", "on", "on", REFUSED, "on", REFUSED),
        ("21.5", "21.5", 21.5, 21.5, "21.5", REFUSED),
        (" -1e3 ", " -1e3 ", -1000.0, -1000.0, " -1e3 ", REFUSED),
        (".5", ".5", 0.5, 0.5, ".5", REFUSED),
        ("1_000", "1_000", "1_000", REFUSED, "1_000", REFUSED),
        ("1,5", "1,5", "1,5", REFUSED, "1,5", REFUSED),
        ("0x10", "0x10", "0x10", REFUSED, "0x10", REFUSED),
        ("\u0661", "\u0661", "\u0661", REFUSED, "\u0661", REFUSED),
        ("inf", "inf", "inf", REFUSED, "inf", REFUSED),
        ("1e999", "1e999", "1e999", REFUSED, "1e999", REFUSED),
        ("9007199254740992", "9007199254740992", 2.0**53, 2.0**53, "9007199254740992", REFUSED),
        ("9007199254740993", "9007199254740993", "9007199254740993", REFUSED, "9007199254740993", REFUSED),
        *(
            (word, None, None, None, word, None)
            for word in ("", "unavailable", "unknown", "nan", "null", "none")
        ),
        *((word, None, None, None, word, None) for word in (" ", "NaN", "None", "UNAVAILABLE", " unknown ")),
    ],
)
def test_a_value_is_read_as_its_metric_wants_it(
    value: Value, new: Value | None, new_numeric: Value | None, number: object, text: object, truth: object
) -> None:
    def read(checks: ValueChecks, check: MetricCheck | None) -> Value | None:
        try:
            return checks.read(check, "a", value)
        except Invalid:
            return REFUSED

    found = [read(PLAIN, None), read(NUMERIC, None), *(read(PLAIN, check) for check in (NUMBER, TEXT, TRUTH))]
    expected = [new, new_numeric, number, text, truth]
    assert [(type(one), one) for one in found] == [(type(one), one) for one in expected]


def test_the_words_for_no_value_are_the_operators_own() -> None:
    checks = ValueChecks(ReadingsConfig(no_value=("N/A", "---")))
    assert [checks.read(None, "a", word) for word in ("n/a", "---", "unavailable", "")] == [
        None,
        None,
        "unavailable",
        "",
    ]


def test_a_number_out_of_a_text_is_held_to_the_range_of_its_metric() -> None:
    with pytest.raises(Invalid, match=r"^a: 11\.0 is outside"):
        PLAIN.read(MetricCheck(1, float, 0.0, 10.0), "a", "11")


async def test_a_first_value_that_is_none_decides_nothing(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    accept = rooms.ingest.accept
    first = accept(device, [Reading(None, {"temperature": "unavailable", "humidity": 50.0})], "mqtt")
    assert (first.accepted, list(first.refusals)) == (1, [])
    assert list(rooms.ingest.metrics(device)) == ["humidity"]
    accept(device, [Reading(None, {"temperature": 20.5, "humidity": "21"})], "mqtt")
    accept(device, [Reading(None, {"temperature": "unknown", "humidity": 22.0})], "mqtt")
    assert {name: one.type for name, one in rooms.ingest.metrics(device).items()} == {
        "humidity": MetricType.NUMBER,
        "temperature": MetricType.NUMBER,
    }
    snapshot = rooms.feed.device("boiler-1").snapshot()
    assert {name: value for name, (_, value) in snapshot.items()} == {"temperature": 20.5, "humidity": 22.0}


async def test_a_reading_of_nothing_but_words_for_no_value_is_refused_and_says_so(rooms: Rooms) -> None:
    device, _ = await rooms.add("boiler-1")
    receipt = rooms.ingest.accept(device, [Reading(None, {"a": "unavailable", "b": ""}, 4)], "mqtt")
    assert (receipt.accepted, [one.code for one in receipt.refusals]) == (0, ["empty"])
    assert receipt.refusals[0].message.startswith("a, b: ")
    await receipt.until_stored()
    assert rooms.feed.device("boiler-1").offset == 0


VALUES = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(max_size=5),
    st.sampled_from(["unavailable", "NaN", "", "21.5", "1e3", "9007199254740993"]),
)


@settings(max_examples=rounds(15), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), VALUES, min_size=1, max_size=6), min_size=1, max_size=8
    ),
    st.booleans(),
)
def test_every_value_is_kept_refused_by_name_or_a_word_for_none(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Value]], numbers_in_text: bool
) -> None:
    async def check() -> None:
        readings = ReadingsConfig(numbers_in_text=numbers_in_text)
        async with open_rooms(tmp_path_factory.mktemp("data"), Clock(), readings=readings) as rooms:
            device, _ = await rooms.add("boiler-1")
            for row in rows:
                before = rooms.ingest.counts.values
                receipt = rooms.ingest.accept(device, [Reading(None, row)], "http")
                stored = rooms.ingest.counts.values - before
                named = {one.metric for one in receipt.refusals if one.metric is not None}
                words = [
                    name
                    for name, value in row.items()
                    if isinstance(value, str) and value.strip().casefold() in WORDS
                ]
                assert receipt.accepted == (stored > 0)
                if receipt.accepted:
                    assert len(named) == len(receipt.refusals)
                    assert len(row) - len(words) <= stored + len(named) <= len(row)
                else:
                    assert [one.metric for one in receipt.refusals] == [None]
                for name, one in rooms.ingest.metrics(device).items():
                    latest = rooms.feed.device("boiler-1").snapshot()[name][1]
                    assert KINDS[type(latest)] is one.type

    asyncio.run(check())


WORDS = ReadingsConfig().no_value
KINDS = {float: MetricType.NUMBER, str: MetricType.TEXT, bool: MetricType.BOOLEAN}

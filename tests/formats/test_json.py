"""The hub's JSON: never raises, keeps every good reading, and says what is wrong with the others."""

import json
import math
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.formats.json import (
    DEPTH_MAX,
    MS_MAX,
    MS_MIN,
    REFUSALS_MAX,
    RUN_MIN,
    TEXT_MAX,
    VALUES_MAX,
    decode,
    decode_run,
)
from hub.model import NAME_MAX, RAW_MAX, Reading
from hub.model.rejection import FAULTS_MAX

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc", "Z"]), min_size=1, max_size=NAME_MAX).filter(
    lambda name: name not in ("ts", "seq", "values") and "." not in name
)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
SCALARS = NUMBERS | st.booleans() | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
VALUES = st.dictionaries(NAMES, SCALARS, min_size=1, max_size=6)
TIMES = st.integers(MS_MIN, 2**53 // 1000)  # to the year 2255: a double holds every µs until then
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(max_size=10) | st.sampled_from(["ts", "seq", "values", ""]), inner, max_size=5
        )
    ),
    max_leaves=20,
)


SHAPES = ["?", '{"ts":1451649600512,"seq":3,"values":?}', "[?]"]


def written(message: object) -> bytes:
    return json.dumps(message).encode()


def check(raw: bytes) -> None:
    """What holds of any message."""
    readings, refusals = decode(raw)
    assert readings or refusals
    for reading in readings:
        assert reading.time is None or MS_MIN * 1000 <= reading.time <= MS_MAX * 1000
        assert reading.seq is None or 0 <= reading.seq < 2**63
        assert 1 <= len(reading.values) <= VALUES_MAX
        for name, value in reading.values.items():
            assert 1 <= len(name) <= NAME_MAX
            assert type(value) in (float, str, bool)
            assert not isinstance(value, float) or math.isfinite(value)
            assert not isinstance(value, str) or len(value) <= TEXT_MAX
    for refusal in refusals:
        assert len(refusal.raw) <= RAW_MAX
        assert refusal.metric is None or (readings and len(refusal.metric) <= NAME_MAX)
        assert 0 < len(refusal.message) <= 1000
        assert refusal.code


@given(st.binary(max_size=200))
def test_random_bytes_never_raise(raw: bytes) -> None:
    check(raw)


@given(ANY_JSON)
@example({"values": {"values": {"values": 1}}})
@example({"ts": None, "seq": None, "values": None})
@example({"ts": 10**4000, "a": 1})
@example({"a": "\ud800"})
@example({"a": [float("nan"), {"b": float("inf")}]})
def test_any_json_never_raises(message: Any) -> None:
    check(written(message))


@given(VALUES, st.data())
def test_mutated_messages_never_raise(values: dict[str, Any], data: st.DataObject) -> None:
    raw = bytearray(written({"ts": MS_MIN, "values": values}))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(raw) - 1))
        raw[position : position + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not raw:
            break
    check(bytes(raw))


def same(found: dict[str, Any], sent: dict[str, Any]) -> bool:
    return found == sent and all(
        isinstance(found[name], bool) == isinstance(sent[name], bool) for name in sent
    )


@given(VALUES)
def test_values_alone_are_a_reading_without_a_time(values: dict[str, Any]) -> None:
    readings, refusals = decode(written(values))
    assert not refusals
    assert [(one.time, one.seq) for one in readings] == [(None, None)]
    assert same(readings[0].values, values)


@given(
    st.lists(
        st.tuples(VALUES, st.none() | TIMES, st.none() | st.integers(0, 2**63 - 1)), min_size=1, max_size=5
    )
)
def test_every_shape_of_a_reading_is_read_alone_and_in_an_array(
    sent: list[tuple[dict[str, Any], int | None, int | None]],
) -> None:
    shaped = []
    for position, (values, ts, seq) in enumerate(sent):
        head = {key: value for key, value in (("ts", ts), ("seq", seq)) if value is not None}
        shaped.append({**head, "values": values} if position % 2 else {**head, **values})
    expected = [(values, None if ts is None else ts * 1000, seq) for values, ts, seq in sent]
    for message in (shaped, *([one] for one in shaped)):
        readings, refusals = decode(written(message if message is shaped else message[0]))
        assert not refusals
        wanted = expected if message is shaped else [expected[shaped.index(message[0])]]
        assert [(one.time, one.seq) for one in readings] == [(time, seq) for _, time, seq in wanted]
        assert all(same(one.values, values) for one, (values, _, _) in zip(readings, wanted, strict=True))


@given(st.lists(st.tuples(VALUES, st.booleans()), min_size=1, max_size=8))
def test_good_readings_survive_beside_bad_ones(elements: list[tuple[dict[str, Any], bool]]) -> None:
    message = [values if good else {"ts": "now", **values} for values, good in elements]
    readings, refusals = decode(written(message))
    assert [one.values for one in readings] == [values for values, good in elements if good]
    assert [one.position for one in refusals] == [at for at, (_, good) in enumerate(elements) if not good]
    assert all(one.code == "time" and one.message.startswith("[") for one in refusals)


# What a device may send as a value and cannot be one, and how the refusal begins.
BAD_VALUES = st.sampled_from(
    [
        ("NaN", "not_finite"),
        ("-Infinity", "not_finite"),
        ("1e999", "not_finite"),
        (str(2**53 + 1), "inexact"),
        (str(-(2**63) - 1), "inexact"),
        ("1" + "0" * 400, "inexact"),
        ('"' + "x" * (TEXT_MAX + 1) + '"', "text_too_long"),
        ('{"b":' * DEPTH_MAX + "1" + "}" * DEPTH_MAX, "depth"),
    ]
)


@given(
    VALUES,
    st.dictionaries(NAMES.map("bad".__add__), BAD_VALUES, min_size=1, max_size=4),
    st.sampled_from(SHAPES),
)
def test_a_bad_value_costs_that_value_alone_and_its_refusal_names_it(
    values: dict[str, Any], bad: dict[str, tuple[str, str]], shape: str
) -> None:
    values = {name: value for name, value in values.items() if not name.startswith("bad")} or {"good": 1}
    bad = {name[: NAME_MAX - 1]: found for name, found in bad.items()}
    written_bad = ",".join(f"{json.dumps(name)}:{raw}" for name, (raw, _) in bad.items())
    readings, refusals = decode(shape.replace("?", f"{json.dumps(values)[:-1]},{written_bad}}}").encode())
    assert len(readings) == 1
    assert same(readings[0].values, values)
    assert {one.metric.partition(".")[0]: one.code for one in refusals if one.metric} == {
        name: code for name, (_, code) in bad.items()
    }
    assert len(refusals) == len(bad)
    for one in refusals:
        assert one.metric
        assert one.metric in one.message or repr(one.metric) in one.message


@given(
    st.integers(-(2**70), 2**70) | st.integers(2**53 - 4, 2**53 + 4).map(lambda n: n * (-1) ** n),
    st.booleans(),
)
def test_a_whole_number_is_kept_as_it_is_or_refused(number: int, beside: bool) -> None:
    message = {"n": number, **({"good": 1} if beside else {})}
    for raw in (written(message), written({"values": message}), written([message])):
        readings, refusals = decode(raw)
        if float(number) == number:
            assert (readings[0].values["n"], list(refusals)) == (number, [])
        else:
            assert [list(one.values) for one in readings] == ([["good"]] if beside else [])
            assert [(one.code, str(number) in one.message) for one in refusals] == [("inexact", True)]
            assert "as a text" in refusals[0].message
    alike = decode_run([written({"n": number})] * RUN_MIN)
    assert alike is None or [one.values["n"] for one in alike] == [number] * RUN_MIN


@pytest.mark.parametrize(
    "raw", [b'{"a":1}', b'{"ts":1451649600512,"values":{"a":1}}', b'[{"a":1},{"a":2}]', b"[]", b"x"]
)
def test_a_byte_order_mark_changes_nothing(raw: bytes) -> None:
    readings, refusals = decode(b"\xef\xbb\xbf" + raw)
    expected, refused = decode(raw)
    assert (readings, list(refusals)) == (expected, list(refused))


@given(
    st.recursive(SCALARS, lambda inner: st.dictionaries(NAMES, inner, min_size=1, max_size=3), max_leaves=8)
)
def test_objects_flatten_with_dots(tree: Any) -> None:
    def leaves(node: Any, path: str) -> dict[str, Any]:
        if not isinstance(node, dict):
            return {path: node}
        return {k: v for key, inner in node.items() for k, v in leaves(inner, f"{path}.{key}").items()}

    expected = leaves(tree, "top")
    readings, refusals = decode(written({"top": tree}))
    kept = {
        name: value
        for name, value in expected.items()
        if name.count(".") < DEPTH_MAX and len(name) <= NAME_MAX
    }
    assert [same(one.values, kept) for one in readings] == ([True] if kept else [])
    assert {one.code for one in refusals} <= {"depth", "name"}
    assert bool(refusals) == (kept != expected)


def test_arrays_stay_text_and_null_is_no_value() -> None:
    readings, refusals = decode(b'{"a":[1,"x",{"b":null}],"b":null,"c":{"d":null,"e":true}}')
    assert (readings, list(refusals)) == ([Reading(None, {"a": '[1,"x",{"b":null}]', "c.e": True})], [])


def test_fractions_of_milliseconds_are_kept() -> None:
    ((reading,), _) = decode(b'{"ts":1451649600512.25,"values":{"a":1}}')
    assert reading.time == 1_451_649_600_512_250


@pytest.mark.parametrize(
    ("raw", "code", "message"),
    [
        (b"", "unreadable", "not JSON"),
        (b"\xff\xfe", "unreadable", "not JSON"),
        (b'{"a":1', "unreadable", "not JSON"),
        (b"[" * 300 + b"]" * 300, "unreadable", "recursion"),
        (b"[]", "empty", "an empty array"),
        (b"{}", "empty", "no values"),
        (b'{"ts":1451649600512}', "empty", "no values"),
        (b"20.5", "type", "got a number"),
        (b'"x"', "type", "got a text"),
        (b"[null]", "type", "[0]: a reading is an object of values, got null"),
        (b'{"ts":1451649600,"a":1}', "time", "this looks like seconds"),
        (b'{"ts":"now","a":1}', "time", "ts: a number of milliseconds since 1970 is wanted, got a text"),
        (b'{"ts":true,"values":{"a":1}}', "time", "a truth value"),
        (b'{"ts":NaN,"values":{"a":1}}', "time", "ts"),
        (b'{"seq":-1,"a":1}', "seq", "seq: a whole number"),
        (b'{"seq":1.5,"values":{"a":1}}', "seq", "seq: a whole number"),
        (b'{"a":NaN}', "not_finite", "a: a finite number is wanted, got nan"),
        (b'{"a":1e999}', "not_finite", "got inf"),
        (b'{"values":{"a":{"b":-Infinity}}}', "not_finite", "a.b: a finite number"),
        (b'{"values":{},"b":2}', "beside_values", 'b: it stands beside "values", where nothing is taken'),
        (b'[{"seq":1,"values":{"a":null},"b":2}]', "beside_values", "[0].b: it stands"),
        (b'{"":1}', "name", "a metric's name"),
        (b'{" a":1}', "name", "no blank at its ends"),
        (b'{".a":1}', "name", "no dot at its start"),
        (b'{"":{"a":1}}', "name", "no dot at its start"),
        (b'{"a\\u0000b":1}', "name", "no control character"),
        (b'{"' + b"n" * (NAME_MAX + 1) + b'":1}', "name", "1 to 100"),
        (b'{"a":"' + b"x" * (TEXT_MAX + 1) + b'"}', "text_too_long", "a: 4097 characters"),
        (b'{"a":' * 9 + b"1" + b"}" * 9, "depth", "nested deeper than 8"),
        (json.dumps({str(n): 1 for n in range(VALUES_MAX + 1)}).encode(), "too_many", "1001 values"),
    ],
)
def test_what_is_wrong_is_said_with_code_and_place(raw: bytes, code: str, message: str) -> None:
    readings, (refusal,) = decode(raw)
    assert readings == []
    assert refusal.code == code
    assert message in refusal.message
    check(raw)


def test_a_message_of_nothing_but_faults_costs_bounded_refusals_and_says_how_many() -> None:
    good = b'{"a":1}'
    raw = b"[" + b"1," * 100_000 + good + b"]"
    readings, refusals = decode(raw)
    assert readings == [Reading(None, {"a": 1.0})]
    assert len(refusals) == REFUSALS_MAX + 1
    assert (refusals[-1].position, refusals[-1].code) == (-1, "too_many")
    more = f"{100_000 - REFUSALS_MAX} more readings of this message were refused, wholly or in part"
    assert refusals[-1].message == more


@given(VALUES, st.dictionaries(NAMES, SCALARS, min_size=1, max_size=4), st.booleans(), st.booleans())
def test_what_stands_beside_values_is_refused_by_name_and_the_values_are_taken(
    values: dict[str, Any], beside: dict[str, Any], has_time: bool, in_array: bool
) -> None:
    message = {**beside, **({"ts": MS_MIN} if has_time else {}), "values": values}
    readings, refusals = decode(written([message] if in_array else message))
    assert [same(one.values, values) for one in readings] == [True]
    assert [(one.code, one.metric) for one in refusals] == [("beside_values", name) for name in beside]


def test_many_bad_values_of_a_reading_are_counted() -> None:
    raw = b'{"good":1,' + b",".join(b'"n%d":NaN' % number for number in range(100)) + b"}"
    readings, refusals = decode(raw)
    assert readings == [Reading(None, {"good": 1.0})]
    assert len(refusals) == FAULTS_MAX + 1
    assert refusals[-1].message == f"{100 - FAULTS_MAX} more values of this reading were refused"


TIMED = st.fixed_dictionaries({"values": VALUES}, optional={"ts": TIMES, "seq": st.integers(0, 2**63 - 1)})
FLAT_RUN = st.lists(VALUES.map(written), min_size=RUN_MIN, max_size=RUN_MIN + 4)
TIMED_RUN = st.lists(TIMED.map(written), min_size=RUN_MIN, max_size=RUN_MIN + 4)
SCRAPS = st.text('{}[]",:\\\n 1ats', max_size=20).map(str.encode)


@given(FLAT_RUN | TIMED_RUN)
def test_a_run_of_one_usual_shape_is_read_as_its_messages_are(messages: list[bytes]) -> None:
    found = decode_run(messages)
    if found is None:  # a text or a name in it may be taken for that of a time or a number
        assert re.search(rb'\\|"(ts|seq|values)"', b"".join(messages))
    else:
        assert found == [decode(raw)[0][0] for raw in messages]


@given(
    FLAT_RUN | TIMED_RUN,
    st.lists(st.tuples(st.integers(0, RUN_MIN - 1), SCRAPS | ANY_JSON.map(written)), max_size=3),
)
@example([b"{}"] * RUN_MIN, [])
def test_a_run_says_nothing_that_its_messages_do_not_say(
    messages: list[bytes], changes: list[tuple[int, bytes]]
) -> None:
    for place, raw in changes:
        messages[place % len(messages)] = raw
    agreed(messages)


@given(
    FLAT_RUN | TIMED_RUN,
    st.lists(st.integers(0, 400), min_size=RUN_MIN, max_size=RUN_MIN + 4),
    st.sampled_from([b",", b",\n"]),
)
def test_messages_cut_anywhere_are_never_mended_by_their_neighbours(
    messages: list[bytes], cuts: list[int], between: bytes
) -> None:
    whole = between.join(messages)
    places = sorted({0, *(cut % len(whole) for cut in cuts), len(whole)})
    agreed([whole[start:end] for start, end in pairwise(places)])


@pytest.mark.parametrize(
    "messages",
    [
        [b'{"a":1},{"b":2', b'{"c":3}', b'"d":4}', b'{"e":5}'],
        [b'{"a":1},{"b":"}', b'{"}', b'{"c":3}', b'{"d":4}'],
        [b'{"a":1},\n{"b":2', b'"c":3}', b'{"d":4}', b'{"e":5}'],
        [b'{"a":1},{"b":2}', b"", b'{"c":3}', b'{"d":4}'],
        [b'{"a":[{}', b"{}]}", b'{"b":1},{"c":2}', b'{"d":4}'],
        [b'{"a":1}]', b'[{"b":2}', b'{"c":3}', b'{"d":4}'],
        [b'{"values":{"a":1}}', b'{"values":{"b":2}},{"values":{"c":3', b'{"d":1}}', b'{"values":{"e":1}}'],
        [b'{"\\u0074s":1}', b'{"b":2}', b'{"c":3}', b'{"d":4}'],
        [b'{"seq":1}', b'{"b":2}', b'{"c":3}', b'{"d":4}'],
    ],
)
def test_messages_made_to_fit_together_are_not_taken_for_a_run(messages: list[bytes]) -> None:
    usual = b'{"values":{"z":1}}' if b"values" in messages[0] else b'{"z":1}'
    assert decode_run([usual] * RUN_MIN) is not None
    assert decode_run(messages + [usual] * RUN_MIN) is None


def agreed(messages: list[bytes]) -> None:
    found = decode_run(messages)
    if found is not None:
        assert [([reading], ()) for reading in found] == [decode(raw) for raw in messages]

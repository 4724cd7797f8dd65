"""What a device says on its socket, and how refusals find their place in it: pure."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.http.device.messages import AttributesMessage, CommandResponse, ReadingsMessage, read
from hub.http.device.results import REFUSED_MAX, ReadingsResult, results
from hub.http.sockets import read_secret
from hub.model import Reading, Refusal


def at(position: int) -> Refusal:
    return Refusal(position, "range", "", b"")


@pytest.mark.parametrize(
    ("raw", "message_id", "values"),
    [
        (b'{"t": 1}', None, [{"t": 1.0}]),
        (b'{"id": 7, "t": 1}', 7, [{"t": 1.0}]),
        (b'{"id": "a", "ts": 1700000000000, "values": {"id": 3}}', "a", [{"id": 3.0}]),
        (b'{"id": 7, "readings": [{"t": 1}, {"t": 2}]}', 7, [{"t": 1.0}, {"t": 2.0}]),
        (b'{"readings": []}', None, []),
        (b'{"type": "pump", "t": 1}', None, [{"type": "pump", "t": 1.0}]),
        (b'{"type": "response", "t": 1}', None, [{"type": "response", "t": 1.0}]),
        (b'[{"id": 1, "t": 1}]', None, [{"id": 1.0, "t": 1.0}]),
    ],
)
def test_readings_come_with_the_id_of_their_message(
    raw: bytes, message_id: object, values: list[dict[str, object]]
) -> None:
    message = read(raw)
    assert isinstance(message, ReadingsMessage)
    assert (message.id, [reading.values for reading in message.readings]) == (message_id, values)


def test_what_stands_beside_readings_is_refused_by_name_and_the_readings_are_taken() -> None:
    message = read(b'{"id": 7, "ts": 1700000000000, "readings": [{"t": 1}, {"t": []}], "t": 2}')
    assert isinstance(message, ReadingsMessage)
    assert (message.id, [one.values for one in message.readings]) == (7, [{"t": 1.0}, {"t": "[]"}])
    assert [(one.position, one.code, one.metric) for one in message.refusals] == [
        (-1, "beside_readings", "ts"),
        (-1, "beside_readings", "t"),
    ]


@pytest.mark.parametrize(
    "raw", [b'{"t": 1}', b'{"id": 7, "t": 1}', b'{"type": "attributes", "values": {"a": 1}}', b"[]"]
)
def test_a_byte_order_mark_changes_nothing(raw: bytes) -> None:
    marked, bare = read(b"\xef\xbb\xbf" + raw), read(raw)
    assert marked == (
        bare._replace(refusals=[]) if isinstance(bare, ReadingsMessage) and not bare.refusals else bare
    )


def test_attributes_and_answers_are_read() -> None:
    assert read(b'{"type": "attributes", "id": 2, "values": {"a": null}}') == AttributesMessage(
        2, {"a": None}
    )
    assert read(b'{"type": "response", "id": 3, "response": [1]}') == CommandResponse(3, [1])


@pytest.mark.parametrize(
    "raw",
    [
        b'{"id": {}, "t": 1}',
        b'{"id": true, "t": 1}',
        b'{"id": 1.5, "t": 1}',
        b'{"id": 1e400, "t": 1}',
        b'{"id": "' + b"x" * 201 + b'", "t": 1}',
        b'{"type": "response", "id": "3", "response": 1}',
        b'{"type": "auth", "key": "hk_secret"}',
        b'{"id": 1',
        b'"id"',
    ],
)
def test_what_makes_no_sense_is_refused(raw: bytes) -> None:
    message = read(raw)
    assert isinstance(message, ReadingsMessage)
    assert (list(message.readings), len(message.refusals)) == ([], 1)


def test_a_key_is_not_kept_with_the_refusal_of_its_message() -> None:
    message = read(b'{"type": "auth", "key": "hk_secret"}')
    assert isinstance(message, ReadingsMessage)
    assert b"secret" not in message.refusals[0].raw


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_reading_never_raises(raw: bytes) -> None:
    assert read(raw) is not None
    read_secret(raw, "key")


def test_a_key_is_read_from_an_auth_alone() -> None:
    assert read_secret(b'{"type": "auth", "key": "hk_x"}', "key") == "hk_x"
    assert [
        read_secret(raw, "key") for raw in (b"{", b"[]", b'{"key": "hk_x"}', b'{"type": "auth", "key": 1}')
    ] == [None] * 4


@given(st.lists(st.lists(st.sampled_from(["good", "unread", "refused"]), max_size=5), max_size=5))
def test_refusals_find_their_place_in_their_message(fates: list[list[str]]) -> None:
    messages, refused, read_so_far = [], [], 0
    for number, fate in enumerate(fates):
        readings = [Reading(None, {"n": 1.0}) for one in fate if one != "unread"]
        unread = [at(place) for place, one in enumerate(fate) if one == "unread"]
        for one in fate:
            if one == "refused":
                refused.append(at(read_so_far))
            read_so_far += one != "unread"
        messages.append(ReadingsMessage(number, readings, unread))
    expected = [
        (fate.count("good"), [place for place, one in enumerate(fate) if one != "good"]) for fate in fates
    ]
    found = results(messages, refused)
    assert [(one.accepted, [refusal.position for refusal in one.refusals]) for one in found] == expected


def test_an_answer_names_so_many_refusals_and_no_more() -> None:
    assert len(ReadingsResult(0, [at(place) for place in range(REFUSED_MAX + 5)]).refused()) == REFUSED_MAX


@pytest.mark.parametrize(
    "raw",
    [
        b'{"type": "attributes", "id": 8, "values": {"a": 1}, "x": 1}',
        b'{"type": "attributes", "id": 8, "values": {"a": 1}, "response": 1}',
        b'{"type": "response", "id": 8, "response": 1, "x": 1}',
        b'{"type": "response", "id": 8, "response": 1, "values": {"a": 1}}',
    ],
)
def test_what_stands_beside_attributes_or_an_answer_is_refused_by_name(raw: bytes) -> None:
    found = read(raw)
    assert isinstance(found, ReadingsMessage)
    assert (found.id, found.readings) == (8, ())
    [refusal] = found.refusals
    assert refusal.code == "invalid"
    assert "beside" in refusal.message

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from devices import wire
from devices.wire import BacklogEntry, Refusal, SendOutcome


def test_a_reading_is_its_time_its_number_and_its_values() -> None:
    text = wire.encode({"temperature": 20.5, "state": "läuft", "door_open": False}, 1451649600512, 17)
    assert json.loads(text) == {
        "ts": 1451649600512,
        "seq": 17,
        "values": {"temperature": 20.5, "state": "läuft", "door_open": False},
    }


def test_a_reading_without_a_number_has_no_seq() -> None:
    assert "seq" not in json.loads(wire.encode({"a": 1}, 5, None))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_value_that_json_cannot_carry_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        wire.encode({"a": value}, 5, None)


def test_a_reading_without_values_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        wire.encode({}, 5, None)


def test_a_reading_too_large_to_send_is_refused() -> None:
    with pytest.raises(ValueError, match="at most 65536"):
        wire.encode({"a": "x" * 70_000}, 5, None)


def test_an_aware_datetime_becomes_milliseconds_utc() -> None:
    noon = datetime(2026, 1, 1, 12, 0, 0, 512_000, tzinfo=timezone(timedelta(hours=2)))
    assert wire.milliseconds(noon) == 1767261600512


def test_a_datetime_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        wire.milliseconds(datetime(2026, 1, 1))  # noqa: DTZ001  # the mistake under test


def test_whole_milliseconds_are_sent_as_integers_and_fractions_kept_to_the_microsecond() -> None:
    assert json.dumps(wire.milliseconds(1000.0)) == "1000"
    assert json.dumps(wire.milliseconds(1000.12345)) == "1000.123"


def test_one_entry_is_sent_as_itself_and_several_as_an_array() -> None:
    entries = [BacklogEntry(1, b'{"ts":1}'), BacklogEntry(2, b'{"ts":2}')]
    assert wire.join(entries[:1]) == b'{"ts":1}'
    assert wire.join(entries) == b'[{"ts":1},{"ts":2}]'


def test_what_was_refused_is_read_one_by_one_or_for_the_whole_message() -> None:
    listed = {"refused": [{"position": 3, "code": "range", "message": "too hot"}, {"position": 4}]}
    assert wire.outcome(listed, 10) == SendOutcome(2, Refusal(4, "refused", ""))
    assert wire.outcome({"title": "Unreadable", "detail": "not JSON"}, 10) == SendOutcome(
        10, Refusal(-1, "refused", "not JSON")
    )
    assert wire.outcome({}, 1) == SendOutcome(1, Refusal(-1, "refused", "refused without a reason"))


def test_the_number_accepted_counts_where_the_list_was_cut() -> None:
    listed = {"accepted": 100, "refused": [{"position": 7, "code": "range", "message": "too hot"}]}
    assert wire.outcome(listed, 500) == SendOutcome(400, Refusal(7, "range", "too hot"))


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    now = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert wire.retry_after_s("120") == 120.0
    assert wire.retry_after_s("Thu, 01 Jan 2026 12:00:30 GMT", now) == 30.0
    assert wire.retry_after_s("Thu, 01 Jan 2026 11:00:00 GMT", now) == 0.0
    assert wire.retry_after_s("soon") is None
    assert wire.retry_after_s("-5") is None
    assert wire.retry_after_s("nan") is None
    assert wire.retry_after_s(None) is None

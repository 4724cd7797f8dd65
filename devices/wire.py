"""Readings as bytes, the same on every transport: `{"ts": ms, "seq": n, "values": {…}}`, or an array of
these.
"""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

READING_MAX_BYTES = 65_536
BATCH_MAX_BYTES = 131_072  # half of what a hub takes in one MQTT packet by default


class BacklogEntry(NamedTuple):
    """One reading, encoded once, with its place in the backlog. Places only rise."""

    place: int
    text: bytes


class Refusal(NamedTuple):
    """Why the hub refused a reading. `position` counts within the message sent; -1 means all of it."""

    position: int
    code: str
    message: str


class SendOutcome(NamedTuple):
    """What became of a message: how many of its readings were refused for good, and why the last one was."""

    refused: int = 0
    last: Refusal | None = None


class Request(NamedTuple):
    """A command as it came over the wire."""

    id: str
    method: str
    params: object  # any JSON value


class Wish(NamedTuple):
    """Attributes that operators wish the device to have; None for one that they do not wish any more."""

    values: dict[str, object]


Incoming = Request | Wish
"""What a hub sends to a device unasked."""


def milliseconds(time: datetime | float) -> float:
    """`time` in ms since 1970 UTC, whole where it can be. Raises ValueError for a datetime without a zone."""
    if isinstance(time, datetime):
        if time.tzinfo is None:
            raise ValueError("time has no zone: give an aware datetime, as datetime.now(UTC) is")
        time = time.timestamp() * 1000
    if not math.isfinite(time):
        raise ValueError(f"time is {time}: it must be milliseconds since 1970")
    return int(time) if time == int(time) else round(time, 3)


def encode(values: Mapping[str, object], time_ms: float, seq: int | None) -> bytes:
    """One reading. Raises ValueError or TypeError for what JSON cannot carry: NaN, infinities, foreign
    objects.
    """
    if not values:
        raise ValueError("a reading needs at least one value")
    reading: dict[str, object] = {"ts": time_ms}
    if seq is not None:
        reading["seq"] = seq
    reading["values"] = dict(values)
    text = json.dumps(reading, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
    if len(text) > READING_MAX_BYTES:
        raise ValueError(f"a reading of {len(text)} bytes: at most {READING_MAX_BYTES} can be sent")
    return text


def join(entries: Sequence[BacklogEntry]) -> bytes:
    """One message: the reading itself where there is one, else an array, in order."""
    if len(entries) == 1:
        return entries[0].text
    return array(entries)


def array(entries: Sequence[BacklogEntry]) -> bytes:
    """The entries as a JSON array, in order."""
    return b"[" + b",".join(entry.text for entry in entries) + b"]"


def decode_object(text: str | bytes) -> dict[str, object]:
    """A JSON object from the hub; empty where it is anything else, which no caller can do more with."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def outcome(answer: Mapping[str, object], sent: int) -> SendOutcome:
    """What an error answer to a message of `sent` readings says was refused: those it lists, or all."""
    listed = answer.get("refused")
    found = [_refusal(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not found:
        message = (
            answer.get("message") or answer.get("detail") or answer.get("title") or "refused without a reason"
        )
        found = [Refusal(-1, str(answer.get("code", "refused")), str(message))]
    accepted = answer.get("accepted")
    if isinstance(accepted, int) and 0 <= accepted <= sent:
        return SendOutcome(sent - accepted, found[-1])
    return SendOutcome(sent if any(one.position < 0 for one in found) else len(found), found[-1])


def _refusal(one: Mapping[str, object]) -> Refusal:
    position = one.get("position", -1)
    return Refusal(
        position if isinstance(position, int) else -1,
        str(one.get("code", "refused")),
        str(one.get("message", "")),
    )


def seconds(value: object) -> float | None:
    """A finite, non-negative number of seconds out of a JSON value, else None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """`Retry-After` in seconds (RFC 9110, 10.2.3: a number or a date); None where it is missing or
    unreadable.
    """
    if header is None:
        return None
    try:
        return seconds(float(header))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (until - (now or datetime.now(UTC))).total_seconds())

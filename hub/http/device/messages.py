"""What a device says on its WebSocket, read. Pure.

{"temperature": 20.5}  {"ts": …, "values": {…}}  [ … ]      readings, as hub/formats/json.py has them
{"id": 7, "temperature": 20.5}                              with the device's own number, or text, for the message
{"id": 7, "readings": [ … ]}                                the same for several
{"type": "attributes", "id": 8, "values": {…}}              facts about the device
{"type": "response", "id": 3, "response": …}                the answer to command 3
{"type": "auth", "key": "hk_…"}                             the first message, without an Authorization header
"""

from typing import NamedTuple

from pydantic_core import from_json

from hub.formats import json
from hub.http.device.outcome import Message
from hub.model import RAW_MAX, Refusal

ID_MAX = 200
_MARKS = (b'"id"', b'"type"', b'"readings"')


class Report(NamedTuple):
    """Attributes the device reports."""

    id: int | str | None
    values: dict[str, object]


class Response(NamedTuple):
    """The answer to a command."""

    command_id: int
    response: object


def read(raw: bytes) -> Message | Report | Response:
    """What the message says. Never raises: what cannot be read is a Message with a refusal."""
    if not any(mark in raw for mark in _MARKS):
        return Message(None, *json.decode(raw))
    try:
        parsed = from_json(raw)
    except ValueError as error:
        return _refused(None, "unreadable", f"not JSON: {error}", raw)
    if not isinstance(parsed, dict):
        return Message(None, *json.decode_parsed(parsed))
    message_id = parsed.pop("id", None)
    kind = parsed.get("type")
    if kind == "response" and "response" in parsed:
        if type(message_id) is not int:
            return _refused(None, "invalid", "id: the number of the command is wanted", raw)
        return Response(message_id, parsed["response"])
    if not _is_id(message_id):
        return _refused(
            None, "invalid", f"id: a whole number or a text of at most {ID_MAX} characters is wanted", raw
        )
    if kind == "attributes" and isinstance(parsed.get("values"), dict):
        return Report(message_id, parsed["values"])
    if kind == "auth" and "key" in parsed:
        # Its bytes are not kept: there is a key in them.
        return _refused(message_id, "invalid", "type: this socket has been authenticated already", b"")
    if isinstance(parsed.get("readings"), list):
        return Message(message_id, *json.decode_parsed(parsed["readings"]))
    return Message(message_id, *json.decode_parsed(parsed))


def read_key(raw: bytes) -> str | None:
    """The key in a first message, None if it is not an `auth`."""
    return _read_secret(raw, "key")


def read_token(raw: bytes) -> str | None:
    """As `read_key`, for the live socket's `{"type": "auth", "token": …}`."""
    return _read_secret(raw, "token")


def _read_secret(raw: bytes, name: str) -> str | None:
    try:
        parsed = from_json(raw)
    except ValueError:
        return None
    if not isinstance(parsed, dict) or parsed.get("type") != "auth":
        return None
    secret = parsed.get(name)
    return secret if isinstance(secret, str) else None


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_MAX
    return value is None or (type(value) is int and abs(value) < 2**63)


def _refused(message_id: int | str | None, code: str, message: str, raw: bytes) -> Message:
    return Message(message_id, (), [Refusal(-1, code, message, raw[:RAW_MAX])])

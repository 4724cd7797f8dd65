"""What a device says on its WebSocket, read. Pure.

{"temperature": 20.5}  {"ts": …, "values": {…}}  [ … ]      readings, as hub/formats/json.py has them
{"id": 7, "temperature": 20.5}                              with the device's own number or text for it
{"id": 7, "readings": [ … ]}                                the same for several
{"type": "attributes", "id": 8, "values": {…}}              facts about the device
{"type": "response", "id": 3, "response": …}                the answer to command 3
{"type": "ack", "id": 3}                                    command 3 has arrived
{"type": "auth", "key": "hk_…"}                             the first message, without an Authorization header
"""

from collections.abc import Sequence
from typing import NamedTuple

from hub.errors import Forbidden
from hub.fleet.keys import refuse_without
from hub.formats import json
from hub.formats.parsing import parse_json
from hub.model import RAW_MAX, KeyRight, Reading, Refusal

ID_MAX = 200
_MARKS = (b'"id"', b'"type"', b'"readings"')


class ReadingsMessage(NamedTuple):
    """Readings, and what is none of them. `id` is the device's own name for the message."""

    id: int | str | None
    readings: Sequence[Reading]
    refusals: Sequence[Refusal]


class AttributesMessage(NamedTuple):
    """Attributes that the device reports."""

    id: int | str | None
    values: dict[str, object]


class CommandResponse(NamedTuple):
    """The answer to a command."""

    command_id: int
    response: object


class CommandAck(NamedTuple):
    """A command has arrived."""

    command_id: int


Said = ReadingsMessage | AttributesMessage | CommandResponse | CommandAck


def allowed(message: Said, rights: frozenset[KeyRight], raw: bytes) -> Said:
    """The message, or a refusal in its place where the device's key does not allow it."""
    right = _RIGHTS[type(message)]
    if right in rights:
        return message
    try:
        refuse_without(rights, right)
    except Forbidden as error:
        said_id = message.command_id if isinstance(message, CommandResponse | CommandAck) else message.id
        return _refused(said_id, error.code, str(error), raw)
    return message


_RIGHTS = {
    ReadingsMessage: KeyRight.TELEMETRY,
    AttributesMessage: KeyRight.ATTRIBUTES,
    CommandResponse: KeyRight.COMMANDS,
    CommandAck: KeyRight.COMMANDS,
}


def read(raw: bytes) -> Said:
    """What the message says. Never raises: what cannot be read is a ReadingsMessage with a refusal."""
    if not any(mark in raw for mark in _MARKS):
        return ReadingsMessage(None, *json.decode(raw))
    try:
        parsed = parse_json(raw)
    except ValueError as error:
        return _refused(None, "unreadable", f"not JSON: {error}", raw)
    if not isinstance(parsed, dict):
        return ReadingsMessage(None, *json.decode_parsed(parsed))
    message_id = parsed.pop("id", None)
    kind = parsed.get("type")
    if (kind == "response" and "response" in parsed) or (kind == "ack" and len(parsed) == 1):
        if type(message_id) is not int:
            return _refused(None, "invalid", "id: the number of the command is wanted", raw)
        if kind == "ack":
            return CommandAck(message_id)
        if unknown := _unknown_beside(parsed, "response"):
            return _refused(message_id, "invalid", unknown, raw)
        return CommandResponse(message_id, parsed["response"])
    if not _is_id(message_id):
        return _refused(
            None, "invalid", f"id: a whole number or a text of at most {ID_MAX} characters is wanted", raw
        )
    if kind == "attributes" and isinstance(parsed.get("values"), dict):
        if unknown := _unknown_beside(parsed, "values"):
            return _refused(message_id, "invalid", unknown, raw)
        return AttributesMessage(message_id, parsed["values"])
    if kind == "auth" and "key" in parsed:
        # Its bytes are not kept: there is a key in them.
        return _refused(message_id, "invalid", "type: this socket has been authenticated already", b"")
    if isinstance(parsed.get("readings"), list):
        readings, refusals = json.decode_parsed(parsed["readings"])
        beside = json.refuse_beside(parsed, "readings", ("readings", "type"))
        return ReadingsMessage(message_id, readings, [*beside, *refusals])
    return ReadingsMessage(message_id, *json.decode_parsed(parsed))


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= ID_MAX
    return value is None or (type(value) is int and abs(value) < 2**63)


def _unknown_beside(parsed: dict[str, object], holds: str) -> str:
    """What is wrong with a message that has more than type, id and what it holds; "" where it has not."""
    names = sorted(parsed.keys() - {"type", holds})
    return f"{', '.join(names)[:ID_MAX]}: not known beside {holds}, so nothing was taken" if names else ""


def _refused(message_id: int | str | None, code: str, message: str, raw: bytes) -> ReadingsMessage:
    return ReadingsMessage(message_id, (), [Refusal(-1, code, message, raw[:RAW_MAX])])

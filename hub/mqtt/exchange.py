"""What is neither reading nor acknowledgement: attributes and commands, as JSON in and out."""

from collections.abc import Mapping

import orjson

from hub.errors import Unreadable
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.session import SharedAttributes
from hub.model import Command, Device
from hub.mqtt.session import Message
from hub.mqtt.topics import Kind, Up


async def report(fleet: Fleet, device: Device, body: bytes) -> None:
    """Take in the attributes a device reports; on disk when it returns. Raises Unreadable, Invalid."""
    await fleet.attributes.report(device, _object(body))


async def exchange(fleet: Fleet, commands: Commands, device: Device, up: Up, body: bytes) -> Message | None:
    """Do what a publish other than readings asks for; the message to send in answer, if any.

    Raises Unreadable, Invalid, and NotFound or Conflict for an answer to a command that waits for none.
    """
    if up.kind is Kind.ATTRIBUTES:
        await report(fleet, device, body)
        return None
    if up.kind is Kind.RPC_RESPONSE:
        await commands.answer(device, up.number, _json(body) if body else None)
        return None
    wanted = _object(body) if body else {}
    return Message(f"{up.prefix}attributes/response/{up.number}", await _answer(fleet, device, wanted))


async def _answer(fleet: Fleet, device: Device, wanted: Mapping[str, object]) -> bytes:
    """`{"client": {…}, "shared": {…}}`: the attributes named, or all of both kinds when none is."""
    kept = await fleet.attributes.of(device)
    named = {"client": _names(wanted, "clientKeys"), "shared": _names(wanted, "sharedKeys")}
    scopes = {"client": kept.device, "shared": kept.shared}
    if not any(named.values()):
        return orjson.dumps(scopes)
    return orjson.dumps(
        {
            scope: {name: scopes[scope][name] for name in names if name in scopes[scope]}
            for scope, names in named.items()
            if names
        }
    )


def _names(wanted: Mapping[str, object], field: str) -> list[str]:
    listed = wanted.get(field, "")
    if not isinstance(listed, str):
        raise Unreadable(f"{field}: names separated by commas are wanted")
    return [name.strip() for name in listed.split(",") if name.strip()]


def topic_and_body(message: Command | SharedAttributes) -> tuple[str, bytes, int | None]:
    """Where a message to a device goes below its prefix, its bytes, and when it expires (µs UTC)."""
    if isinstance(message, Command):
        body = orjson.dumps({"method": message.method, "params": message.params})
        return f"rpc/request/{message.id}", body, message.expires_at
    return "attributes", orjson.dumps(message.values), None


def _json(body: bytes) -> object:
    try:
        found: object = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error}") from error
    return found


def _object(body: bytes) -> dict[str, object]:
    found = _json(body)
    if not isinstance(found, dict):
        raise Unreadable("a JSON object is wanted")
    return found

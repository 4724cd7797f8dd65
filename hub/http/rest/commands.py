"""REST: commands to a device."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import orjson

from hub.errors import NotFound
from hub.feed.channel import wire_ms
from hub.feed.commands import shown
from hub.fleet.methods import parse_methods, written
from hub.http.endpoint import Call, Nothing
from hub.http.idempotency import request_digest
from hub.http.rest.command_shapes import (
    BatchIn,
    BatchNew,
    BatchOut,
    BatchQuery,
    BatchResult,
    CommandIn,
    CommandOut,
    CommandsOut,
    CommandsQuery,
    LabelOfMethods,
    MethodsIn,
    MethodsOut,
)
from hub.http.rest.devices import chosen, read_labels
from hub.http.rooms import COMMANDS, FLEET
from hub.model import Command, Method, Right

DIGITS_MAX = 19  # of a command's number
LISTED_MAX_BYTES = 8_388_608  # of what is in the commands of one answer; the rest is on further pages
LISTED_AT_ONCE = 50


async def list_commands(call: Call[CommandsQuery, Nothing]) -> CommandsOut:
    """List a device's commands, newest first; without raw:read what is in them is null."""
    limit, before = call.query.limit, call.query.before
    device = call.device()
    is_whole = call.may(Right.RAW_READ, device)
    found: list[Command] = []
    size, is_last = 0, False
    while not is_last and len(found) <= limit and size <= LISTED_MAX_BYTES:
        at_once = min(LISTED_AT_ONCE, limit + 1 - len(found))
        more = await call.app[COMMANDS].list(device, at_once, found[-1].id if found else before)
        is_last = len(more) < at_once
        found += more
        size += sum(_size(one) for one in more)
    page = found[:limit]
    listed = [_shown(command, is_whole=is_whole) for command in page]
    return CommandsOut(commands=listed, next=None if is_last and len(found) <= limit else page[-1].id)


def _size(command: Command) -> int:
    return len(orjson.dumps((command.params, command.response)))


async def send_command(call: Call[Nothing, CommandIn]) -> CommandOut:
    """Send a command, now or when the device comes.

    With an Idempotency-Key it is sent once, also when the hub starts anew in between.
    """
    body, device = call.body, call.device()
    methods = call.app[FLEET].methods
    await methods.check([device], body.method, body.params, is_confirmed=body.confirm)
    request = request_digest(call.request, call.proof)
    sent = await call.app[COMMANDS].send(device, body.method, body.params, body.timeout_s, request)
    return _shown(sent, is_whole=True)


async def show_command(call: Call[Nothing, Nothing]) -> CommandOut:
    """Show how far one command has come."""
    device = call.device()
    found = await call.app[COMMANDS].one(device, _command_id(call))
    return _shown(found, is_whole=call.may(Right.RAW_READ, device))


async def cancel_command(call: Call[Nothing, Nothing]) -> CommandOut:
    """Take back a command that is queued; one that was sent may be under way already."""
    device, command_id = call.device(), _command_id(call)
    await call.app[COMMANDS].cancel(device, command_id)
    return _shown(await call.app[COMMANDS].one(device, command_id), is_whole=call.may(Right.RAW_READ, device))


def _command_id(call: Call[Any, Any]) -> int:
    return _number(call, "command_id", "command")


def _number(call: Call[Any, Any], name: str, of: str) -> int:
    """Of what the path names. Raises NotFound for what cannot be the number of anything."""
    text = call.request.match_info[name]
    if not (text.isascii() and text.isdigit() and len(text) < DIGITS_MAX):
        raise NotFound(f"there is no {of} {text[:DIGITS_MAX]!r}")
    return int(text)


async def send_to_many(call: Call[Nothing, BatchIn]) -> BatchNew:
    """Send a command to all devices with a label, now or when each comes.

    All is checked first, and nothing sent where it does not fit one of the devices.
    """
    body = call.body
    read_labels([body.label])
    devices = chosen(call, [], [body.label])
    if not devices:
        raise NotFound(f"there is no device with the label {body.label!r}")
    methods = call.app[FLEET].methods
    await methods.check(devices, body.method, body.params, is_confirmed=body.confirm)
    request = request_digest(call.request, call.proof)
    sent = await call.app[FLEET].batches.send(
        body.label, devices, body.method, body.params, body.timeout_s, request
    )
    return BatchNew(batch=sent.id, label=sent.label, method=sent.method, count=len(devices))


async def show_batch(call: Call[BatchQuery, Nothing]) -> BatchOut:
    """Show how far a command to many devices has come, as far as one may see these."""
    batch_id = _number(call, "batch_id", "batch")
    batch, commands = await call.app[FLEET].batches.find(batch_id)
    devices = {device.number: device for device in call.devices()}
    seen = [command for command in commands if command.device in devices]
    if not seen:
        raise NotFound(f"there is no batch {batch_id}")
    after, limit = call.query.after or 0, call.query.limit
    left = [command for command in seen if command.id > after]
    page = left[:limit]
    results = []
    for command in page:
        device = devices[command.device]
        told = shown(command, is_whole=call.may(Right.RAW_READ, device))
        results.append(BatchResult.model_validate({**told, "device": device.id}))
    return BatchOut(
        batch=batch.id,
        label=batch.label,
        method=batch.method,
        created_at=wire_ms(batch.created_at),
        count=len(seen),
        ended=sum(not command.state.is_open for command in seen),
        states=Counter(command.state for command in seen),
        results=results,
        next=page[-1].id if len(left) > limit else None,
    )


async def list_methods(call: Call[Nothing, Nothing]) -> MethodsOut:
    """List the commands that a device knows, declared by itself, for its labels, and for it."""
    return _methods(await call.app[FLEET].methods.of(call.device()))


async def declare_methods(call: Call[Nothing, MethodsIn]) -> MethodsOut:
    """Declare the commands that a device knows, in place of what operators declared for it before."""
    device, methods = call.device(), call.app[FLEET].methods
    await methods.declare(device, _read_methods(call.body))
    return _methods(await methods.of(device))


async def list_methods_of_label(call: Call[LabelOfMethods, Nothing]) -> MethodsOut:
    """List the commands that operators declared for all devices with a label."""
    read_labels([call.query.label])
    return _methods(await call.app[FLEET].methods.of_label(call.query.label))


async def declare_methods_for_label(call: Call[LabelOfMethods, MethodsIn]) -> MethodsOut:
    """Declare the commands that all devices with a label know, in place of what was declared before."""
    read_labels([call.query.label])
    methods = call.app[FLEET].methods
    await methods.declare_for_label(call.query.label, _read_methods(call.body))
    return _methods(await methods.of_label(call.query.label))


def _read_methods(body: MethodsIn) -> list[Method]:
    return parse_methods([one.model_dump() for one in body.root])


def _methods(found: Sequence[Method]) -> MethodsOut:
    return MethodsOut.model_validate(written(found))


def _shown(command: Command, *, is_whole: bool) -> CommandOut:
    return CommandOut.model_validate(shown(command, is_whole=is_whole))

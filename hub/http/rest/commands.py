"""REST: commands to a device."""

from typing import Any

from hub.errors import NotFound
from hub.feed.commands import shown
from hub.http.endpoint import Call, Nothing
from hub.http.idempotency import request_digest
from hub.http.rest.shapes import CommandIn, CommandOut, CommandsOut, CommandsQuery
from hub.http.rooms import COMMANDS
from hub.model import Command, Right

DIGITS_MAX = 19  # of a command's number


async def list_commands(call: Call[CommandsQuery, Nothing]) -> CommandsOut:
    """List a device's commands, newest first; without raw:read what is in them is null."""
    limit, before = call.query.limit, call.query.before
    device = call.device()
    found = await call.app[COMMANDS].list(device, limit + 1, before)
    is_whole = call.may(Right.RAW_READ, device)
    page = found[:limit]
    shown = [_shown(command, is_whole=is_whole) for command in page]
    return CommandsOut(commands=shown, next=page[-1].id if len(found) > limit else None)


async def send_command(call: Call[Nothing, CommandIn]) -> CommandOut:
    """Send a command, now or when the device comes.

    With an Idempotency-Key it is sent once, also when the hub starts anew in between.
    """
    body, device = call.body, call.device()
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
    text = call.request.match_info["command_id"]
    if not (text.isascii() and text.isdigit() and len(text) < DIGITS_MAX):
        raise NotFound(f"there is no command {text[:DIGITS_MAX]!r}")
    return int(text)


def _shown(command: Command, *, is_whole: bool) -> CommandOut:
    return CommandOut.model_validate(shown(command, is_whole=is_whole))

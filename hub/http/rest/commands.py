"""REST: commands to a device."""

from hub.feed.channel import wire_ms
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import CommandIn, CommandOut, CommandsOut, CommandsQuery
from hub.http.rooms import COMMANDS
from hub.model import Command, Right


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
    """Send a command, now or when the device comes."""
    body, device = call.body, call.device()
    sent = await call.app[COMMANDS].send(device, body.method, body.params, body.timeout_s)
    return _shown(sent, is_whole=True)


def _shown(command: Command, *, is_whole: bool) -> CommandOut:
    return CommandOut(
        id=command.id,
        method=command.method,
        params=command.params if is_whole else None,
        state=command.state.value,
        created_at=wire_ms(command.created_at),
        expires_at=wire_ms(command.expires_at),
        sent_at=None if command.sent_at is None else wire_ms(command.sent_at),
        answered_at=None if command.answered_at is None else wire_ms(command.answered_at),
        response=command.response if is_whole else None,
    )

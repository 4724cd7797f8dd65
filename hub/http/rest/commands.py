"""REST: commands to a device."""

from hub.feed.channel import wire_ms
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import CommandIn, CommandOut, CommandsOut, CommandsQuery
from hub.http.rooms import COMMANDS
from hub.model import Command


async def list_commands(call: Call[CommandsQuery, Nothing]) -> CommandsOut:
    """List a device's commands, newest first."""
    limit, before = call.query.limit, call.query.before
    found = await call.app[COMMANDS].list(call.device(), limit + 1, before)
    page = found[:limit]
    return CommandsOut(
        commands=[_shown(command) for command in page], next=page[-1].id if len(found) > limit else None
    )


async def send_command(call: Call[Nothing, CommandIn]) -> CommandOut:
    """Send a command, now or when the device comes."""
    body = call.body
    return _shown(await call.app[COMMANDS].send(call.device(), body.method, body.params, body.timeout_s))


def _shown(command: Command) -> CommandOut:
    return CommandOut(
        id=command.id,
        method=command.method,
        params=command.params,
        state=command.state.value,
        created_at=wire_ms(command.created_at),
        expires_at=wire_ms(command.expires_at),
        sent_at=None if command.sent_at is None else wire_ms(command.sent_at),
        answered_at=None if command.answered_at is None else wire_ms(command.answered_at),
        response=command.response,
    )

"""The part of REST's table that is about commands."""

from http import HTTPStatus

from hub.http.device import commands as of_device
from hub.http.endpoint import BASE, Endpoint, Security, operation
from hub.http.rest import commands
from hub.http.rest.shapes import CommandIn, CommandOut, CommandsOut, CommandsQuery
from hub.model import Right

_ONE = f"{BASE}/devices/{{device_id}}"
_CREATED = HTTPStatus.CREATED
_GONE = (HTTPStatus.NOT_FOUND,)
_CLASH = (HTTPStatus.CONFLICT,)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS,)

COMMANDS: tuple[Endpoint, ...] = (
    operation(
        "GET",
        f"{_ONE}/commands",
        commands.list_commands,
        tag="commands",
        right=Right.DEVICES_READ,
        query=CommandsQuery,
        answer=CommandsOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        f"{_ONE}/commands",
        commands.send_command,
        tag="commands",
        right=Right.COMMANDS_WRITE,
        body=CommandIn,
        answer=CommandOut,
        status=_CREATED,
        refusals=(*_GONE, *_BUSY),
        made=lambda answer: str(answer.id),
    ),
    operation(
        "GET",
        f"{_ONE}/commands/{{command_id}}",
        commands.show_command,
        tag="commands",
        right=Right.DEVICES_READ,
        answer=CommandOut,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        f"{_ONE}/commands/{{command_id}}",
        commands.cancel_command,
        tag="commands",
        right=Right.COMMANDS_WRITE,
        answer=CommandOut,
        refusals=(*_GONE, *_CLASH),
    ),
    Endpoint(
        "GET",
        f"{BASE}/device/commands",
        of_device.poll,
        "Get the commands that wait for this device, or wait for one.",
        "commands",
        Security.DEVICE,
        query=of_device.PollQuery,
        answer=of_device.PolledOut,
        refusals=(HTTPStatus.TOO_MANY_REQUESTS,),
    ),
    Endpoint(
        "POST",
        f"{BASE}/device/commands/{{command_id}}",
        of_device.answer,
        "Answer a command as the device.",
        "commands",
        Security.DEVICE,
        body=of_device.ResponseIn,
        status=HTTPStatus.NO_CONTENT,
        refusals=(*_GONE, *_CLASH, *_BUSY),
    ),
)

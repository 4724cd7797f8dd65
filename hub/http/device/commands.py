"""`GET /api/v1/device/commands?wait=30`: commands for devices that know HTTP alone, by a request that waits.

A command is sent with the answer to a poll. That it arrived, the hub knows by the device's own answer to it,
or by the next poll: where that names it (`ack`), or comes by the same connection, on which nobody asks again
before having read the answer. Through a proxy a connection proves nothing, since many may share it. What is
not acknowledged by then is sent again.
"""

from http import HTTPStatus
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field, RootModel

from hub.errors import NotFound, Unauthenticated, Unreadable
from hub.feed.channel import wire_ms
from hub.fleet.keys import Login
from hub.formats.parsing import parse_json
from hub.http.body import read_body
from hub.http.connection import HttpConnection
from hub.http.device.telemetry import authenticate
from hub.http.endpoint import read_query
from hub.http.rest.shapes import Asked, Given, Milliseconds
from hub.http.rooms import COMMANDS, CONFIG
from hub.model import Command, KeyRight

WAIT_MAX_S = 60.0
_PROXIED = ("Forwarded", "X-Forwarded-For", "Via")


class PollQuery(Asked):
    """How long to wait where there is nothing yet, and what has arrived."""

    wait: Annotated[float, Field(ge=0, le=WAIT_MAX_S, description="seconds")] = 0.0
    ack: Annotated[list[Annotated[int, Field(ge=1, le=2**62)]], Field(max_length=1000)] = Field(
        [], description="the ids of commands that have arrived; may be given several times"
    )


class PolledCommand(Given):
    """A command to carry out, and to answer by POST …/commands/{id}."""

    id: int
    method: str
    params: object
    expires: Milliseconds = Field(description="nobody waits for the answer any more then")


class PolledOut(Given):
    """What waits for the device, in the order in which it was sent."""

    commands: list[PolledCommand]


class ResponseIn(RootModel[object]):
    """The answer to a command, any JSON value; {"error": …} says that it failed."""


async def poll(request: web.Request) -> web.StreamResponse:
    """The route. Raises Unauthenticated, Forbidden, Invalid, Busy."""
    login = await log_in(request, KeyRight.COMMANDS)
    asked = read_query(request, PollQuery)
    commands = request.app[COMMANDS]
    if request.method == "HEAD":
        return _answer([])
    commands.poll_began(login.device, [*asked.ack, *_read_before(request)])
    found = commands.collect(login.device)
    if not found and asked.wait:
        await commands.polls.wait(login.device, asked.wait)
        login = await log_in(request, KeyRight.COMMANDS)  # it may have been revoked meanwhile
        if request.transport is not None and not request.transport.is_closing():
            found = commands.collect(login.device)
    if isinstance(request.protocol, HttpConnection):
        request.protocol.polled = tuple(command.id for command in found)
    return _answer(found)


async def answer(request: web.Request) -> web.StreamResponse:
    """The route. Raises Unauthenticated, Forbidden, Unreadable, Invalid, NotFound, Conflict, StoreError."""
    login = await log_in(request, KeyRight.COMMANDS)
    text = request.match_info["command_id"]
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise NotFound(f"{login.device.id!r} was sent no command {text[:19]!r}")
    raw = await read_body(request, request.app[CONFIG].http.max_body_bytes)
    try:
        response = parse_json(raw) if raw else None
    except ValueError as error:
        raise Unreadable(f"the body is not JSON: {error}") from error
    await request.app[COMMANDS].answer(login.device, int(text), response)
    return web.Response(status=HTTPStatus.NO_CONTENT)


async def log_in(request: web.Request, right: KeyRight) -> Login:
    """Whose key the request shows. Raises Unauthenticated, Busy, and Forbidden where it is not for this."""
    login = await authenticate(request)
    if login is None:
        raise Unauthenticated("send the device's API key: Authorization: Bearer hk_…")
    login.refuse_without(right)
    return login


def _read_before(request: web.Request) -> tuple[int, ...]:
    """The commands in the last answer on this connection: who asks on it again has read that."""
    connection = request.protocol
    if not isinstance(connection, HttpConnection) or any(name in request.headers for name in _PROXIED):
        return ()
    return connection.polled


def _answer(found: list[Command]) -> web.Response:
    shown = [
        {"id": one.id, "method": one.method, "params": one.params, "expires": wire_ms(one.expires_at)}
        for one in found
    ]
    return web.Response(body=orjson.dumps({"commands": shown}), content_type="application/json")

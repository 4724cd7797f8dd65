"""REST: passkeys: adding one's own, and logging in by one."""

from http import HTTPStatus

import orjson
from aiohttp import web

from hub.errors import Unauthenticated
from hub.http.access import ACCESS
from hub.http.audit import note_failed_log_in
from hub.http.endpoint import Call, Nothing, read_json
from hub.http.rest.login import begin_session, own_session, refuse_foreign_page
from hub.http.rest.passkey_shapes import PasskeyIn, PasskeyLogIn, PasskeyOptions, PasskeyOut, PasskeysOut
from hub.http.rooms import ACCOUNTS, OPERATORS


async def list_passkeys(call: Call[Nothing, Nothing]) -> PasskeysOut:
    """List one's own passkeys, oldest first."""
    own_session(call)
    found = call.app[ACCOUNTS].passkeys.of(call.principal.name)
    return PasskeysOut(passkeys=[PasskeyOut.of(one) for one in found])


async def make_options(call: Call[Nothing, Nothing]) -> PasskeyOptions:
    """Tell a browser how to make a passkey; within two minutes it is added."""
    session_id = own_session(call)
    origin = call.app[ACCESS].page_origin(call.request)
    call.app[ACCOUNTS].refuse_provided(call.principal.name)
    passkeys = call.app[ACCOUNTS].passkeys
    return PasskeyOptions(passkeys.creation_options(call.principal.name, session_id, origin))


async def add_passkey(call: Call[Nothing, PasskeyIn]) -> PasskeyOut:
    """Add the passkey that a browser made; it logs in without a name or a password."""
    session_id, body = own_session(call), call.body
    origin = call.app[ACCESS].page_origin(call.request)
    call.app[ACCOUNTS].refuse_provided(call.principal.name)
    passkeys = call.app[ACCOUNTS].passkeys
    added = await passkeys.add(call.principal.name, session_id, origin, body.name, body.credential)
    return PasskeyOut.of(added)


async def remove_passkey(call: Call[Nothing, Nothing]) -> None:
    """Remove one of one's own passkeys."""
    own_session(call)
    passkey_id = call.request.match_info["passkey_id"]
    await call.app[ACCOUNTS].passkeys.remove(call.principal.name, passkey_id)


async def show_options(request: web.Request) -> web.Response:
    """Tell a browser how to show a passkey; for everyone, before they have logged in."""
    refuse_foreign_page(request, "passkey")
    options = request.app[ACCOUNTS].passkeys.request_options(request.app[ACCESS].page_origin(request))
    return web.Response(body=orjson.dumps(options), content_type="application/json")


async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in by a passkey: the answer's cookie is the session."""
    refuse_foreign_page(request, "passkey")
    access = request.app[ACCESS]
    asked = await read_json(request, PasskeyLogIn)
    try:
        secret = await request.app[OPERATORS].log_in_by_passkey(
            asked.credential, access.page_origin(request), access.address(request)
        )
    except Unauthenticated:
        note_failed_log_in(request, "passkey")
        raise
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    await begin_session(request, response, secret)
    return response

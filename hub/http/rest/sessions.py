"""Who is logged in, where, and logging out."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from hub.errors import NotFound
from hub.feed.channel import wire_ms
from hub.http.access import ACCESS, ProofKind
from hub.http.audit import note
from hub.http.endpoint import Call, Nothing
from hub.http.live.viewers import VIEWERS
from hub.http.rest.login import end_browsers_session, own_session
from hub.http.rest.operators import link_for
from hub.http.rest.people_shapes import (
    LinkIn,
    LinkOut,
    LoggedOut,
    PasswordChange,
    SessionOut,
    SessionRow,
    SessionsOut,
    shown_principal,
)
from hub.http.rest.times import rfc3339
from hub.http.rooms import ACCOUNTS, BY_PROVIDER, MQTT_PORT, OPERATORS
from hub.model import Session


async def show_session(call: Call[Nothing, Nothing]) -> SessionOut:
    """Who is asking."""
    origin = call.proof.kind.value
    if call.proof.kind is ProofKind.SESSION:
        found = await call.app[OPERATORS].sessions(call.principal.name)
        origin = next((one.origin for one in found if call.principal.credential.endswith(one.id)), "link")
    until = call.principal.confirmed_until
    shown = {
        **shown_principal(call.principal),
        "origin": origin,
        "confirmed_until": None if until is None else wire_ms(until),
        "confirm_by": [] if until is None else call.app[ACCOUNTS].confirm_by(call.principal.name),
        "mqtt_port": call.app[MQTT_PORT](),
    }
    return SessionOut.model_validate(shown)


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the browser's session. A token has none, and goes on.

    Where a provider gave it, the answer can say where the browser logs out there too.
    """
    access = request.app[ACCESS]
    proof, principal = await access.let_in(request)
    await note(request, principal)
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    if proof.kind is ProofKind.SESSION:
        by_provider = request.app[BY_PROVIDER]
        url = None if by_provider is None else await by_provider.logout.url(proof.secret)
        await end_browsers_session(request, proof.secret)
        if url is not None:
            response = web.json_response(text=LoggedOut(url=url).model_dump_json())
    response.set_cookie(
        access.cookie(request),
        "",
        max_age=0,
        httponly=True,
        samesite="Lax",
        secure=access.is_secure(request),
        path="/",
    )
    return response


async def make_link(call: Call[Nothing, LinkIn]) -> LinkOut:
    """Make a link that logs in one browser, once; whoever it names is an admin if new."""
    return await link_for(call, call.body.name)


async def list_sessions(call: Call[Nothing, Nothing]) -> SessionsOut:
    """List where one is logged in, oldest first."""
    own = own_session(call)
    found = await call.app[OPERATORS].sessions(call.principal.name)
    return SessionsOut(sessions=[_shown(one, is_this=one.id == own) for one in found])


async def end_sessions(call: Call[Nothing, Nothing]) -> None:
    """Log out everywhere."""
    own_session(call)
    await _end(call)


async def end_session(call: Call[Nothing, Nothing]) -> None:
    """Log out in one place."""
    own_session(call)
    session_id = call.request.match_info["session_id"]
    if not await _end(call, only=session_id):
        raise NotFound(f"there is no session {session_id!r}")


async def change_password(call: Call[Nothing, PasswordChange]) -> None:
    """Change one's own password; other sessions of one's own end."""
    own = own_session(call)
    address = call.app[ACCESS].address(call.request)
    name, body = call.principal.name, call.body
    await call.app[ACCOUNTS].set_own_password(name, body.old, body.new, address)
    await _end(call, but=own)


async def _end(call: Call[Any, Any], only: str | None = None, but: str | None = None) -> list[str]:
    ended = await call.app[OPERATORS].end_sessions(call.principal.name, only, but)
    for session_id in ended:
        call.app[VIEWERS].end_with(f"session {session_id}", "logged out")
    return ended


def _shown(session: Session, *, is_this: bool) -> SessionRow:
    return SessionRow(
        id=session.id,
        is_this=is_this,
        origin=session.origin,
        address=session.address,
        browser=session.browser,
        created_at=None if session.created_at is None else rfc3339(session.created_at),
        used_at=None if session.used_at is None else rfc3339(session.used_at),
        expires_at=rfc3339(session.expires_at),
    )

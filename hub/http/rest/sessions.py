"""Logging in and out: one-time links, the browser's session, tokens."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from hub.errors import Forbidden, NotFound, Unauthenticated
from hub.http.access import ACCESS, Proof, ProofKind
from hub.http.audit import note
from hub.http.endpoint import Call, Nothing, read_json
from hub.http.live.viewers import VIEWERS
from hub.http.plain_page import plain_page
from hub.http.rest.operators import link_for
from hub.http.rest.people_shapes import (
    LinkIn,
    LinkOut,
    LogIn,
    PasswordChange,
    SessionOut,
    SessionRow,
    SessionsOut,
    shown_principal,
)
from hub.http.rest.times import rfc3339
from hub.http.rooms import ACCOUNTS, CONFIG, MQTT_PORT, OPERATORS
from hub.model import Session


async def login(request: web.Request) -> web.StreamResponse:
    """`GET /login?code=…`: exchange a one-time link for a session, and go to the page."""
    try:
        code, address = request.query.get("code", ""), request.app[ACCESS].address(request)
        secret = await request.app[OPERATORS].use_link(code, address)
    except Unauthenticated:
        return plain_page(
            HTTPStatus.UNAUTHORIZED,
            "This link no longer logs you in",
            "A link works once, and only for a while. If you have used it in this browser already, you are "
            "logged in: just open the hub.",
            "For a new link, run `hub login` on the machine that the hub runs on, or ask whoever runs it.",
            link=("Open the hub", "./"),
        )
    response = web.Response(
        status=HTTPStatus.SEE_OTHER.value,
        # Relative to the link: behind a proxy the hub may be under a path that it does not know.
        headers={"Location": "./", "Cache-Control": "no-store"},
    )
    await _renew_session(request, response, secret)
    return response


async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in by name and password: the answer's cookie is the session."""
    access = request.app[ACCESS]
    if "Origin" in request.headers and not access.is_own_page(request):
        raise Forbidden(access.explain_origin(request))
    asked = await read_json(request, LogIn)
    secret = await request.app[OPERATORS].log_in(asked.name, asked.password, access.address(request))
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    await _renew_session(request, response, secret)
    return response


async def _renew_session(request: web.Request, response: web.Response, secret: str) -> None:
    """Give the browser a new session in place of the one that it had."""
    await note(request, await request.app[OPERATORS].session(secret))
    await _end_session(request, request.cookies.get(request.app[ACCESS].cookie(request)))
    response.set_cookie(
        request.app[ACCESS].cookie(request),
        secret,
        max_age=int(request.app[CONFIG].auth.session_s),
        httponly=True,
        samesite="Lax",
        secure=request.app[ACCESS].is_secure(request),
        path="/",
    )


async def show_session(call: Call[Nothing, Nothing]) -> SessionOut:
    """Who is asking."""
    origin = call.proof.kind.value
    if call.proof.kind is ProofKind.SESSION:
        found = await call.app[OPERATORS].sessions(call.principal.name)
        origin = next((one.origin for one in found if call.principal.credential.endswith(one.id)), "link")
    shown = {**shown_principal(call.principal), "origin": origin, "mqtt_port": call.app[MQTT_PORT]()}
    return SessionOut.model_validate(shown)


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the browser's session. A token has none, and goes on."""
    access = request.app[ACCESS]
    proof, principal = await access.let_in(request)
    await note(request, principal)
    if proof.kind is ProofKind.SESSION:
        await _end_session(request, proof.secret)
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
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


async def _end_session(request: web.Request, secret: str | None) -> None:
    """End a session, and what it watches."""
    if secret is not None:
        await request.app[OPERATORS].end_session(secret)
        request.app[VIEWERS].log_out(Proof(ProofKind.SESSION, secret))


async def make_link(call: Call[Nothing, LinkIn]) -> LinkOut:
    """Make a link that logs in one browser, once; whoever it names is an admin if new."""
    return await link_for(call, call.body.name)


def _own_session(call: Call[Any, Any]) -> str:
    """The id of the session that asks. Raises Forbidden for a token."""
    kind, _, session_id = call.principal.credential.partition(" ")
    if kind != "session":
        raise Forbidden("this is for people who are logged in; a token has no sessions")
    return session_id


async def list_sessions(call: Call[Nothing, Nothing]) -> SessionsOut:
    """List where one is logged in, oldest first."""
    own = _own_session(call)
    found = await call.app[OPERATORS].sessions(call.principal.name)
    return SessionsOut(sessions=[_shown(one, is_this=one.id == own) for one in found])


async def end_sessions(call: Call[Nothing, Nothing]) -> None:
    """Log out everywhere."""
    _own_session(call)
    await _end(call)


async def end_session(call: Call[Nothing, Nothing]) -> None:
    """Log out in one place."""
    _own_session(call)
    session_id = call.request.match_info["session_id"]
    if not await _end(call, only=session_id):
        raise NotFound(f"there is no session {session_id!r}")


async def change_password(call: Call[Nothing, PasswordChange]) -> None:
    """Change one's own password; other sessions of one's own end."""
    own = _own_session(call)
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
        created_at=None if session.created_at is None else rfc3339(session.created_at),
        used_at=None if session.used_at is None else rfc3339(session.used_at),
        expires_at=rfc3339(session.expires_at),
    )

"""Logging in: the ways there are, one-time links, names and passwords; each gives the browser a session."""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from hub.errors import Forbidden, Unauthenticated
from hub.http.access import ACCESS, Proof, ProofKind
from hub.http.audit import note
from hub.http.endpoint import Call, Nothing, read_json
from hub.http.live.viewers import VIEWERS
from hub.http.plain_page import plain_page
from hub.http.rest.people_shapes import ConfirmIn, LogIn, WaysOut
from hub.http.rooms import CONFIG, OPERATORS


async def show_ways(request: web.Request) -> web.Response:
    """Tell how people may log in here; for everyone, before they have."""
    del request
    ways = WaysOut(password=True, passkey=False, providers=[])
    return web.json_response(text=ways.model_dump_json())


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
    await begin_session(request, response, secret)
    return response


async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in by name and password: the answer's cookie is the session."""
    access = request.app[ACCESS]
    if "Origin" in request.headers and not access.is_own_page(request):
        raise Forbidden(access.explain_origin(request))
    asked = await read_json(request, LogIn)
    secret = await request.app[OPERATORS].log_in(asked.name, asked.password, access.address(request))
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    await begin_session(request, response, secret)
    return response


def own_session(call: Call[Any, Any]) -> str:
    """The id of the session that asks. Raises Forbidden for a token."""
    kind, _, session_id = call.principal.credential.partition(" ")
    if kind != "session":
        raise Forbidden("this is for people who are logged in; a token has no sessions")
    return session_id


async def confirm(call: Call[Nothing, ConfirmIn]) -> None:
    """Prove once more who one is: keys, tokens and people may be changed for a while after."""
    own_session(call)
    address = call.app[ACCESS].address(call.request)
    await call.app[OPERATORS].confirm(call.proof.secret, call.principal.name, call.body.password, address)


async def begin_session(request: web.Request, response: web.Response, secret: str) -> None:
    """Give the browser a new session in place of the one that it had."""
    await note(request, await request.app[OPERATORS].session(secret))
    await end_browsers_session(request, request.cookies.get(request.app[ACCESS].cookie(request)))
    response.set_cookie(
        request.app[ACCESS].cookie(request),
        secret,
        max_age=int(request.app[CONFIG].auth.session_s),
        httponly=True,
        samesite="Lax",
        secure=request.app[ACCESS].is_secure(request),
        path="/",
    )


async def end_browsers_session(request: web.Request, secret: str | None) -> None:
    """End a session, and what it watches."""
    if secret is not None:
        await request.app[OPERATORS].end_session(secret)
        request.app[VIEWERS].log_out(Proof(ProofKind.SESSION, secret))

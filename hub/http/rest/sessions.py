"""Logging in and out: one-time links, the browser's session, tokens."""

from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from hub.errors import Unauthenticated
from hub.http.access import ACCESS, COOKIE, Proof, ProofKind
from hub.http.endpoint import Call, Nothing
from hub.http.live.viewers import VIEWERS
from hub.http.plain_page import plain_page
from hub.http.rest.people_shapes import LinkIn, LinkOut, SessionOut, shown_principal
from hub.http.rest.times import rfc3339
from hub.http.rooms import BASE_URL, CLOCK, CONFIG, MQTT_PORT, OPERATORS


async def login(request: web.Request) -> web.StreamResponse:
    """`GET /login?code=…`: exchange a one-time link for a session, and go to the page."""
    try:
        secret = await request.app[OPERATORS].use_link(request.query.get("code", ""))
    except Unauthenticated:
        return plain_page(
            HTTPStatus.UNAUTHORIZED,
            "This link no longer logs you in",
            "A link works once, and only for a while. If you have used it in this browser already, you are "
            "logged in: just open the hub.",
            "For a new link, run `hub login` on the machine that the hub runs on, or ask whoever runs it.",
            link=("Open the hub", "./"),
        )
    await _end_session(request, request.cookies.get(COOKIE))  # this browser's, from before
    response = web.Response(
        status=HTTPStatus.SEE_OTHER.value,
        # Relative to the link: behind a proxy the hub may be under a path that it does not know.
        headers={"Location": "./", "Cache-Control": "no-store"},
    )
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int(request.app[CONFIG].auth.session_s),
        httponly=True,
        samesite="Strict",
        secure=request.app[ACCESS].is_secure(request),
        path="",
    )
    return response


async def show_session(call: Call[Nothing, Nothing]) -> SessionOut:
    """Who is asking."""
    origin = "link" if call.proof.kind is ProofKind.SESSION else call.proof.kind.value
    shown = {**shown_principal(call.principal), "origin": origin, "mqtt_port": call.app[MQTT_PORT]()}
    return SessionOut.model_validate(shown)


async def log_out(request: web.Request) -> web.StreamResponse:
    """End the browser's session. A token has none, and goes on."""
    access = request.app[ACCESS]
    proof, _ = await access.let_in(request)
    if proof.kind is ProofKind.SESSION:
        await _end_session(request, proof.secret)
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    # Where the browser has it: below the path it asked, or below the one of public_url, which a proxy may
    # have taken away.
    asked, public = request.path.partition("/api/")[0], request.app[CONFIG].http.base_path
    secure = "; Secure" if access.is_secure(request) else ""
    for path in sorted({asked or "/", public or "/"}):
        response.headers.add(
            "Set-Cookie", f'{COOKIE}=""; Max-Age=0; Path={path}; HttpOnly; SameSite=Strict{secure}'
        )
    return response


async def _end_session(request: web.Request, secret: str | None) -> None:
    """End a session, and what it watches."""
    if secret is not None:
        await request.app[OPERATORS].end_session(secret)
        request.app[VIEWERS].log_out(Proof(ProofKind.SESSION, secret))


async def make_link(call: Call[Nothing, LinkIn]) -> LinkOut:
    """Make a link that logs in one browser as admin, once."""
    code = await call.app[OPERATORS].make_link(call.body.name)
    expires_at = call.app[CLOCK]() + round(call.app[CONFIG].auth.login_link_s * 1e6)
    url = call.app[CONFIG].http.public_url or call.app[BASE_URL]()
    return LinkOut(url=f"{url}/login?code={quote(code)}", expires_at=rfc3339(expires_at))

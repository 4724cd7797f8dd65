"""Logging in: the ways there are, one-time links, names and passwords; each gives the browser a session."""

from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from hub.errors import Forbidden, Invalid, Unauthenticated
from hub.http.access import ACCESS, Proof, ProofKind
from hub.http.audit import note, note_failed_log_in, note_foreign_page
from hub.http.body import read_body
from hub.http.endpoint import Call, Nothing, read_json
from hub.http.live.viewers import VIEWERS
from hub.http.plain_page import Button, plain_page
from hub.http.rest.people_shapes import ConfirmIn, LogIn, ProviderOut, WaysOut
from hub.http.rooms import ACCOUNTS, BY_PROVIDER, CONFIG, OPERATORS

FORM_MAX_BYTES = 10_000
BROWSER_MAX = 300  # characters of what a browser calls itself


async def show_ways(request: web.Request) -> web.Response:
    """Tell how people may log in here; for everyone, before they have."""
    by_provider = request.app[BY_PROVIDER]
    found = [] if by_provider is None else by_provider.ways()
    providers = [ProviderOut(name=title, url=url) for title, url in found]
    has_passkeys = request.app[ACCOUNTS].passkeys.has_any(request.app[ACCESS].page_origin(request))
    ways = WaysOut(password=True, passkey=has_passkeys, providers=providers)
    return web.json_response(text=ways.model_dump_json())


async def show_link(request: web.Request) -> web.Response:
    """`GET /login?code=…`: a page with one button. The link is not used up by programs that only look at what
    a mail or a chat leads to.
    """
    code = request.query.get("code", "")
    name = await request.app[OPERATORS].whose_link(code)
    if name is None:
        return _spent_link()
    return plain_page(
        HTTPStatus.OK,
        "Log in to the hub",
        f"This link logs in {name} on this browser. It works once.",
        button=Button("Log in", "login", {"code": code}),
    )


async def use_link(request: web.Request) -> web.StreamResponse:
    """`POST /login`, the button: exchange a one-time link for a session, and go to the page."""
    access = request.app[ACCESS]
    if not access.is_own_page(request):
        note_foreign_page(request, "link")
        why = access.explain_origin(request)
        return plain_page(HTTPStatus.FORBIDDEN, "This did not come from the hub's own page", f"{why}.")
    form = parse_qs((await read_body(request, FORM_MAX_BYTES)).decode(errors="replace"))
    try:
        secret = await request.app[OPERATORS].use_link(form.get("code", [""])[0], access.address(request))
    except Unauthenticated:
        note_failed_log_in(request, "link")
        return _spent_link()
    response = web.Response(
        status=HTTPStatus.SEE_OTHER.value,
        # Relative to the link: behind a proxy the hub may be under a path that it does not know.
        headers={"Location": "./", "Cache-Control": "no-store"},
    )
    await begin_session(request, response, secret)
    return response


def _spent_link() -> web.Response:
    return plain_page(
        HTTPStatus.UNAUTHORIZED,
        "This link no longer logs you in",
        "A link works once, and only for a while. If you have used it in this browser already, you are "
        "logged in: just open the hub.",
        "For a new link, run `hub login` on the machine that the hub runs on, or ask whoever runs it.",
        link=("Open the hub", "./"),
    )


async def log_in(request: web.Request) -> web.StreamResponse:
    """Log in by name and password: the answer's cookie is the session."""
    refuse_foreign_page(request, "password")
    access = request.app[ACCESS]
    asked = await read_json(request, LogIn)
    try:
        secret = await request.app[OPERATORS].log_in(asked.name, asked.password, access.address(request))
    except Unauthenticated:
        note_failed_log_in(request, "password", asked.name)
        raise
    response = web.Response(status=HTTPStatus.NO_CONTENT.value)
    await begin_session(request, response, secret)
    return response


def refuse_foreign_page(request: web.Request, shown: str) -> None:
    """Raises Forbidden where another page tries to log somebody in, by a password or a passkey."""
    access = request.app[ACCESS]
    if "Origin" in request.headers and not access.is_own_page(request):
        note_foreign_page(request, shown)
        raise Forbidden(access.explain_origin(request))


def own_session(call: Call[Any, Any]) -> str:
    """The id of the session that asks. Raises Forbidden for a token."""
    kind, _, session_id = call.principal.credential.partition(" ")
    if kind != "session":
        raise Forbidden("this is for people who are logged in; a token has no sessions")
    return session_id


async def confirm(call: Call[Nothing, ConfirmIn]) -> None:
    """Prove once more who one is: keys, tokens and people may be changed for a while after."""
    own_session(call)
    access, name, asked = call.app[ACCESS], call.principal.name, call.body
    address = access.address(call.request)
    if asked.password is not None and asked.credential is None:
        await call.app[ACCOUNTS].prove(name, asked.password, address)
    elif asked.credential is not None and asked.password is None:
        origin = access.page_origin(call.request)
        await call.app[ACCOUNTS].passkeys.prove(name, asked.credential, origin, address)
    else:
        raise Invalid("a password or a credential is wanted: one of them")
    await call.app[OPERATORS].confirm(call.proof.secret)


async def begin_session(request: web.Request, response: web.Response, secret: str) -> None:
    """Give the browser a new session in place of the one that it had."""
    await note(request, await request.app[OPERATORS].session(secret))
    browser = "".join(filter(str.isprintable, request.headers.get("User-Agent", "")[:BROWSER_MAX]))
    if browser:
        await request.app[OPERATORS].note_browser(secret, browser)
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

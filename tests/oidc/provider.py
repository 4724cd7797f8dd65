"""A provider of OpenID Connect, written for the tests: it follows the standards, and lies where told to."""

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlencode

from aiohttp import web

from tests.oidc.keys import Key

CLIENT_ID, CLIENT_SECRET = "hub", "a secret: with+signs"
Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Grant(NamedTuple):
    """What a code stands for."""

    redirect_uri: str
    challenge: str
    nonce: str
    person: dict[str, Any]


@dataclass
class PlayedProvider:
    """One person is logged in at it: whoever is sent to it comes back as `person`."""

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    key: Key = field(default_factory=lambda: Key("rsa1"))
    shown_keys: list[Key] = field(default_factory=lambda: [Key("rsa1")])
    gives_refresh_tokens: bool = True
    groups_in_id_token: bool = True
    # The lies: what is put in place of what would be right. None takes away.
    document: dict[str, Any] = field(default_factory=dict)
    callback: dict[str, Any] = field(default_factory=dict)
    tokens: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    sign: Callable[[dict[str, Any]], str] | None = None
    instead: dict[str, Answer] = field(default_factory=dict)  # by path: another answer
    # What has come.
    asked: list[str] = field(default_factory=list)  # paths
    revoked: set[str] = field(default_factory=set)  # subjects whose refresh tokens work no more
    _codes: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, dict[str, Any]] = field(default_factory=dict)

    def honest(self) -> None:
        """Tell the truth again, of somebody who was never here."""
        subject = secrets.token_hex(8)
        fresh = PlayedProvider(self.url, {"sub": subject, "preferred_username": f"ada-{subject}"})
        self.__dict__.update(fresh.__dict__)

    @property
    def name(self) -> str:
        """What the person is called in the hub."""
        return f"{self.person['preferred_username']} (company)"

    # Its endpoints

    async def discovery(self, _: web.Request) -> web.StreamResponse:
        return web.json_response(
            _changed(
                {
                    "issuer": self.url,
                    "authorization_endpoint": f"{self.url}/authorize",
                    "token_endpoint": f"{self.url}/token",
                    "jwks_uri": f"{self.url}/jwks",
                    "userinfo_endpoint": f"{self.url}/userinfo",
                    "end_session_endpoint": f"{self.url}/end?tenant=1",
                    "response_types_supported": ["code"],
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": True,
                },
                self.document,
            )
        )

    async def authorize(self, request: web.Request) -> web.StreamResponse:
        """RFC 6749, 4.1.1 with PKCE; nobody is asked, the answer comes at once."""
        query = request.query
        wanted = {"response_type": "code", "client_id": CLIENT_ID, "code_challenge_method": "S256"}
        if any(query.get(name) != value for name, value in wanted.items()) or "openid" not in query["scope"]:
            return web.Response(status=400)
        code = secrets.token_urlsafe()
        self._codes[code] = Grant(
            query["redirect_uri"], query["code_challenge"], query["nonce"], dict(self.person)
        )
        sent = _changed({"code": code, "state": query["state"], "iss": self.url}, self.callback)
        return web.Response(
            status=302, headers={"Location": f"{query['redirect_uri']}?{urlencode(sent, doseq=True)}"}
        )

    async def token(self, request: web.Request) -> web.StreamResponse:
        """RFC 6749, 4.1.3 and 6; RFC 7636, 4.6."""
        form = await request.post()
        pair = f"{CLIENT_ID}:a+secret%3A+with%2Bsigns".encode()
        if request.headers.get("Authorization") != "Basic " + base64.b64encode(pair).decode():
            return web.json_response({"error": "invalid_client"}, status=401)
        if form["grant_type"] == "refresh_token":
            person = self._refresh.pop(str(form["refresh_token"]), None)
            if person is None or person["sub"] in self.revoked:
                return _invalid_grant()
            now = self.person if self.person.get("sub") == person["sub"] else person
            return web.json_response(self._tokens(dict(now), None))
        grant = self._codes.pop(str(form["code"]), None)
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if grant is None or (grant.redirect_uri, grant.challenge) != (form["redirect_uri"], challenge):
            return _invalid_grant()
        return web.json_response(self._tokens(grant.person, grant.nonce))

    def _tokens(self, person: dict[str, Any], nonce: str | None) -> dict[str, Any]:
        access = secrets.token_urlsafe()
        digest = hashlib.sha256(access.encode()).digest()[:16]
        claims = {
            **{name: value for name, value in person.items() if self.groups_in_id_token or name != "groups"},
            "iss": self.url,
            "aud": CLIENT_ID,
            "exp": time.time() + 300,
            "iat": time.time(),
            "nonce": nonce,
            "at_hash": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
            "sid": f"at-provider-{person['sub']}",
        }
        said = _changed(claims, self.claims)
        found = {
            "access_token": access,
            "token_type": "Bearer",
            "id_token": self.sign(said) if self.sign is not None else self.key.sign(said),
        }
        if self.gives_refresh_tokens:
            found["refresh_token"] = secrets.token_urlsafe()
            self._refresh[found["refresh_token"]] = person
        return _changed(found, self.tokens)

    async def jwks(self, _: web.Request) -> web.StreamResponse:
        return web.json_response({"keys": [key.shown() for key in self.shown_keys]})

    async def about(self, request: web.Request) -> web.StreamResponse:
        if not request.headers.get("Authorization", "").startswith("Bearer "):
            return web.Response(status=401)
        return web.json_response(_changed(self.person, self.userinfo))

    def logout_token(self, **changed: Any) -> str:
        """For the hub's back channel."""
        claims = {
            "iss": self.url,
            "aud": CLIENT_ID,
            "iat": time.time(),
            "exp": time.time() + 120,
            "jti": secrets.token_hex(8),
            "sub": self.person["sub"],
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        return self.key.sign(_changed(claims, changed), typ="logout+jwt")


def _changed(right: dict[str, Any], lies: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**right, **lies}.items() if value is not None}


def _invalid_grant() -> web.Response:
    return web.json_response({"error": "invalid_grant"}, status=400)


@asynccontextmanager
async def played_provider() -> AsyncIterator[PlayedProvider]:
    """The provider, listening."""
    played = PlayedProvider()

    @web.middleware
    async def note(request: web.Request, handler: Answer) -> web.StreamResponse:
        played.asked.append(request.path)
        return await played.instead.get(request.path, handler)(request)

    app = web.Application(middlewares=[note])
    app.router.add_get("/.well-known/openid-configuration", played.discovery)
    app.router.add_get("/authorize", played.authorize)
    app.router.add_post("/token", played.token)
    app.router.add_get("/jwks", played.jwks)
    app.router.add_get("/userinfo", played.about)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    played.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    played.honest()
    try:
        yield played
    finally:
        await runner.cleanup()

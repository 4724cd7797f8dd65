"""Who is asking, from where, and from which page."""

import socket
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from aiohttp import web

from hub.config import HttpConfig
from hub.errors import Forbidden, Unauthenticated
from hub.http.forwarded import Proxies
from hub.model import Principal, Right, key
from hub.people.operators import LOCAL_OWNER, Operators
from hub.people.rule import Decision, OfDevice, Whole, decide
from hub.people.tokens import Tokens

if TYPE_CHECKING:
    from hub.http.oidc.rechecks import Rechecks

COOKIE = "hub"
# Over TLS: browsers take it from the host itself only, over TLS, for all of its paths (RFC 6265bis, 4.1.3.2).
SECURE_COOKIE = f"__Host-{COOKIE}"
RECHECK_WAIT_S = 2.0  # for a provider that is asked whether a session goes on; live sockets do not wait
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ProofKind(Enum):
    """How someone shows who they are."""

    LOCAL = "local"  # by the Unix socket itself
    TOKEN = "token"  # noqa: S105  # the word, not one
    SESSION = "session"


class Proof(NamedTuple):
    """What someone showed. It can be checked again later, for tokens and sessions end."""

    kind: ProofKind
    secret: str


@dataclass(frozen=True, slots=True)
class Access:
    """Lets people and programs in."""

    operators: Operators
    tokens: Tokens
    allowed_origins: frozenset[str]
    proxies: Proxies
    public_origin: str  # of `http.public_url`; "" without
    rechecks: "Rechecks | None" = None  # of sessions that providers gave

    @classmethod
    def of(
        cls, operators: Operators, tokens: Tokens, config: HttpConfig, rechecks: "Rechecks | None" = None
    ) -> "Access":
        """As the configuration says. Raises Invalid for a proxy that is no address or network."""
        origins = frozenset(origin.rstrip("/").lower() for origin in config.allowed_origins)
        public_origin = ""
        if config.public_url:
            scheme, host = urlsplit(config.public_url.lower())[:2]
            public_origin = f"{scheme}://{host}"
            origins |= {public_origin}
        return cls(operators, tokens, origins, Proxies(config), public_origin, rechecks)

    def shown(self, request: web.Request) -> Proof | None:
        """What the request shows: the Unix socket, an Authorization header, or the session's cookie."""
        if is_local(request):
            return Proof(ProofKind.LOCAL, "")
        token = bearer(request)
        if token is not None:
            return Proof(ProofKind.TOKEN, token)
        cookie = request.cookies.get(self.cookie(request))
        return None if cookie is None else Proof(ProofKind.SESSION, cookie)

    async def check(self, proof: Proof, address: str | None = None) -> Principal:
        """Whose proof it is; `address` is where it is used from, if that is to be noted.

        Raises Unauthenticated, also when it has run out since it was shown.
        """
        if proof.kind is ProofKind.LOCAL:
            return LOCAL_OWNER
        if proof.kind is ProofKind.SESSION:
            principal = await self.operators.session(proof.secret)
            wait_s = 0.0 if address is None else RECHECK_WAIT_S
            if self.rechecks is not None and await self.rechecks.confirm(proof.secret, wait_s):
                return await self.operators.session(proof.secret)  # what they may can have changed
            return principal
        if proof.secret.startswith(key.PREFIX):
            raise Unauthenticated(
                "this is a device's API key; a token is wanted here: `hub tokens add` makes one"
            )
        return self.tokens.check(proof.secret, address)

    async def let_in(
        self, request: web.Request, *rights: Right, whole_hub: bool = False, step_up: bool = False
    ) -> tuple[Proof, Principal]:
        """What is shown, and who asks: somebody who has the right, for the whole hub or for some devices.

        Of several rights one will do; without any, whoever has shown who they are is let in. `step_up` asks
        people for a proof of a moment ago. Raises as `proven` does, Forbidden and StepUp.
        """
        proof, principal = await self.proven(request)
        held = [one for one in rights if decide(principal, one, None) is not Decision.REFUSE]
        for right in held[:1] or rights[:1]:
            permit(principal, right, Whole.HUB if whole_hub else None)
        if step_up:
            self.operators.refuse_unconfirmed(principal)
        return proof, principal

    async def proven(self, request: web.Request) -> tuple[Proof, Principal]:
        """What is shown, and who asks.

        Raises Unauthenticated; Forbidden for a write by a browser's session from a foreign page.
        """
        proof = self.shown(request)
        if proof is None:
            raise Unauthenticated(
                "log in with a link from `hub login`, or send Authorization: Bearer <token> "
                "(`hub tokens add`)"
            )
        if (
            proof.kind is ProofKind.SESSION
            and request.method not in SAFE_METHODS
            and not self.is_own_page(request)
        ):
            raise Forbidden(self.explain_origin(request))
        return proof, await self.check(proof, self.address(request))

    def is_own_page(self, request: web.Request) -> bool:
        """Whether a browser says that the hub's own page, or one of `http.allowed_origins`, asks."""
        origin = request.headers.get("Origin")
        if origin is None:
            return request.headers.get("Sec-Fetch-Site") == "same-origin"
        own = f"{'https' if self.is_secure(request) else 'http'}://{request.host}"
        # None for "null". A broken Host gives None too, and that does not make the two the same.
        asking = _origin(origin)
        return origin.lower() in self.allowed_origins or (asking is not None and asking == _origin(own))

    def page_origin(self, request: web.Request) -> str:
        """Where the page is that asks, as browsers write it: "https://ops.example.org"."""
        origin = request.headers.get("Origin")
        if origin is not None and self.is_own_page(request):
            return origin
        if self.public_origin:
            return self.public_origin
        return f"{'https' if self.is_secure(request) else 'http'}://{request.host}".lower()

    @staticmethod
    def explain_origin(request: web.Request) -> str:
        """Why a page was turned away, and what would let it in."""
        origin = request.headers.get("Origin")
        if origin is None:
            return "a session works for the hub's own page only; programs use a token (`hub tokens add`)"
        return (
            f"the page at {origin[:200]!r} is not the hub's own; http.allowed_origins may name it "
            "(behind a proxy, the hub's log says what that leaves out)"
        )

    def cookie(self, request: web.Request) -> str:
        """The name of the session's cookie."""
        return SECURE_COOKIE if self.is_secure(request) else COOKIE

    def is_secure(self, request: web.Request) -> bool:
        """Whether the browser's end of the connection is TLS."""
        return self.proxies.source(request).is_secure

    def address(self, request: web.Request) -> str:
        """Where a request comes from: the peer's address, or a trusted proxy's word; "local": Unix socket."""
        return self.proxies.source(request).address

    def is_proxy(self, address: str | None) -> bool:
        """Whether `http.trusted_proxies` holds the address."""
        return self.proxies.trusts(address)


ACCESS = web.AppKey("access", Access)


def permit(principal: Principal, right: Right, device: OfDevice | Whole | None) -> bool:
    """Whether the device is there for this principal, who may do this to it. Raises Forbidden.

    The words of a refusal are the same for every device.
    """
    decision = decide(principal, right, device)
    if decision is Decision.REFUSE:
        elsewhere = decide(principal, right, None) is not Decision.REFUSE
        lacks = "has it for certain devices only" if elsewhere else "does not have it"
        raise Forbidden(f"this takes the right {right}; {principal.name!r} {lacks}")
    return decision is Decision.ALLOW


def bearer(request: web.Request) -> str | None:
    """The secret of `Authorization: Bearer …` (RFC 6750) or `Token …`; None without such a header."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() in ("bearer", "token") and secret.strip() else None


def is_local(request: web.Request) -> bool:
    """Whether it came by the Unix socket, which only the hub's owner can open. No if it is gone by now."""
    connection = None if request.transport is None else request.transport.get_extra_info("socket")
    return connection is not None and connection.family == socket.AF_UNIX


def _origin(text: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port, by default the scheme's (RFC 6454); None for what is no origin."""
    try:
        parts = urlsplit(text)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
    return (parts.scheme, parts.hostname, port) if parts.hostname else None

"""The way of a browser to a provider, and back."""

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus

from aiohttp import web

from hub.errors import Busy, HubError, Invalid, Unauthenticated
from hub.fleet.keys import LoginThrottle
from hub.http.access import ACCESS
from hub.http.around import Around
from hub.http.audit import note_refused_person, noted
from hub.http.oidc.admission import Admission
from hub.http.oidc.provider import Person, Provider
from hub.http.oidc.rechecks import Rechecks
from hub.http.plain_page import plain_page
from hub.http.rest.login import begin_session
from hub.http.rooms import OPERATORS
from hub.logs import Logger, RateLimitedLog
from hub.people.accounts import Accounts
from hub.people.oidc.attempts import LASTS_S, Attempt, Attempts
from hub.people.oidc.faults import NoEntry, NotBegunHere, ProviderRefused, ProviderSilent, ProviderWrong
from hub.people.oidc.messages import Callback, authorization_url
from hub.people.oidc.tokens import LogoutToken
from hub.registry.provided import StoredProvidedSessions

COOKIE = "hub-login"
SECURE_COOKIE = f"__Host-{COOKIE}"
AT_ONCE_MAX = 32  # log ins that wait for a provider's answer; beyond, one is told to come back
PER_ADDRESS_MAX = 8  # and of one address, with those that are being refused

_log = Logger("oidc")


class SignOn:
    """Logs people in. `base_url` tells where they find the hub, which providers have to be told."""

    def __init__(
        self,
        providers: Mapping[str, Provider],
        admission: Admission,
        rechecks: Rechecks,
        accounts: Accounts,
        stored: StoredProvidedSessions,
        base_url: Callable[[], str],
        around: Around,
        throttle: LoginThrottle,
    ) -> None:
        self._accounts = accounts
        self._stored = stored
        self.providers = providers
        self._rechecks = rechecks
        self._admission = admission
        self.base_url = base_url
        self._around = around
        self._throttle = throttle
        self._attempts = Attempts(around.steady_s, around.random_text)
        self._asking = 0  # log ins of which a provider is asked
        self._waiting: Counter[str] = Counter()  # those under way, by address
        self._refusals = RateLimitedLog(_log)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """`GET /login/oidc/<name>`: send the browser to the provider."""
        provider = self.provider(request)
        try:
            metadata = await provider.metadata()
        except HubError as error:
            return self._refused(request, provider, error, provider.config.name)
        access = request.app[ACCESS]
        cookie = SECURE_COOKIE if access.is_secure(request) else COOKIE
        browser = request.cookies.get(cookie, "")
        if not re.fullmatch(r"[\w-]{43}", browser, re.ASCII):  # several tabs of one browser share it
            browser = self._around.random_text()
        name, address = provider.config.name, access.address(request)
        redirect_uri = f"{self.base_url()}/login/oidc/{name}/callback"
        # Whoever is logged in comes to prove anew who they are, which the provider alone can ask them.
        anew_from_s = self._around.clock() / 1e6 if await _is_logged_in(request) else None
        state, attempt = self._attempts.begin(name, browser, redirect_uri, address, anew_from_s)
        response = _see_other(authorization_url(metadata, provider.config, state, attempt))
        response.set_cookie(
            cookie,
            browser,
            max_age=int(LASTS_S),
            httponly=True,
            samesite="Lax",  # sent along when the provider sends the browser back
            secure=access.is_secure(request),
            path="/",
        )
        return response

    async def come_back(self, request: web.Request) -> web.StreamResponse:
        """`GET /login/oidc/<name>/callback`: the provider has sent the browser back."""
        provider = self.provider(request)
        access = request.app[ACCESS]
        address = access.address(request)
        browser = request.cookies.get(SECURE_COOKIE if access.is_secure(request) else COOKIE, "")
        try:
            callback = Callback.read({name: request.query.getall(name) for name in request.query})
            attempt = self._attempts.take(callback.state, provider.config.name, browser)
            with self._place(address):
                person = await self._ask(provider, attempt, callback)
                operator = await self._admission.admit(provider.config, person)
        except NoEntry as error:
            note_refused_person(request, noted(error.called), f"oidc {provider.config.name}", error)
            return self._refused(request, provider, error, f"../{provider.config.name}")
        except HubError as error:
            if not isinstance(error, ProviderSilent | Busy):
                note_refused_person(request, "", f"oidc {provider.config.name}", error)
            return self._refused(request, provider, error, f"../{provider.config.name}")
        lasts_s = provider.config.unchecked_s if person.refresh_token is None else float("inf")
        proven_at = None if person.proven_at_s is None else round(person.proven_at_s * 1e6)
        secret = await request.app[OPERATORS].begin_provided(
            operator.name, address, provider.config.name, lasts_s, proven_at
        )
        await self._rechecks.begin(secret, provider.config.name, person)
        # Relative: behind a proxy the hub may be under a path that it does not know.
        response = _see_other("../../../")
        await begin_session(request, response, secret)
        return response

    async def _ask(self, provider: Provider, attempt: Attempt, callback: Callback) -> Person:
        """Who has come back. Made up codes are refused later and later: each costs the provider work.

        Raises as `Provider.log_in` does, and Busy.
        """
        if self._asking >= AT_ONCE_MAX:
            raise Busy("too many people are logging in at this moment", 1.0, "fixed.log_ins_at_once")
        self._asking += 1
        try:
            return await provider.log_in(attempt, callback)
        except ProviderRefused as error:
            refused = error
        finally:
            self._asking -= 1
        await asyncio.sleep(self._throttle.failed(attempt.address))
        raise refused

    def provider(self, request: web.Request) -> Provider:
        """The one in the path. Raises HTTPNotFound."""
        provider = self.providers.get(request.match_info["provider"])
        if provider is None:
            raise web.HTTPNotFound
        return provider

    @contextmanager
    def _place(self, address: str) -> Iterator[None]:
        """One of the places of this address. Raises Busy."""
        if self._waiting[address] >= PER_ADDRESS_MAX:
            raise Busy("too many people are logging in from this address", 1.0, "fixed.log_ins_per_address")
        self._waiting[address] += 1
        try:
            yield
        finally:
            self._waiting[address] -= 1
            if not self._waiting[address]:
                del self._waiting[address]

    def _refused(self, request: web.Request, provider: Provider, error: HubError, again: str) -> web.Response:
        """A page that says what went wrong. The log has more; it counts what comes again and again."""
        address = request.app[ACCESS].address(request)
        name = provider.config.name
        what = "a log in by a provider failed"
        self._refusals.warning(what, address, reason=str(error), provider=name)
        return _page(provider, error, ("Log in again", again))

    async def end_provided(self, provider: Provider, over: LogoutToken) -> set[str]:
        """End the sessions that the provider says are over; whose they were."""
        config = provider.config
        known = self._accounts.of_issuer(config.issuer, over.subject)
        if over.subject is not None and not known:
            return set()
        name = known[0].name if over.subject is not None else None
        ended = await self._stored.of(config.name, name, over.session)
        for whose, session_id in ended:
            await self._admission.end_sessions(whose, only=session_id)
        return {whose for whose, _ in ended}

    def close(self) -> None:
        """Say nothing more."""
        self._refusals.close()


async def _is_logged_in(request: web.Request) -> bool:
    secret = request.cookies.get(request.app[ACCESS].cookie(request))
    try:
        return secret is not None and bool(await request.app[OPERATORS].session(secret))
    except Unauthenticated:
        return False


def _see_other(url: str) -> web.Response:
    headers = {"Location": url, "Cache-Control": "no-store"}
    return web.Response(status=HTTPStatus.SEE_OTHER.value, headers=headers)


def _page(provider: Provider, error: HubError, again: tuple[str, str]) -> web.Response:
    title = provider.config.shown_title
    if isinstance(error, NoEntry):
        return plain_page(
            HTTPStatus.FORBIDDEN,
            "You may not come in",
            f"{title} knows you, but {error}. Ask whoever runs this hub, or whoever keeps the groups of "
            f"{title}.",
        )
    if isinstance(error, NotBegunHere):
        return plain_page(
            HTTPStatus.BAD_REQUEST,
            "This log in is over",
            f"{str(error)[:1].upper()}{str(error)[1:]}. Nothing has changed; just log in again.",
            link=again,
        )
    if isinstance(error, ProviderRefused):
        return plain_page(HTTPStatus.FORBIDDEN, f"{title} did not let you in", f"{error}.", link=again)
    if isinstance(error, ProviderSilent):
        return plain_page(
            HTTPStatus.BAD_GATEWAY,
            f"{title} does not answer as it should",
            "Nobody can log in by it at this moment. Who is logged in stays so. The hub's log says more.",
            link=again,
        )
    if isinstance(error, ProviderWrong):
        return plain_page(
            HTTPStatus.BAD_GATEWAY,
            f"What came back from {title} is not to be believed",
            f"{error}. You were not logged in. If this happens again, tell whoever runs this hub.",
            link=again,
        )
    if isinstance(error, Busy):
        return plain_page(HTTPStatus.TOO_MANY_REQUESTS, "Try again in a moment", f"{error}.", link=again)
    if isinstance(error, Invalid):
        return plain_page(HTTPStatus.FORBIDDEN, "You may not come in", f"{error}.")
    raise error

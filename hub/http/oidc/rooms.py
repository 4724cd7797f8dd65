"""Builds what logs people in by providers, and gives it its routes."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from hub.clock import HubClock
from hub.errors import StoreError
from hub.fleet.keys import LoginThrottle
from hub.http.around import Around
from hub.http.live.viewers import VIEWERS
from hub.http.oidc.admission import Admission
from hub.http.oidc.client import ProviderClient
from hub.http.oidc.login import SignOn
from hub.http.oidc.logout import ProviderLogout
from hub.http.oidc.provider import Provider
from hub.http.oidc.rechecks import Rechecks
from hub.http.rooms import ACCOUNTS, AUDIT, BASE_URL, CLOCK, CONFIG, OPERATORS, TOKENS
from hub.logs import Logger
from hub.registry.provided import StoredProvidedSessions
from hub.timers import aligned_sleep

UNSEEN_INTERVAL_S = 3_600.0

_log = Logger("oidc")


class ByProvider(NamedTuple):
    """How people come in, stay, and go by providers."""

    sign_on: SignOn
    rechecks: Rechecks
    logout: ProviderLogout
    admission: Admission
    unseen_s: float  # a person of whom a provider says nothing for so long is let in no more

    async def watch_unseen(self, clock: HubClock) -> None:
        """Let in no more of whom nothing was heard for long, until cancelled; not while the clock may be
        wrong.
        """
        while True:
            await aligned_sleep(UNSEEN_INTERVAL_S)
            if not clock.is_trusted:
                continue
            try:
                configs = [one.config for one in self.sign_on.providers.values()]
                await self.admission.lapse_unseen(configs, self.unseen_s)
            except StoreError as error:
                _log.error("cannot end what was not seen for long; retrying", why=str(error))

    def routes(self, below: str) -> list[web.RouteDef]:
        """Where browsers and providers come. A HEAD must use nothing up."""
        path = f"{below}/login/oidc/{{provider}}"
        return [
            web.get(path, self.sign_on.begin, allow_head=False),
            web.get(f"{path}/callback", self.sign_on.come_back, allow_head=False),
            web.post(f"{path}/backchannel", self.logout.told),
        ]

    def ways(self) -> list[tuple[str, str]]:
        """What people see of each, and where they go for it."""
        configs = [one.config for one in self.sign_on.providers.values()]
        return [(one.shown_title, f"login/oidc/{one.name}") for one in configs]


def by_provider(app: web.Application, stored: StoredProvidedSessions, around: Around) -> ByProvider:
    """What logs people in, of the application's rooms. Raises Invalid for a secret that cannot be read."""
    client = ProviderClient()
    clock = app[CLOCK]
    providers = {
        one.name: Provider(one, client, lambda: clock() / 1e6, around.steady_s)
        for one in app[CONFIG].auth.oidc
    }
    accounts = app[ACCOUNTS]
    admission = Admission(
        accounts, app[OPERATORS], app[TOKENS], lambda: app[VIEWERS], app[AUDIT], around.clock
    )
    rechecks = Rechecks(providers, stored, accounts, admission, around)
    auth = app[CONFIG].auth
    throttle = LoginThrottle(auth, around.steady_s, around.refusal_pace)
    url: Callable[[], str] = lambda: app[CONFIG].http.public_url or app[BASE_URL]()  # noqa: E731
    sign_on = SignOn(providers, admission, rechecks, accounts, stored, url, around, throttle)

    async def close(_: web.Application) -> None:
        await rechecks.close()
        sign_on.close()
        await client.close()

    app.on_cleanup.append(close)
    logout = ProviderLogout(sign_on, rechecks)
    return ByProvider(sign_on, rechecks, logout, admission, unseen_s=auth.session_s)

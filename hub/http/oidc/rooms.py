"""Builds what logs people in by providers, and gives it its routes."""

from collections.abc import Callable
from typing import NamedTuple

from aiohttp import web

from hub.http.around import Around
from hub.http.live.viewers import VIEWERS
from hub.http.oidc.admission import Admission
from hub.http.oidc.client import ProviderClient
from hub.http.oidc.login import SignOn
from hub.http.oidc.logout import ProviderLogout
from hub.http.oidc.provider import Provider
from hub.http.oidc.rechecks import Rechecks
from hub.http.rooms import ACCOUNTS, AUDIT, BASE_URL, CLOCK, CONFIG, OPERATORS, TOKENS
from hub.registry.provided import StoredProvidedSessions


class ByProvider(NamedTuple):
    """How people come in, stay, and go by providers."""

    sign_on: SignOn
    rechecks: Rechecks
    logout: ProviderLogout

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
    url: Callable[[], str] = lambda: app[CONFIG].http.public_url or app[BASE_URL]()  # noqa: E731
    sign_on = SignOn(providers, admission, rechecks, accounts, stored, url, around)

    async def close(_: web.Application) -> None:
        await rechecks.close()
        sign_on.close()
        await client.close()

    app.on_cleanup.append(close)
    return ByProvider(sign_on, rechecks, ProviderLogout(sign_on, rechecks))

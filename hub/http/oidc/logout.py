"""Logging out at the provider too (RP-Initiated Logout 1.0), and being told by it that somebody has logged
out there (Back-Channel Logout 1.0).
"""

from collections import OrderedDict
from http import HTTPStatus
from urllib.parse import parse_qs

from aiohttp import web

from hub.errors import HubError, Refused
from hub.http.audit import note
from hub.http.body import read_body
from hub.http.oidc.login import SignOn
from hub.http.oidc.provider import Provider
from hub.http.oidc.rechecks import Rechecks
from hub.model import Principal
from hub.people.oidc.faults import ProviderWrong
from hub.people.oidc.messages import with_query
from hub.people.oidc.tokens import LogoutToken

BODY_MAX_BYTES = 100_000
SEEN_MAX = 10_000  # logout tokens that are not taken again; each is good for some minutes only


class ProviderLogout:
    """Both ways of it."""

    def __init__(self, sign_on: SignOn, rechecks: Rechecks) -> None:
        self._rechecks = rechecks
        self._sign_on = sign_on
        self._seen: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def url(self, secret: str) -> str | None:
        """Where the browser goes to log out at the provider of this session, if it has such a place."""
        found = await self._rechecks.id_token(secret)
        provider = None if found is None else self._sign_on.providers.get(found[0])
        if found is None or provider is None:
            return None
        try:
            endpoint = (await provider.metadata()).end_session_endpoint
        except HubError:
            return None  # the hub's own session ends all the same
        hint = {} if found[1] is None else {"id_token_hint": found[1]}
        back = f"{self._sign_on.base_url()}/"
        asked = {"client_id": provider.config.client_id, "post_logout_redirect_uri": back, **hint}
        return None if endpoint is None else with_query(endpoint, asked)

    async def told(self, request: web.Request) -> web.Response:
        """`POST /login/oidc/<name>/backchannel`: the provider says whose sessions are over."""
        provider = self._sign_on.provider(request)
        try:
            form = parse_qs((await read_body(request, BODY_MAX_BYTES)).decode(errors="replace"))
            found = await provider.logout_token(form.get("logout_token", [""])[0])
            self._take(provider, found)
        except Refused as error:  # 2.8
            return _refused(HTTPStatus.BAD_REQUEST, error)
        except HubError as error:
            return _refused(HTTPStatus.SERVICE_UNAVAILABLE, error)
        ended = await self._sign_on.end_provided(provider, found)
        if ended:
            teller = Principal(", ".join(sorted(ended)), (), credential=f"oidc {provider.config.name}")
            await note(request, teller)
        return web.Response(status=HTTPStatus.OK.value, headers={"Cache-Control": "no-store"})

    def _take(self, provider: Provider, token: LogoutToken) -> None:
        """Each once: or an old one would end sessions that began since."""
        key = (provider.config.name, token.id)
        if key in self._seen:
            raise ProviderWrong("this logout token was shown before")
        self._seen[key] = None
        if len(self._seen) > SEEN_MAX:
            self._seen.popitem(last=False)


def _refused(status: HTTPStatus, error: HubError) -> web.Response:
    body = {"error": "invalid_request", "error_description": str(error)}
    return web.json_response(body, status=status.value, headers={"Cache-Control": "no-store"})

import asyncio
from collections.abc import Mapping

import aiohttp

from hub.formats.parsing import parse_json
from hub.people.oidc.faults import ProviderSilent

ANSWER_S = 10.0  # for a whole answer
CONNECT_S = 5.0
ANSWER_MAX_BYTES = 262_144  # of keys, and of somebody with thousands of groups
AT_ONCE = 16  # connections to all providers


class ProviderClient:
    """Asks providers. An answer that is late, long, elsewhere or no JSON is none: raises ProviderSilent."""

    def __init__(self, answer_s: float = ANSWER_S) -> None:
        self._answer_s = answer_s
        self._session: aiohttp.ClientSession | None = None

    async def get(self, url: str, bearer: str | None = None) -> object:
        """What is there."""
        headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
        status, answer = await self._ask("GET", url, headers)
        if status != 200:
            raise ProviderSilent(f"{_place(url)} answers with status {status}")
        return answer

    async def post(self, url: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, object]:
        """Status and content of the answer to a form."""
        return await self._ask("POST", url, headers, form)

    async def _ask(
        self, method: str, url: str, headers: Mapping[str, str], form: Mapping[str, str] | None = None
    ) -> tuple[int, object]:
        sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        try:
            async with self._opened().request(
                method, url, headers=sent, data=form, allow_redirects=False
            ) as response:
                if 300 <= response.status < 400:
                    raise ProviderSilent(f"{_place(url)} answers from elsewhere: status {response.status}")
                raw = await _read(response, url)
                return response.status, parse_json(raw, constants=False)
        except TimeoutError as error:
            raise ProviderSilent(f"{_place(url)} does not answer in {self._answer_s:.0f} s") from error
        except aiohttp.ClientError as error:
            raise ProviderSilent(f"{_place(url)} does not answer: {error}") from error
        except ValueError as error:
            raise ProviderSilent(f"{_place(url)} answers no JSON (status {response.status})") from error

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._answer_s, sock_connect=CONNECT_S),
                auto_decompress=False,  # nothing packed is asked for, and none is unpacked
            )
        return self._session

    async def close(self) -> None:
        """End what is under way."""
        if self._session is not None:
            await self._session.close()


async def _read(response: aiohttp.ClientResponse, url: str) -> bytes:
    """The whole of it, up to the bound."""
    raw = bytearray()
    async for part in response.content.iter_any():
        raw += part
        if len(raw) > ANSWER_MAX_BYTES:
            raise ProviderSilent(f"{_place(url)} answers with over {ANSWER_MAX_BYTES} bytes")
        await asyncio.sleep(0)  # an endless answer that is always there takes turns with others
    return bytes(raw)


def _place(url: str) -> str:
    """The address without a query."""
    return url.partition("?")[0][:200]

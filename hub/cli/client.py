"""The command line's way to a hub: REST over its Unix socket."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from hub.errors import Busy, Conflict, Forbidden, HubError, Invalid, NotFound, StoreError, Unauthenticated

Query = Mapping[str, str] | Sequence[tuple[str, str]]

TIMEOUT_S = 300.0  # ten thousand devices made in one request take some seconds, on a slow disk more
_ERRORS: dict[int, type[HubError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Invalid,
    400: Invalid,
    500: HubError,
}


class Unreachable(HubError):
    """No hub answers at the socket."""


class Client:
    """Calls REST as the owner of the hub. Make it with `connect`."""

    def __init__(self, session: aiohttp.ClientSession, *, alone: bool = False) -> None:
        self._session = session
        self.alone = alone  # no hub runs: the application is in this process, and ends with the command

    @classmethod
    @asynccontextmanager
    async def connect(cls, socket_path: Path, *, alone: bool = False) -> AsyncIterator["Client"]:
        """A client of the hub at `socket_path`; raises Unreachable at the first call if there is none."""
        connector = aiohttp.UnixConnector(path=str(socket_path))
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        async with aiohttp.ClientSession("http://hub", connector=connector, timeout=timeout) as session:
            yield cls(session, alone=alone)

    async def answers(self) -> bool:
        """Whether a hub is there."""
        try:
            await self.call("GET", "/healthz")
        except Unreachable:
            return False
        return True

    async def call(
        self, method: str, path: str, body: object = None, query: dict[str, str] | None = None
    ) -> Any:
        """The JSON that `path` answers, None for no content.

        Raises the error that the answer's status stands for, or Unreachable when nobody answers.
        """
        try:
            async with self._session.request(method, path, json=body, params=query) as response:
                if response.status == 204:
                    return None
                answer = await response.json(content_type=None)
                if response.status >= 400:
                    raise _error(response, answer)
                return answer
        except TimeoutError as error:
            raise HubError(f"the hub did not answer within {TIMEOUT_S:g} s; its log may say why") from error
        except (aiohttp.ClientConnectionError, FileNotFoundError) as error:
            raise Unreachable(f"no hub answers: {error}") from error

    async def lines(
        self, method: str, path: str, query: Query, body: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[dict[str, Any]]:
        """What a long operation answers line by line, however long it takes. Raises as `call` does."""
        async with self._open(method, path, query, body) as response:
            async for line in response.content:
                yield orjson.loads(line)

    @asynccontextmanager
    async def download(self, path: str, query: Query) -> AsyncIterator[tuple[int, AsyncIterator[bytes]]]:
        """The count and the content of an export. Raises as `call` does, HubError for one that breaks off."""
        async with self._open("GET", path, query) as response:
            yield int(response.headers["X-Total-Count"]), response.content.iter_any()

    async def text(self, path: str, query: Query) -> AsyncIterator[bytes]:
        """What a long list answers in another form than JSON, piece by piece. Raises as `call` does."""
        async with self._open("GET", path, query) as response:
            async for chunk in response.content.iter_any():
                yield chunk

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, query: Query, body: AsyncIterator[bytes] | None = None
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        unlimited = aiohttp.ClientTimeout(total=None)
        try:
            async with self._session.request(
                method, path, params=query, data=body, timeout=unlimited
            ) as response:
                if response.status >= 400:
                    raise _error(response, await response.json(content_type=None))
                yield response
        except aiohttp.ClientPayloadError as error:
            raise HubError("the hub broke off; its log says why") from error
        except (aiohttp.ClientConnectionError, FileNotFoundError) as error:
            raise Unreachable(f"no hub answers: {error}") from error

    async def pages(self, path: str, name: str) -> AsyncIterator[dict[str, Any]]:
        """All rows of a paged list."""
        cursor = ""
        while True:
            page = await self.call(
                "GET", path, query={"limit": "1000", **({"cursor": cursor} if cursor else {})}
            )
            for row in page[name]:
                yield row
            cursor = page.get("next") or ""
            if not cursor:
                return


def _error(response: aiohttp.ClientResponse, answer: Any) -> HubError:
    detail = str(answer.get("detail") or answer.get("title")) if isinstance(answer, dict) else str(answer)
    if response.status in (429, 503):
        return Busy(detail, float(response.headers.get("Retry-After", "1")))
    if response.status == 422 and isinstance(answer, dict):
        return Invalid(detail, code=str(answer.get("code", Invalid.code)))
    return _ERRORS.get(response.status, StoreError)(detail)

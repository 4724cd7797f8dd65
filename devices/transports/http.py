"""Readings by HTTP: `POST /api/v1/telemetry`, one request at a time over a kept-alive connection. No
commands.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import NoReturn
from urllib.parse import SplitResult

import aiohttp

from devices import wire
from devices.errors import Busy, KeyRefused, LinkLost, TooLarge, Unsupported
from devices.wire import BacklogEntry, Request, SendOutcome

_NO_COMMANDS = "HTTP carries no commands: use mqtt:// or ws://"
_PATH = "/api/v1/telemetry"
_TIMEOUT = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
_ANSWER_MAX_BYTES = 262_144


class HttpTransport:
    """`http://` and `https://`."""

    takes_commands = False

    def __init__(self, url: SplitResult, key: str, tls: ssl.SSLContext | None) -> None:
        self._url = url._replace(path=url.path.rstrip("/") + _PATH).geturl()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._tls: ssl.SSLContext | bool = tls or True

    @asynccontextmanager
    async def connect(self, requests: asyncio.Queue[Request]) -> AsyncIterator["HttpLink"]:
        """Open the pool; the connection itself is made by the first request."""
        del requests
        connector = aiohttp.TCPConnector(limit=1, ssl=self._tls)
        async with aiohttp.ClientSession(
            connector=connector, headers=self._headers, timeout=_TIMEOUT
        ) as session:
            yield HttpLink(session, self._url)


class HttpLink:
    """A pool of one connection."""

    window = 1
    message_max_bytes = wire.BATCH_MAX_BYTES

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def deliver(self, entries: Sequence[BacklogEntry]) -> SendOutcome:
        """Post one message. Any 5xx is `Busy`: the hub answers 200 only for what it has stored."""
        try:
            async with self._session.post(
                self._url, data=wire.join(entries), allow_redirects=False
            ) as response:
                text = await response.content.read(_ANSWER_MAX_BYTES)
        except TimeoutError as error:
            raise LinkLost(f"no answer from {self._url}") from error
        except aiohttp.ClientError as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        return _judge(response, text, len(entries))

    async def watch(self) -> NoReturn:
        """There is no connection to lose between requests."""
        while True:
            await asyncio.Event().wait()

    async def listen(self) -> None:
        """Raises Unsupported."""
        raise Unsupported(_NO_COMMANDS)

    async def answer(self, command_id: str, response: object) -> None:
        """Raises Unsupported."""
        del command_id, response
        raise Unsupported(_NO_COMMANDS)


def _judge(response: aiohttp.ClientResponse, text: bytes, sent: int) -> SendOutcome:
    """What the answer means for the readings sent (RFC 9110, RFC 9457)."""
    if response.status == 200:
        return SendOutcome()
    problem = wire.decode_object(text)
    reason = f"HTTP {response.status}: {problem.get('detail') or problem.get('title') or response.reason}"
    match response.status:
        case 400 | 422:
            return wire.outcome(problem, sent)
        case 401 | 403:
            raise KeyRefused(reason)
        case 413:
            raise TooLarge(reason)
        case 408 | 429 | 500 | 502 | 503 | 504:
            raise Busy(reason, wire.retry_after_s(response.headers.get("Retry-After")))
    # Not what a hub says to readings: another server, or a wrong path. The readings are not at fault and are
    # kept.
    raise LinkLost(reason)

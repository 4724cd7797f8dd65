"""Readings by HTTP: `POST /api/v1/telemetry`, one request at a time over a kept-alive connection. Commands by
`GET /api/v1/device/commands`, which waits, over another one.
"""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, NoReturn
from urllib.parse import SplitResult

import aiohttp

from devices import wire
from devices.errors import Busy, KeyRefused, LinkLost, TooLarge
from devices.inbox import Arrived
from devices.wire import BacklogEntry, Request, SendOutcome, Wish

_TIMEOUT = aiohttp.ClientTimeout(total=30.0, sock_connect=10.0)
_ANSWER_MAX_BYTES = 262_144
_WAIT_S = 25  # of a poll, less than proxies allow a silent connection
_AGAIN_S = 5.0  # after an answer that did not get through
_POLL_AGAIN_S = 30.0  # after a poll that failed: where too many wait already, this one must not add to that

log = logging.getLogger(__name__)


class HttpTransport:
    """`http://` and `https://`."""

    def __init__(self, url: SplitResult, key: str, tls: ssl.SSLContext | None) -> None:
        self._url = url._replace(path=url.path.rstrip("/") + "/api/v1").geturl()
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._tls: ssl.SSLContext | bool = tls or True

    @asynccontextmanager
    async def connect(self, arrived: Arrived) -> AsyncIterator["HttpLink"]:
        """Open the pools; the connections themselves are made by the first requests."""
        async with self._pool() as sending, self._pool() as polling:
            yield HttpLink(sending, polling, self._url, arrived)

    def _pool(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(limit=1, ssl=self._tls)
        return aiohttp.ClientSession(connector=connector, headers=self._headers, timeout=_TIMEOUT)


class HttpLink:
    """A pool of one connection for what is sent, and one for what is waited for."""

    window = 1
    message_max_bytes = wire.BATCH_MAX_BYTES

    def __init__(
        self, sending: aiohttp.ClientSession, polling: aiohttp.ClientSession, url: str, arrived: Arrived
    ) -> None:
        self._sending = sending
        self._polling = polling
        self._url = url
        self._arrived = arrived
        self._listening = asyncio.Event()

    async def deliver(self, entries: Sequence[BacklogEntry]) -> SendOutcome:
        """Post one message. Any 5xx is `Busy`: the hub answers 200 only for what it has stored."""
        url = f"{self._url}/telemetry"
        try:
            async with self._sending.post(url, data=wire.join(entries), allow_redirects=False) as response:
                text = await response.content.read(_ANSWER_MAX_BYTES)
        except TimeoutError as error:
            raise LinkLost(f"no answer from {url}") from error
        except aiohttp.ClientError as error:
            raise LinkLost(str(error) or type(error).__name__) from error
        return _judge(response, text, len(entries))

    async def watch(self) -> NoReturn:
        """There is no connection to lose between requests. Wait for commands, once somebody wants them."""
        await self._listening.wait()
        had: list[str] = []
        while True:
            try:
                had = await self._poll(had)
            except (aiohttp.ClientError, TimeoutError, ValueError) as error:
                log.info("no commands for now: %s", str(error) or type(error).__name__)
                await asyncio.sleep(_POLL_AGAIN_S)

    async def _poll(self, had: Sequence[str]) -> list[str]:
        """Wait for commands, saying which have arrived; those that came, and wishes beside them."""
        query = [("wait", str(_WAIT_S)), *(("ack", number) for number in had)]
        found = await self._get("device/commands", query)
        came: list[str] = []
        for one in found.get("commands", []):
            request = Request(str(one["id"]), str(one["method"]), one.get("params"))
            await self._arrived.put(request)
            came.append(request.id)
        wished = (await self._get("device/attributes", [("pending", "true")])).get("shared", {})
        if wished:
            await self._arrived.put(Wish(wished))
        return came

    async def _get(self, path: str, query: list[tuple[str, str]]) -> dict[str, Any]:
        timeout = aiohttp.ClientTimeout(total=_WAIT_S + 20.0, sock_connect=10.0)
        url = f"{self._url}/{path}"
        async with self._polling.get(url, params=query, timeout=timeout) as response:
            response.raise_for_status()
            found: dict[str, Any] = await response.json()
            return found

    async def listen(self) -> None:
        """Begin to wait for commands."""
        self._listening.set()

    async def answer(self, command_id: str, response: object) -> None:
        """Answer a command."""
        await self._post(f"device/commands/{command_id}", response, f"the answer to command {command_id}")

    async def report(self, values: Mapping[str, object]) -> None:
        """Report attributes."""
        await self._post("device/attributes", dict(values), "attributes")

    async def _post(self, path: str, body: object, what: str) -> None:
        """Again and again while the hub is away or busy: no end of a connection tells when to try."""
        while True:
            try:
                async with self._sending.post(f"{self._url}/{path}", json=body) as response:
                    if response.status < 300:
                        return
                    if response.status < 500 and response.status not in (408, 429):
                        log.warning("the hub refused %s: HTTP %d", what, response.status)
                        return
            except (aiohttp.ClientError, TimeoutError) as error:
                log.info("%s has to wait: %s", what, str(error) or type(error).__name__)
            await asyncio.sleep(_AGAIN_S)


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

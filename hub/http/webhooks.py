"""Messages as webhooks. What they say is made in hub/notify; here is the HTTP."""

import hashlib
import hmac
import socket
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
import orjson

from hub import __version__
from hub.notify.addresses import AllowedAddresses, refusal
from hub.notify.senders import SENT, Letter, Outcome

ANSWER_S = 10.0  # for a whole answer
CONNECT_S = 5.0
ANSWER_MAX_BYTES = 65_536  # that are read, so that the connection can be used again
AT_ONCE = 100  # connections to all targets
AGAIN = frozenset({408, 425, 429})  # of the 4xx: those after which another try makes sense


class _Private(OSError):
    """The address that a name leads to is not to be sent to."""


class Webhooks:
    """See Sender. Nobody is followed elsewhere. Where a connection goes is looked at when it is made, after
    the name was resolved: a name that leads elsewhere the second time leads nowhere else.
    """

    def __init__(self, addresses: AllowedAddresses, answer_s: float = ANSWER_S) -> None:
        self._addresses = addresses
        self._answer_s = answer_s
        self._session: aiohttp.ClientSession | None = None

    async def send(self, letter: Letter) -> Outcome:
        """Post it, signed where the target has a secret."""
        body = orjson.dumps(letter.body)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"sensor-hub/{__version__}",
            "Idempotency-Key": letter.key,
            "Accept-Encoding": "identity",
        }
        if letter.target.secret:
            digest = hmac.new(letter.target.secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature-256"] = f"sha256={digest}"
        try:
            async with self._opened().post(
                letter.target.address, data=body, headers=headers, allow_redirects=False
            ) as response:
                await response.content.read(ANSWER_MAX_BYTES)
                return _outcome(response)
        except TimeoutError:
            return Outcome(f"no answer in {self._answer_s:g} s")
        except aiohttp.ClientConnectorError as error:
            if isinstance(error.os_error, _Private):
                return Outcome(str(error.os_error), is_final=True)
            return Outcome(f"cannot connect: {error.os_error.strerror or type(error).__name__}"[:200])
        except aiohttp.InvalidURL:
            return Outcome("the URL is not right", is_final=True)
        except (aiohttp.ClientError, ValueError) as error:  # its text may have the URL in it
            return Outcome(f"the connection broke: {type(error).__name__}")

    async def close(self) -> None:
        """End what is under way."""
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=AT_ONCE, socket_factory=self._socket),
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=self._answer_s, sock_connect=CONNECT_S),
                auto_decompress=False,
            )
        return self._session

    def _socket(self, address: Any) -> socket.socket:
        """A socket for an address that a connection is to be made to."""
        family, kind, protocol, _, place = address
        if not self._addresses.allow(str(place[0])):
            raise _Private(refusal(str(place[0])))
        made = socket.socket(family, kind, protocol)
        made.settimeout(0)  # asyncio takes no other
        return made


def _outcome(response: aiohttp.ClientResponse) -> Outcome:
    status = response.status
    if status < 300:
        return SENT
    if status < 400:
        return Outcome(f"it answers from elsewhere (status {status}): set its own address", is_final=True)
    is_final = status < 500 and status not in AGAIN
    return Outcome(f"status {status}", is_final, _retry_after_s(response))


def _retry_after_s(response: aiohttp.ClientResponse) -> float | None:
    """Retry-After in seconds or as a date (RFC 9110, 10.2.3); None without one that can be read."""
    text = response.headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        at = parsedate_to_datetime(text)
        now = parsedate_to_datetime(response.headers["Date"])
        return max(0.0, (at - now).total_seconds())
    except (ValueError, TypeError, KeyError):
        return None

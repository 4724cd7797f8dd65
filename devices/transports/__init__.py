"""One connection to a hub, three ways. The scheme of the URL picks which.

A transport only parses, sends and encodes: what is queued, sent again or given up is the client's business.
"""

import ssl
from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import NoReturn, Protocol
from urllib.parse import urlsplit

from devices.inbox import Arrived
from devices.wire import BacklogEntry, SendOutcome


class Link(Protocol):
    """One live connection."""

    window: int
    """How many messages may wait for their acknowledgement at once."""

    message_max_bytes: int
    """What the hub takes in one message, as far as it said so."""

    async def deliver(self, entries: Sequence[BacklogEntry]) -> SendOutcome:
        """Send one message and return once the hub has stored it, except what it refused for good.

        Messages leave in the order of the calls. Raises Busy, TooLarge, KeyRefused, LinkLost.
        """

    async def watch(self) -> NoReturn:
        """Return never: raise the LinkLost, TooLarge or KeyRefused with which the connection ended."""

    async def listen(self) -> None:
        """Ask the hub for this device's commands and wishes. Raises LinkLost."""

    async def answer(self, command_id: str, response: object) -> None:
        """Answer a command. Raises LinkLost."""

    async def report(self, values: Mapping[str, object]) -> None:
        """Report attributes. Raises LinkLost."""


class Transport(Protocol):
    """Where and how to connect."""

    def connect(self, arrived: Arrived) -> AbstractAsyncContextManager[Link]:
        """A new connection; it puts the commands and wishes that arrive into `arrived`. While that is full it
        drops them, without an acknowledgement where there is one, so that they come again.

        Raises LinkLost, KeyRefused.
        """


def transport_for(url: str, key: str, tls: ssl.SSLContext | None) -> Transport:
    """The transport of the URL's scheme. Raises ValueError for a URL that names none, or no host."""
    # Late imports: a device that speaks MQTT need not load aiohttp, nor the other way round.
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"{url!r} names no host: write it as mqtt://hub.example:1883")
    if parts.username or parts.password:
        raise ValueError("a key has no place in a URL, where it ends up in logs: give it as `key`")
    match parts.scheme:
        case "mqtt" | "mqtts":
            from devices.transports.mqtt import MqttTransport

            return MqttTransport(parts, key, tls)
        case "ws" | "wss":
            from devices.transports.websocket import WebSocketTransport

            return WebSocketTransport(parts, key, tls)
        case "http" | "https":
            from devices.transports.http import HttpTransport

            return HttpTransport(parts, key, tls)
    raise ValueError(f"{url!r}: the scheme must be mqtt, mqtts, ws, wss, http or https")

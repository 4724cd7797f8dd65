"""The hub's own MQTT endpoint: where devices connect, by TCP, TLS, and WebSocket."""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable

import structlog

from hub.config import LimitsConfig, MqttConfig
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.intake.accept import Ingest
from hub.listener import Listener, Places, bind
from hub.mqtt.connection import SPARE, Connection
from hub.mqtt.shared import Shared

_log = structlog.get_logger("mqtt")


def _fresh_id() -> str:
    return f"hub-{secrets.token_hex(8)}"


class Endpoint:
    """Listens from `start` to `stop`; `connection()` makes one for a WebSocket at /mqtt: see Connection.

    `clock` gives µs UTC, `clock_s` steady seconds, `fresh_id` an id for a client that brings none. `port` and `tls_port`
    are as bound, also where the configuration leaves the choice to the system; None where there is no such listener.
    """

    def __init__(
        self,
        config: MqttConfig,
        limits: LimitsConfig,
        fleet: Fleet,
        ingest: Ingest,
        roster: Roster,
        commands: Commands,
        clock: Callable[[], int],
        *,
        clock_s: Callable[[], float] = time.monotonic,
        fresh_id: Callable[[], str] = _fresh_id,
    ) -> None:
        self._config = config
        self._shared = Shared(config, limits, fleet, ingest, roster, commands, clock, clock_s, fresh_id)
        self._open: set[Connection] = set()
        self._listeners: list[Listener] = []
        self._tasks: asyncio.TaskGroup | None = None
        self.port: int | None = None
        self.tls_port: int | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def connection(self) -> Connection:
        """One more connection, to be driven by whoever holds its transport."""
        return Connection(self._shared, self._open)

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        """Listen; with `tls` on `mqtt.tls_port` too, unless that is 0. Raises OSError where an address cannot be bound."""
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._shared.begin(self._tasks)
        try:
            self.port = await self._listen(self._config.port, None)
            if tls is not None and self._config.tls_port:
                self.tls_port = await self._listen(self._config.tls_port, tls)
        except OSError:
            await self.stop(0)
            raise
        _log.info("devices may connect", host=self._config.host, port=self.port, tls_port=self.tls_port)

    async def _listen(self, port: int, tls: ssl.SSLContext | None) -> int:
        limits = self._shared.limits
        places = Places("limits.connections_max", limits.connections_max + SPARE, limits.connect_timeout_s)
        listener = Listener(
            await bind(self._config.host, port),
            places,
            lambda place: Connection(self._shared, self._open, place),
            tls=tls,
            handshake_s=limits.connect_timeout_s,
        )
        self._listeners.append(listener)
        listener.start()
        return listener.port

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, acknowledge what is being stored, tell every client, close. Takes about `timeout_s` at most."""
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        self.port = self.tls_port = None
        connections = list(self._open)
        await asyncio.gather(*(connection.stop(timeout_s / 2, timeout_s / 4) for connection in connections))
        await self._shared.finish(timeout_s / 4)
        if self._tasks is not None:
            await self._tasks.__aexit__(None, None, None)
            self._tasks = None

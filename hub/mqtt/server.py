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
from hub.mqtt.connection import Connection
from hub.mqtt.shared import Shared

BACKLOG = (
    1024  # connections the system keeps for us while we accept others; a power cut brings all back at once
)

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
        self._servers: list[asyncio.Server] = []
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
        server = await asyncio.get_running_loop().create_server(
            self.connection,
            self._config.host,
            port,
            backlog=BACKLOG,
            ssl=tls,
            ssl_handshake_timeout=self._shared.limits.connect_timeout_s if tls else None,
        )
        self._servers.append(server)
        bound: int = server.sockets[0].getsockname()[1]
        return bound

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, acknowledge what is being stored, tell every client, close. Takes about `timeout_s` at most."""
        for server in self._servers:
            server.close()
        self.port = self.tls_port = None
        connections = list(self._open)
        await asyncio.gather(*(connection.stop(timeout_s / 2, timeout_s / 4) for connection in connections))
        await self._shared.finish(timeout_s / 4)
        for server in self._servers:
            await server.wait_closed()
        self._servers = []
        if self._tasks is not None:
            await self._tasks.__aexit__(None, None, None)
            self._tasks = None

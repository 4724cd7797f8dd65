"""The hub's own MQTT server: where devices connect, by TCP, TLS, and WebSocket."""

import asyncio
import secrets
import ssl
import time
from collections.abc import Callable

from hub.clock import HubClock
from hub.config import LimitsConfig, MqttConfig
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.flow import StoreWait
from hub.intake.accept import Ingest
from hub.listener import Listener, bind
from hub.logs import Logger, RateLimitedLog
from hub.mqtt.clients import Clients
from hub.mqtt.connection import Connection
from hub.mqtt.link import ClientLink
from hub.mqtt.protocol import ServerProtocol
from hub.mqtt.requests import Requests
from hub.mqtt.tasks import Tasks
from hub.mqtt.wills import Wills
from hub.places import ConnectionPlace, ConnectionPlaces
from hub.timers import aligned_sleep

TIDY_INTERVAL_S = 1.0
# How many connections that have not shown a key yet are kept beside `limits.connections_max` that have.
SPARE_CONNECTIONS = 100

_log = Logger("mqtt")


def _fresh_id() -> str:
    return f"hub-{secrets.token_hex(8)}"


class MqttServer:
    """Listens from `start` to `stop`; `connection()` makes one for a WebSocket at /mqtt: see Connection.

    `clock` is the hub's, `clock_s` gives steady seconds, `fresh_id` an id for a client that brings none.
    `port` and `tls_port` are as bound, also where the configuration leaves the choice to the system; None
    where there is no such listener.
    """

    def __init__(
        self,
        config: MqttConfig,
        limits: LimitsConfig,
        fleet: Fleet,
        ingest: Ingest,
        roster: Roster,
        commands: Commands,
        clock: HubClock,
        *,
        clock_s: Callable[[], float] = time.monotonic,
        fresh_id: Callable[[], str] = _fresh_id,
    ) -> None:
        self._config = config
        self._limits = limits
        self._ingest = ingest
        self._clock = clock
        self._fresh_id = fresh_id
        self._tasks = Tasks()
        self._store_wait = StoreWait(ingest.room, self._tasks.spawn)
        self._requests = Requests(fleet, commands, config.client_certs)
        wills = Wills(fleet.devices, ingest, self._requests, self._tasks.spawn)
        self._clients = Clients(config, roster, commands, wills.publish, clock_s)
        self._open: set[Connection] = set()
        self._refusals = RateLimitedLog(_log)
        self._listeners: list[Listener] = []
        self._group: asyncio.TaskGroup | None = None
        self.port: int | None = None
        self.tls_port: int | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._open)

    def connection(self, place: ConnectionPlace | None = None) -> Connection:
        """One more connection, to be driven by a transport; `place` is given up when it ends."""
        return Connection(
            self._open,
            self._config,
            self._limits,
            self._ingest,
            self._requests,
            self._tasks,
            self._store_wait,
            self._protocol,
            self._refusals,
            place,
        )

    def _protocol(self, link: ClientLink) -> ServerProtocol:
        return ServerProtocol(
            link, self._config, self._clients, self._ingest.accept, self._clock, self._fresh_id
        )

    async def start(self, tls: Callable[[], ssl.SSLContext] | None = None) -> None:
        """Listen; with `tls`, which gives the context of the next handshake, on `mqtt.tls_port` too, unless
        that is 0.

        Raises OSError where an address cannot be bound.
        """
        self._group = await asyncio.TaskGroup().__aenter__()
        self._tasks.begin(self._group)
        try:
            self.port = await self._listen(self._config.port, None)
            if tls is not None and self._config.tls_port:
                self.tls_port = await self._listen(self._config.tls_port, tls)
        except OSError:
            await self.stop(0)
            raise
        _log.info("devices may connect", host=self._config.host, port=self.port, tls_port=self.tls_port)

    async def _listen(self, port: int, tls: Callable[[], ssl.SSLContext] | None) -> int:
        limits = self._limits
        places = ConnectionPlaces(
            "limits.connections_max", limits.connections_max + SPARE_CONNECTIONS, limits.connect_timeout_s
        )
        listener = Listener(
            await bind(self._config.host, port),
            places,
            self.connection,
            tls=tls,
            handshake_s=limits.connect_timeout_s,
        )
        self._listeners.append(listener)
        listener.start()
        return listener.port

    async def run(self) -> None:
        """End what is over in the kept sessions; loops until cancelled, and has to run while this listens."""
        while True:
            await aligned_sleep(TIDY_INTERVAL_S)
            self._clients.tidy()

    async def stop(self, timeout_s: float) -> None:
        """Accept no more, acknowledge what is being stored, tell every client, close.

        Takes about `timeout_s` at most.

        The wills of all clients are published, for their connections end without a DISCONNECT of theirs.
        """
        for listener in self._listeners:
            listener.close()
        self._listeners = []
        self.port = self.tls_port = None
        connections = list(self._open)
        await asyncio.gather(*(connection.stop(timeout_s / 2, timeout_s / 4) for connection in connections))
        self._clients.end()
        self._refusals.close()
        await self._tasks.finish(timeout_s / 4)
        if self._group is not None:
            await self._group.__aexit__(None, None, None)
            self._group = None

"""What the handlers call: the rooms below, as the composition root hands them over."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from hub.clock import HubClock
from hub.config import Config
from hub.feed import Feed
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.history.duckdb.history import History
from hub.intake.accept import Ingest
from hub.intake.imports import Imports
from hub.listener import Place
from hub.people.operators import Operators


@dataclass(frozen=True)
class Services:
    """The rooms a handler may call.

    `clock` is the hub's. `base_url` is where this machine finds the hub, known once it listens: "http://127.0.0.1:8080".
    `mqtt` makes the protocol of one MQTT connection, which /mqtt drives over a WebSocket; None where MQTT is off. It
    is given the connection's place among those that have not shown who they are.
    `mqtt_port` tells where that listens on TCP without TLS. `started_at` is when the hub began, µs UTC.
    """

    config: Config
    fleet: Fleet
    ingest: Ingest
    roster: Roster
    feed: Feed
    commands: Commands
    operators: Operators
    history: History
    imports: Imports
    clock: HubClock
    base_url: Callable[[], str]
    mqtt: Callable[[Place], asyncio.Protocol] | None = None
    mqtt_port: Callable[[], int | None] = lambda: None
    started_at: int = 0


SERVICES = web.AppKey("services", Services)

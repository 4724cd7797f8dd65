"""The application: every route of the hub."""

import re
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from hub.alerts.alerts import Alerts
from hub.clock import HubClock
from hub.config import Config
from hub.feed import Feed
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.history.contract import History
from hub.http import health
from hub.http.access import ACCESS, Access
from hub.http.api import ENDPOINTS
from hub.http.around import Around
from hub.http.device import mqtt_socket
from hub.http.device.socket import DEVICE_SOCKETS, DeviceSockets
from hub.http.endpoint import BASE, Endpoint, Security
from hub.http.hosts import HOST_CHECK, HostCheck, check_host
from hub.http.idempotency import IDEMPOTENCY, Idempotency
from hub.http.live.socket import LIVE_SOCKETS, LiveSockets
from hub.http.live.viewers import VIEWERS, Viewers
from hub.http.metrics_page import MetricsPage
from hub.http.middleware import access_log, errors, expect, secure
from hub.http.openapi import OpenApiPage
from hub.http.proxy_faults import PROXY_FAULTS, ProxyFaults, look_for_proxy_faults
from hub.http.rest import login
from hub.http.rooms import (
    ACCOUNTS,
    ALERTS,
    AUDIT,
    BASE_URL,
    BY_PROVIDER,
    CERTIFICATES,
    CLOCK,
    COMMANDS,
    CONFIG,
    FEED,
    FLEET,
    HISTORY,
    IMPORTS,
    INGEST,
    MQTT,
    MQTT_PORT,
    NOTES,
    NOTIFIER,
    OPERATORS,
    ROSTER,
    STARTED_AT,
    TOKENS,
    MqttProtocols,
)
from hub.http.slots import SLOTS, Slots
from hub.http.sockets import PEERS, UNPROVEN, unproven_places
from hub.http.static import StaticPage
from hub.intake.accept import Ingest
from hub.intake.imports import Imports
from hub.notes.notes import Notes
from hub.notify.notifier import Notifier
from hub.people.accounts import Accounts
from hub.people.audit import Audit
from hub.people.operators import Operators
from hub.people.tokens import Tokens
from hub.registry.provided import StoredProvidedSessions
from hub.tls import Certificates
from hub.websocket.peers import Peers

if TYPE_CHECKING:
    from hub.http.oidc.rooms import ByProvider


def make_app(
    *,
    config: Config,
    clock: HubClock,
    feed: Feed,
    fleet: Fleet,
    roster: Roster,
    commands: Commands,
    ingest: Ingest,
    imports: Imports,
    history: History,
    operators: Operators,
    tokens: Tokens,
    accounts: Accounts,
    alerts: Alerts,
    notifier: Notifier,
    notes: Notes,
    audit: Audit,
    base_url: Callable[[], str],
    mqtt: MqttProtocols | None,
    mqtt_port: Callable[[], int | None],
    certificates: Certificates | None,
    started_at: int,
    static: Path,
    provided: StoredProvidedSessions,
    around: Around,
) -> web.Application:
    """The application: one for TCP and the Unix socket, so that its limits and figures are of the whole hub.

    Its `loops` have to run beside it. Its sockets end when it is shut down. rooms.py tells of what it takes.
    Raises Invalid for a configuration of [http] or a provider that cannot work.
    """
    app = web.Application(
        middlewares=[access_log, look_for_proxy_faults, errors, check_host],
        client_max_size=config.http.max_body_bytes,
    )
    app[CONFIG], app[CLOCK], app[STARTED_AT], app[NOTIFIER] = config, clock, started_at, notifier
    app[FEED], app[FLEET], app[ROSTER], app[COMMANDS] = feed, fleet, roster, commands
    app[INGEST], app[IMPORTS], app[HISTORY], app[OPERATORS] = ingest, imports, history, operators
    app[TOKENS], app[ACCOUNTS], app[AUDIT], app[ALERTS] = tokens, accounts, audit, alerts
    app[BASE_URL], app[MQTT], app[MQTT_PORT], app[CERTIFICATES] = base_url, mqtt, mqtt_port, certificates
    app[BY_PROVIDER] = by_provider = _by_provider(app, provided, around) if config.auth.oidc else None
    rechecks = None if by_provider is None else by_provider.rechecks
    app[ACCESS] = access = Access.of(operators, tokens, config.http, rechecks)
    app[PROXY_FAULTS], app[UNPROVEN] = ProxyFaults(access), unproven_places(config.limits, access)
    app[SLOTS], app[IDEMPOTENCY], app[NOTES] = Slots.of(config.limits), Idempotency(clock.steady_s), notes
    app[PEERS] = peers = Peers(config.live.ping_interval_s)
    app[DEVICE_SOCKETS] = DeviceSockets(
        config.http.max_body_bytes, config.limits, fleet, ingest, roster, commands, clock, peers
    )
    app[VIEWERS] = viewers = Viewers(config.live, feed, history, clock, access, peers, around.uniform)
    app[LIVE_SOCKETS] = LiveSockets(config.live, config.limits.connect_timeout_s, clock, viewers, peers)
    metrics = MetricsPage(ingest, history, roster, lambda: len(viewers), certificates)
    _add_routes(app, StaticPage(static), metrics)
    for_devices = [one.handler for one in ENDPOINTS if one.security is Security.DEVICE]
    device_routes = (*for_devices, app[DEVICE_SOCKETS].handle, mqtt_socket.handle)
    app[HOST_CHECK] = HostCheck(config.http, device_routes, [health.healthz, health.readyz])
    app.on_response_prepare.append(secure)
    app.on_shutdown.append(_stop_sockets)
    return app


def _by_provider(app: web.Application, provided: StoredProvidedSessions, around: Around) -> "ByProvider":
    from hub.http.oidc.rooms import by_provider  # here: most hubs have no provider

    return by_provider(app, provided, around)


def _add_routes(app: web.Application, page: StaticPage, metrics: MetricsPage) -> None:
    """Everything at the root, and below the path of `http.public_url` for proxies that leave it in."""
    prefix = app[CONFIG].http.base_path
    description = OpenApiPage(ENDPOINTS, app[CONFIG].http.public_url)
    by_provider = app[BY_PROVIDER]
    for below in [prefix, ""] if prefix else [""]:
        for endpoint in ENDPOINTS:
            _add_endpoint(app, below, endpoint)
        of_providers = [] if by_provider is None else by_provider.routes(below)
        app.router.add_routes(
            [
                web.get(f"{below}{BASE}/openapi.json", description.handle),
                web.get(f"{below}{BASE}/device/socket", app[DEVICE_SOCKETS].handle, allow_head=False),
                web.get(f"{below}{BASE}/live", app[LIVE_SOCKETS].handle, allow_head=False),
                web.get(f"{below}/mqtt", mqtt_socket.handle, allow_head=False),
                web.get(f"{below}/login", login.show_link),
                web.post(f"{below}/login", login.use_link),
                *of_providers,
                web.get(f"{below}/healthz", health.healthz),
                web.get(f"{below}/readyz", health.readyz),
                web.get(f"{below}/metrics", metrics.handle),
                web.get(f"{below}/", page.index),
                web.get(f"{below}/{{path:(?!api/).+}}", page.file),
            ]
        )


def _add_endpoint(app: web.Application, below: str, endpoint: Endpoint) -> None:
    # aiohttp's own pattern of a variable refuses braces, which a metric's name may have.
    path = below + re.sub(r"{(\w+)}", r"{\1:[^/]+}", endpoint.path)
    if endpoint.method == "GET":
        app.router.add_get(path, endpoint.handler, expect_handler=expect)
    else:
        app.router.add_route(endpoint.method, path, endpoint.handler, expect_handler=expect)


async def _stop_sockets(app: web.Application) -> None:
    app[COMMANDS].polls.close()
    await app[PEERS].stop()
    app[UNPROVEN].close()


def loops(app: web.Application) -> list[Coroutine[object, object, None]]:
    """Loops that the connections share, to be run beside the application until it ends."""
    viewers, by_provider = app[VIEWERS], app[BY_PROVIDER]
    return [
        *([] if by_provider is None else [by_provider.watch_unseen(app[CLOCK])]),
        app[PEERS].run(),
        app[DEVICE_SOCKETS].run(),
        app[LIVE_SOCKETS].writer.run(),
        viewers.watch_storage(),
        viewers.renew(),
    ]

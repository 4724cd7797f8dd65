"""What handlers call: each room has a key, so that a handler says which it uses (`request.app[FLEET]`)."""

import asyncio
from collections.abc import Callable
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
from hub.intake.accept import Ingest
from hub.intake.imports import Imports
from hub.notes.notes import Notes
from hub.notify.notifier import Notifier
from hub.people.accounts import Accounts
from hub.people.audit import Audit
from hub.people.operators import Operators
from hub.people.tokens import Tokens
from hub.places import ConnectionPlace
from hub.tls import Certificates

if TYPE_CHECKING:
    from hub.http.oidc.rooms import ByProvider

MqttProtocols = Callable[[ConnectionPlace], asyncio.Protocol]

CONFIG = web.AppKey("config", Config)
CLOCK = web.AppKey("clock", HubClock)
FEED = web.AppKey("feed", Feed)
FLEET = web.AppKey("fleet", Fleet)
ROSTER = web.AppKey("roster", Roster)
COMMANDS = web.AppKey("commands", Commands)
ALERTS = web.AppKey("alerts", Alerts)
NOTIFIER = web.AppKey("notifier", Notifier)
NOTES = web.AppKey("notes", Notes)
INGEST = web.AppKey("ingest", Ingest)
IMPORTS = web.AppKey("imports", Imports)
HISTORY = web.AppKey("history", History)
OPERATORS = web.AppKey("operators", Operators)
AUDIT = web.AppKey("audit", Audit)
ACCOUNTS = web.AppKey("accounts", Accounts)
TOKENS = web.AppKey("tokens", Tokens)
# Where this machine finds the hub, known once it listens: "http://127.0.0.1:8080".
BASE_URL: web.AppKey[Callable[[], str]] = web.AppKey("base_url")
# Makes the protocol of one MQTT connection, which /mqtt drives over a WebSocket. It is given the connection's
# place among those that have not shown who they are. None where MQTT is off.
MQTT: web.AppKey[MqttProtocols | None] = web.AppKey("mqtt")
# Where MQTT listens on TCP without TLS.
MQTT_PORT: web.AppKey[Callable[[], int | None]] = web.AppKey("mqtt_port")
# None where the hub speaks no TLS.
CERTIFICATES: web.AppKey[Certificates | None] = web.AppKey("certificates")
# Logging in by providers of OpenID Connect; None where none is configured.
BY_PROVIDER: web.AppKey["ByProvider | None"] = web.AppKey("by_provider")
STARTED_AT = web.AppKey("started_at", int)  # when the hub began, µs UTC

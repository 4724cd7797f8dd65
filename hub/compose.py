"""Builds all rooms from a configuration and its surroundings, for `serve` and for tests.

Nothing runs when this is done: no port is open and no loop has begun. `serve` starts what is built here, or a
test does.
"""

import random
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from hub.alerts.alerts import Alerts
from hub.clock import HubClock
from hub.compose_notify import open_notifier
from hub.config import Config
from hub.errors import StoreError
from hub.feed import Feed
from hub.fleet.attributes import Attributes
from hub.fleet.batches import Batches
from hub.fleet.commands import Commands
from hub.fleet.devices import Devices
from hub.fleet.fleet import Fleet, NewDevice
from hub.fleet.intervals import LearntIntervals
from hub.fleet.keys import Keys, LoginThrottle
from hub.fleet.methods import Methods
from hub.fleet.polls import Polls
from hub.fleet.presence import Roster
from hub.fleet.removal import Removal
from hub.history import policy
from hub.history.contract import History, Keeping, KeptFor
from hub.history.duckdb.history import EmbeddedHistory
from hub.host import HostFigures
from hub.http.app import make_app
from hub.http.around import Around
from hub.http.static import BUILT
from hub.intake.accept import Ingest
from hub.intake.imports import Imports
from hub.logs import Logger
from hub.model import Device
from hub.mqtt.server import MqttServer
from hub.notes.notes import Notes
from hub.notify.notifier import Notifier
from hub.people.accounts import Accounts, open_accounts
from hub.people.audit import Audit
from hub.people.challenges import Challenges
from hub.people.operators import Operators
from hub.people.passwords import MEMORY_KIB, Passwords
from hub.people.rule import may_read_raw
from hub.people.tokens import Tokens
from hub.private_files import StoreFolders
from hub.registry.registry import Registry
from hub.system import OWN, System
from hub.timers import aligned_sleep, every
from hub.tls import Certificates

if TYPE_CHECKING:
    from hub.bridge.bridge import Bridge

_log = Logger("compose")

ROSTER_INTERVAL_S = 1.0
CLOCK_INTERVAL_S = 1.0
UNWATCHED_INTERVAL_S = 1.0  # the feed is looked after so often while it has no viewers
EPOCH_BYTES = 4
TOKEN_SECRET_BYTES = 32
IDENTITY_BYTES = 6
TRUSTED_AT = "clock trusted at"


def now_us() -> int:
    """The time, µs UTC."""
    return time.time_ns() // 1000


@dataclass(frozen=True)
class Surroundings:
    """What comes from outside: time and chance. Tests hand in their own."""

    clock: Callable[[], int] = now_us  # µs, UTC
    steady_s: Callable[[], float] = time.monotonic
    choose: Callable[[str], str] = secrets.choice  # one character of a text
    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    random_text: Callable[[], str] = secrets.token_urlsafe  # 256 bits
    uniform: Callable[[float, float], float] = random.SystemRandom().uniform
    refusal_pace: float = 1.0  # by how much who guesses waits longer than in a hub that serves
    password_kib: int = MEMORY_KIB  # what each look at a password takes


@dataclass(frozen=True)
class Rooms:
    """The stores, and what is built on them, below the transports."""

    config: Config
    around: Surroundings
    hub_clock: HubClock
    registry: Registry
    history: History
    feed: Feed
    roster: Roster
    ingest: Ingest
    fleet: Fleet
    commands: Commands
    operators: Operators
    tokens: Tokens
    accounts: Accounts
    audit: Audit
    alerts: Alerts
    notifier: Notifier
    notes: Notes

    def loops(self) -> list[Coroutine[object, object, None]]:
        """What has to run beside the transports."""
        return [
            self.fleet.keys.keep_uses(),
            self.tokens.keep_uses(),
            self.audit.run(),
            self.fleet.removal.run(),
            self.fleet.intervals.run(),
            self.commands.run(),
            self.keeper().run(),
            self._watch_clock(),
            every(ROSTER_INTERVAL_S, self.roster.tick),
            self._tick_feed(),
            *self.alerts.loops(self.notifier),
            *self.notifier.loops(),
        ]

    def keeper(self) -> Keeping:
        """What brings readings to rest in the history, and forgets what is over."""
        return self.history.keeper(self._kept, self.hub_clock)

    def _kept(self) -> Mapping[int, KeptFor]:
        """How long values stay, by device; nothing goes while the clock may be wrong."""
        if not self.hub_clock.is_trusted:
            return {}
        return policy.kept_for(self.config.retention, self.fleet.devices.with_readings())

    async def _tick_feed(self) -> None:
        interval_s = self.config.live.overview_interval_s
        while True:
            await aligned_sleep(
                interval_s if self.feed.counts.viewers else max(interval_s, UNWATCHED_INTERVAL_S)
            )
            self.feed.tick()

    async def _watch_clock(self) -> None:
        while True:
            await aligned_sleep(CLOCK_INTERVAL_S)
            await self.look_at_clock()

    async def look_at_clock(self) -> None:
        """See whether the system's clock was set; all who keep times are told in the same turn."""
        step = self.hub_clock.tick()
        if step is None:
            return
        self.ingest.clock_stepped(step)
        self.roster.clock_stepped(step)
        self.commands.clock_stepped(step)
        self.alerts.clock_stepped(step)
        self.notifier.clock_stepped(step)
        try:
            await self.operators.clock_stepped(step)
        except StoreError as error:
            _log.error(
                "sessions did not move along with the clock; who is logged out logs in again", why=str(error)
            )
        await note_distrust(self.registry, self.hub_clock)


@asynccontextmanager
async def open_rooms(config: Config, around: Surroundings | None = None) -> AsyncIterator[Rooms]:
    """The rooms on the stores in `store.path`, which is made where it is missing. Raises StoreError."""
    around = around or Surroundings()
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"{config.data_dir}: {error.strerror}") from error
    for why in StoreFolders.of(config).make_private():
        _log.warning("others than the hub's owner can get at its stores", why=why)
    # The history first: its lock says that no other hub is at work here. Then the registry may be migrated.
    async with (
        _open_history(config) as history,
        Registry.open(config.data_dir / "registry.db") as registry,
        AsyncExitStack() as stack,
    ):
        StoreFolders.of(config).make_private()  # what was made just now; faults are told of above
        clock = HubClock(around.clock, around.steady_s)
        epoch = around.random_bytes(EPOCH_BYTES).hex()
        feed = Feed(config.live, epoch, around.steady_s, may_read_raw)
        alerts, roster, ingest = _way_in(config, registry, history, feed, clock)
        devices = Devices(registry.devices, ingest, roster, sources=[OWN])
        commands = Commands(registry.commands, devices, roster, feed, Polls(config.limits.polls_max), clock)
        fleet = _fleet(config, around, clock, registry, devices, commands, roster, feed, ingest)
        throttle = LoginThrottle(config.auth, around.steady_s, around.refusal_pace)
        secret = await registry.secret("token", around.random_bytes(TOKEN_SECRET_BYTES))
        known_by = await registry.secret("passkeys", around.random_bytes(TOKEN_SECRET_BYTES))
        passwords = Passwords(around.password_kib)
        challenges = Challenges(around.random_bytes, around.steady_s)
        accounts = await open_accounts(registry, passwords, challenges, throttle, clock, known_by)
        operators = Operators(registry.credentials, config.auth, clock, around.random_text, accounts)
        tokens = Tokens(registry.tokens, config.auth, secret, clock, around.choose)
        await tokens.restore()
        audit = Audit(registry.audit, config.auth, clock, around.steady_s)
        await fleet.restore()
        clock.distrust_until(await registry.noted(TRUSTED_AT))
        await note_distrust(registry, clock)
        await commands.restore()
        await alerts.restore()
        notes = Notes(registry, devices, accounts, feed, clock)
        telling = open_notifier(config, around.uniform, registry, feed, alerts, accounts, clock, notes.inbox)
        notifier = await stack.enter_async_context(telling)
        yield Rooms(
            config,
            around,
            clock,
            registry,
            history,
            feed,
            roster,
            ingest,
            fleet,
            commands,
            operators,
            tokens,
            accounts,
            audit,
            alerts,
            notifier,
            notes,
        )


def _open_history(config: Config) -> AbstractAsyncContextManager[History]:
    store, limits = config.store, config.limits
    return EmbeddedHistory.open(
        config.data_dir / "history.duckdb",
        store.memory_limit_mb,
        limits.rejections_max,
        limits.storing_late_s,
        journal=config.journal_dir,
        journal_max_mb=limits.journal_max_mb,
        commit_interval_s=store.commit_interval_ms / 1000,
    )


async def note_distrust(registry: Registry, clock: HubClock) -> None:
    """So that a restart does not make a clock trusted that jumped: readings stamped since then look new."""
    if clock.is_trusted:
        return
    try:
        await registry.note(TRUSTED_AT, clock.trusted_at)
    except StoreError as error:
        _log.error("cannot note that the clock jumped", why=str(error))


def _way_in(
    config: Config, registry: Registry, history: History, feed: Feed, clock: HubClock
) -> tuple[Alerts, Roster, Ingest]:
    """The intake, and what looks at what comes in by it: who is there, and the rules."""

    def overdue_s(device: Device) -> float:
        return roster.overdue_s(device)

    limits = config.limits
    alerts = Alerts(config.alerts, registry, history, feed, clock, overdue_s)
    evaluation = alerts.evaluation
    roster = Roster(
        feed, clock, limits.connections_per_device_max, limits.connections_max, evaluation.presence
    )
    ingest = Ingest(history, feed, roster.heard, limits, config.readings, clock, evaluation.open)
    return alerts, roster, ingest


def _fleet(
    config: Config,
    around: Surroundings,
    clock: HubClock,
    registry: Registry,
    devices: Devices,
    commands: Commands,
    roster: Roster,
    feed: Feed,
    ingest: Ingest,
) -> Fleet:
    throttle = LoginThrottle(config.auth, around.steady_s, around.refusal_pace)
    keys = Keys(registry.keys, devices, roster, throttle, clock, around.choose, config.auth.certificate_names)
    count_max = config.limits.attributes_max
    attributes = Attributes(registry.attributes, devices, roster, feed, count_max, clock)
    methods = Methods(registry.methods, devices)
    batches = Batches(registry.commands, commands, clock)
    removal = Removal(registry.devices, devices, keys, commands, roster, ingest)
    learnt = LearntIntervals(registry.devices, roster)
    return Fleet(
        registry.devices, devices, keys, attributes, methods, batches, removal, learnt, roster, ingest, clock
    )


def mqtt(rooms: Rooms) -> MqttServer:
    """The hub's own MQTT server."""
    config, around = rooms.config, rooms.around
    return MqttServer(
        config.mqtt,
        config.limits,
        rooms.fleet,
        rooms.ingest,
        rooms.roster,
        rooms.commands,
        rooms.hub_clock,
        clock_s=around.steady_s,
    )


async def bridge(rooms: Rooms) -> "Bridge":
    """The client of the outside broker that the configuration names."""
    from hub.bridge.bridge import Bridge  # here, because most hubs have no broker and need no client of one

    identity = await rooms.registry.secret("identity", rooms.around.random_bytes(IDENTITY_BYTES))
    fleet, uniform = rooms.fleet, rooms.around.uniform
    return Bridge(
        rooms.config.broker, identity.hex(), fleet.devices, rooms.ingest, fleet.keys.verify, uniform
    )


def _imports(rooms: Rooms) -> Imports:
    fleet = rooms.fleet
    return Imports(
        rooms.history,
        rooms.ingest,
        lambda: {device.id: device for device in fleet.devices.all()},
        lambda ids: fleet.add([NewDevice(device_id) for device_id in ids]),
        rooms.config.limits,
        rooms.config.readings,
        rooms.hub_clock,
    )


def system(rooms: Rooms, machine: HostFigures) -> System:
    """What publishes the hub's own figures."""
    interval_s = rooms.config.system.interval_s
    return System(interval_s, machine, rooms.history, rooms.feed, rooms.roster, rooms.ingest, rooms.hub_clock)


def http(
    rooms: Rooms,
    base_url: Callable[[], str],
    mqtt_server: MqttServer | None = None,
    certificates: Certificates | None = None,
    *,
    started_at: int = 0,
    static: Path = BUILT,
) -> web.Application:
    """The page, REST and the sockets; devices come by /mqtt where there is a server for them.

    `base_url` tells where this machine finds the hub, once it listens. `started_at` is µs UTC.
    """
    around = rooms.around
    return make_app(
        config=rooms.config,
        fleet=rooms.fleet,
        ingest=rooms.ingest,
        roster=rooms.roster,
        feed=rooms.feed,
        commands=rooms.commands,
        operators=rooms.operators,
        tokens=rooms.tokens,
        accounts=rooms.accounts,
        alerts=rooms.alerts,
        notifier=rooms.notifier,
        notes=rooms.notes,
        audit=rooms.audit,
        history=rooms.history,
        imports=_imports(rooms),
        clock=rooms.hub_clock,
        mqtt=mqtt_server.connection if mqtt_server else None,
        certificates=certificates,
        mqtt_port=lambda: mqtt_server.port if mqtt_server else None,
        base_url=base_url,
        started_at=started_at,
        static=static,
        provided=rooms.registry.provided,
        around=Around(
            rooms.hub_clock,
            around.steady_s,
            around.uniform,
            around.random_text,
            around.random_bytes,
            around.refusal_pace,
        ),
    )

"""The composition root: builds every room, starts and stops them in order.

starting   stores → feed, roster, ingest, fleet, commands, operators → background loops → MQTT → HTTP
stopping   no new connections → devices and viewers are told → what was read is committed and acknowledged
→ sockets close → loops end → stores close
"""

import asyncio
import gc
import io
import random
import resource
import secrets
import signal
import ssl
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TextIO, TypeVar, cast

import structlog
from aiohttp import web

from hub.bridge.broker import Broker
from hub.config import Config, LogConfig
from hub.errors import HubError, StoreError
from hub.feed import Feed
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.history.duckdb import retention
from hub.history.duckdb.history import History
from hub.history.duckdb.keeper import Keeper
from hub.http.app import make_app
from hub.http.services import Services
from hub.intake.ingest import Ingest
from hub.mqtt.server import Endpoint
from hub.people.operators import Operators
from hub.registry.registry import Registry
from hub.system import Machine, System

T = TypeVar("T")

ROSTER_INTERVAL_S = 1.0
STOP_TIMEOUT_S = 2.0  # for devices and viewers to take their farewell; the whole stop stays under 5 s
EPOCH_BYTES = 4
# How long the loop's thread may hold Python's lock while another waits for it. A commit takes that lock about ten times, so
# at Python's own 5 ms a saturated loop made each commit wait 50 ms; with this ingest is a tenth faster.
SWITCH_INTERVAL_S = 0.0005
SPARE_FILES = 1_000  # beside a socket for each device and viewer: the stores, requests, the history's own

_log = structlog.get_logger("hub")


@dataclass(frozen=True)
class Hub:
    """A running hub: its rooms, and where it listens."""

    config: Config
    operators: Operators
    url: str  # of the page
    mqtt_port: int | None  # None where there is no such listener
    mqtt_tls_port: int | None

    async def login_link(self) -> str:
        """A link that opens the page logged in, once."""
        return f"{self.url}/login?code={await self.operators.make_link()}"


@dataclass(frozen=True)
class _Rooms:
    registry: Registry
    history: History
    feed: Feed
    roster: Roster
    ingest: Ingest
    fleet: Fleet
    commands: Commands
    operators: Operators


def now_us() -> int:
    """The time, µs UTC."""
    return time.time_ns() // 1000


@asynccontextmanager
async def running(config: Config, *, listen: bool = True) -> AsyncIterator[Hub]:
    """A hub on the stores of `config`; without `listen` it is reached by its Unix socket alone.

    Raises StoreError when the stores cannot be opened, HubError when an address cannot be listened on.
    """
    async with AsyncExitStack() as stack:
        rooms = await _open_rooms(config, stack)
        tls = _tls_context(config)
        broker = await _broker(rooms, config) if listen and config.broker.url else None
        machine = Machine(config.data_dir)
        system = _system(rooms, config, machine) if listen else None
        await stack.enter_async_context(_loops(rooms, config, broker, system))
        endpoint = await _start_mqtt(rooms, config, tls) if listen and config.mqtt.enabled else None
        base_url = _BaseUrl(config)
        services = Services(
            config=config,
            fleet=rooms.fleet,
            ingest=rooms.ingest,
            roster=rooms.roster,
            feed=rooms.feed,
            commands=rooms.commands,
            operators=rooms.operators,
            history=rooms.history,
            clock=now_us,
            mqtt=endpoint.connection if endpoint else None,
            mqtt_port=endpoint.port if endpoint else None,
            base_url=base_url,
            started_at=machine.started_at(),
        )
        try:
            await _serve_http(services, stack, base_url, tls, listen=listen)
        finally:
            if endpoint:  # stops before HTTP does, so that devices at /mqtt are told in their own protocol
                stack.push_async_callback(endpoint.stop, STOP_TIMEOUT_S)
        yield Hub(
            config,
            rooms.operators,
            base_url(),
            endpoint.port if endpoint else None,
            endpoint.tls_port if endpoint else None,
        )


async def _open_rooms(config: Config, stack: AsyncExitStack) -> _Rooms:
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise StoreError(f"{config.data_dir}: {error.strerror}") from error
    # The history first, for its lock says that no other hub is at work here: only then is the registry migrated.
    history = await stack.enter_async_context(
        History.open(
            config.data_dir / "history.duckdb", config.store.memory_limit_mb, config.limits.rejections_max
        )
    )
    registry = await stack.enter_async_context(Registry.open(config.data_dir / "registry.db"))
    feed = Feed(config.live, secrets.token_hex(EPOCH_BYTES), time.monotonic)
    roster = Roster(feed, now_us)
    ingest = Ingest(history, feed, roster, config.limits, now_us)
    fleet = Fleet(registry, ingest, roster, config.auth, config.limits, now_us, secrets.choice)
    commands = Commands(registry, roster, now_us)
    token_secret = await registry.secret("token", secrets.token_bytes(32))
    operators = Operators(registry, config.auth, token_secret, now_us, lambda: secrets.token_urlsafe(32))
    await fleet.restore()
    await commands.restore()
    return _Rooms(registry, history, feed, roster, ingest, fleet, commands, operators)


@asynccontextmanager
async def _loops(
    rooms: _Rooms, config: Config, broker: Broker | None, system: System | None
) -> AsyncIterator[None]:
    """The loops that run beside the transports; one that fails takes the hub down rather than limping on."""
    keeper = Keeper(rooms.history, lambda: retention.policy(config.retention, rooms.fleet.stored()), now_us)
    loops: list[Coroutine[object, object, None]] = [
        rooms.fleet.keep_uses(),
        rooms.commands.run(),
        keeper.run(),
        _every(ROSTER_INTERVAL_S, rooms.roster.tick),
        _every(config.live.overview_interval_s, rooms.feed.tick),
    ]
    if broker is not None:
        loops.append(broker.run())
    if system is not None:
        loops.append(system.run())
    try:
        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(loop) for loop in loops]
            try:
                yield
            finally:
                for task in started:
                    task.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:  # as it was raised, for those who catch it by its type
            raise group.exceptions[0] from None
        raise


async def _every(interval_s: float, do: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(interval_s)
        do()


async def _broker(rooms: _Rooms, config: Config) -> Broker:
    identity = await rooms.registry.secret("identity", secrets.token_bytes(6))
    return Broker(
        config.broker,
        identity.hex(),
        rooms.fleet,
        rooms.ingest,
        rooms.fleet.verify,
        random.SystemRandom().uniform,
    )


def _system(rooms: _Rooms, config: Config, machine: Machine) -> System:
    interval_s = config.system.interval_s
    return System(interval_s, machine, rooms.history, rooms.feed, rooms.roster, rooms.ingest)


async def _start_mqtt(rooms: _Rooms, config: Config, tls: ssl.SSLContext | None) -> Endpoint:
    endpoint = Endpoint(
        config.mqtt, config.limits, rooms.fleet, rooms.ingest, rooms.roster, rooms.commands, now_us
    )
    await _bound(f"mqtt {config.mqtt.host}:{config.mqtt.port}", endpoint.start(tls))
    return endpoint


class _BaseUrl:
    """The address people open; the port is known once it is bound."""

    def __init__(self, config: Config) -> None:
        self._scheme = "https" if config.http.tls_cert else "http"
        self._host = _shown_host(config.http.host)
        self.port = config.http.port

    def __call__(self) -> str:
        return f"{self._scheme}://{self._host}:{self.port}"


def _shown_host(host: str) -> str:
    if host in ("0.0.0.0", "::", ""):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


async def _serve_http(
    services: Services, stack: AsyncExitStack, base_url: _BaseUrl, tls: ssl.SSLContext | None, *, listen: bool
) -> None:
    """The page, REST and sockets on TCP; REST for the command line on the Unix socket, mode 0600."""
    config = services.config
    runner = web.AppRunner(
        make_app(services), access_log=None, shutdown_timeout=STOP_TIMEOUT_S, handle_signals=False
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    if listen:
        site = web.TCPSite(runner, config.http.host, config.http.port, ssl_context=tls, backlog=1024)
        await _bound(f"http {config.http.host}:{config.http.port}", site.start())
        base_url.port = runner.addresses[0][1]
    config.socket_path.unlink(missing_ok=True)  # the history's lock says that no other hub is using it
    await _bound(f"the socket {config.socket_path}", web.UnixSite(runner, str(config.socket_path)).start())
    config.socket_path.chmod(0o600)
    stack.callback(config.socket_path.unlink, missing_ok=True)


async def _bound(what: str, starting: Awaitable[T]) -> T:
    try:
        return await starting
    except OSError as error:
        raise HubError(f"cannot listen on {what}: {error.strerror or error}") from error


def _tls_context(config: Config) -> ssl.SSLContext | None:
    if not config.http.tls_cert:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        context.load_cert_chain(config.http.tls_cert, config.http.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise HubError(f"http.tls_cert, http.tls_key: {error}") from error
    return context


async def serve(config: Config, beside: Callable[[Hub], AbstractAsyncContextManager[None]]) -> None:
    """Run a hub until SIGTERM or SIGINT; what runs `beside` it starts when it is ready and ends before it stops."""
    _allow_files(config.limits.connections_max + config.live.viewers_max + SPARE_FILES)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    async with running(config) as hub:
        gc.freeze()  # what exists by now stays, and is not looked through for cycles again
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        _log.info("ready", url=hub.url, mqtt_port=hub.mqtt_port, mqtt_tls_port=hub.mqtt_tls_port)
        async with beside(hub):
            await stop.wait()
        _log.info("stopping")
    _log.info("stopped")


def _allow_files(needed: int) -> None:
    """Let the process open as many files as its limits on connections may take: most systems start it with 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.info("the system allows fewer open files than connections are", allowed=allowed, needed=needed)


class _Forgiving(io.TextIOBase):
    """Standard error; a line that cannot be written is lost. It may lie on the disk that is full, and the hub goes on."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> int:
        """Write or lose it."""
        with suppress(OSError):
            self._file.write(text)
        return len(text)

    def flush(self) -> None:
        """Write or lose what was kept back."""
        with suppress(OSError):
            self._file.flush()


def set_up_logs(config: LogConfig) -> None:
    """Logs go to standard error: readable on a terminal, JSON otherwise."""
    console = config.format == "console" or (config.format == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if console else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(config.level),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Forgiving(sys.stderr))),
        cache_logger_on_first_use=True,
    )

"""Starts what `compose` built, watches it, and stops it in order.

starting   stores and rooms → loops → MQTT → HTTP
stopping   no new connections → devices and viewers are told → what was read is committed and acknowledged
           → sockets close → loops end → stores close
watching   every loop has an owner: one that fails takes the hub down, so that no dead page stays behind
           a green light
"""

import asyncio
import gc
import resource
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

from aiohttp import web

from hub import compose
from hub.config import Config
from hub.errors import Failed, HubError
from hub.host import HostFigures
from hub.http.app import loops as http_loops
from hub.http.server import Server
from hub.logs import Logger
from hub.people.provided import forget_other_providers
from hub.tls import Certificates

T = TypeVar("T")

STOP_TIMEOUT_S = 2.0  # for devices and viewers to take their farewell; the whole stop stays under 5 s
# How long the loop's thread may hold Python's lock while another waits for it. A commit takes that lock about
# ten times, so at Python's own 5 ms a saturated loop made each commit wait 50 ms; with this ingest is a tenth
# faster.
SWITCH_INTERVAL_S = 0.0005
SPARE_FILES = 1_000  # beside a socket for each device and viewer: the stores, requests, the history's own

_log = Logger("hub")


@dataclass(frozen=True)
class Hub:
    """A running hub: its rooms, and where it listens."""

    config: Config
    rooms: compose.Rooms
    url: str  # where people open the page
    local_url: str  # the same on this machine, before any proxy
    mqtt_port: int | None  # None where there is no such listener
    mqtt_tls_port: int | None
    certificates: Certificates | None  # where it has one

    def reload(self) -> None:
        """Read again what may change while the hub runs: its certificate."""
        if self.certificates is None:
            _log.info("there is nothing to read again: the hub has no certificate (http.tls_cert)")
        else:
            self.certificates.reload()

    async def login_link(self) -> str:
        """A link to a page whose button logs in one browser, once."""
        return f"{self.url}/login?code={await self.rooms.operators.make_link()}"


@asynccontextmanager
async def running(
    config: Config, *, listen: bool = True, around: compose.Surroundings | None = None
) -> AsyncIterator[Hub]:
    """A hub on the stores of `config`; without `listen` it is reached by its Unix socket alone. `around` is
    for tests.

    Raises StoreError when the stores cannot be opened, HubError when an address cannot be listened on, and
    Failed when a part of it that has to run has ended.
    """
    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(compose.open_rooms(config, around))
        if listen:
            issuers = [one.issuer for one in config.auth.oidc]
            await forget_other_providers(issuers, rooms.accounts, rooms.operators, rooms.tokens)
        certificates = Certificates.of(config)
        machine = HostFigures(config.data_dir, config.journal_dir)
        base_url = _BaseUrl(config)
        mqtt = compose.mqtt(rooms) if listen and config.mqtt.enabled else None
        app = compose.http(rooms, base_url, mqtt, certificates, started_at=machine.started_at())
        loops = [*rooms.loops(), *http_loops(app)]
        if mqtt:
            loops.append(mqtt.run())
        if listen and config.broker.url:
            loops.append((await compose.bridge(rooms)).run())
        system = compose.system(rooms, machine)
        if listen and system.describe():
            loops.append(system.run())
        await stack.enter_async_context(owned(loops))
        if mqtt:
            await _bound(
                f"mqtt {config.mqtt.host}:{config.mqtt.port}",
                mqtt.start(certificates.mqtt if certificates else None),
            )
        try:
            tls = certificates.http if certificates else None
            await _serve_http(app, config, stack, base_url, tls, listen=listen)
        finally:
            if mqtt:  # stops before HTTP does, so that devices at /mqtt are told in their own protocol
                stack.push_async_callback(mqtt.stop, STOP_TIMEOUT_S)
        ports = (mqtt.port, mqtt.tls_port) if mqtt else (None, None)
        url = config.http.public_url or base_url()
        yield Hub(config, rooms, url, base_url(), *ports, certificates)


@asynccontextmanager
async def owned(loops: Iterable[Coroutine[object, object, None]]) -> AsyncIterator[None]:
    """Run loops for as long as this lasts; when one ends before, this is cancelled and raises Failed."""
    stopping = asyncio.Event()
    try:
        async with asyncio.TaskGroup() as tasks:
            started = [tasks.create_task(_watched(loop, stopping)) for loop in loops]
            try:
                yield
            finally:
                stopping.set()
                for task in started:
                    task.cancel()
    except BaseExceptionGroup as group:
        if len(group.exceptions) == 1:  # as it was raised, for those who catch it by its type
            raise group.exceptions[0] from None
        raise


async def _watched(loop: Coroutine[object, object, None], stopping: asyncio.Event) -> None:
    """Run a loop. To end while the hub goes on is a failure, and the first to end is named as the cause."""
    name = getattr(loop, "__qualname__", str(loop))
    ended: BaseException | None = None
    try:
        await loop
    except asyncio.CancelledError as error:
        if stopping.is_set():
            raise
        ended = error
    except Exception as error:  # noqa: BLE001  # it is logged, and ends the hub
        ended = error
    stopping.set()
    _log.error("a part of the hub has ended, and so the hub ends", part=name, exc_info=ended)
    why = f": {ended or type(ended).__name__}" if ended is not None else ""
    raise Failed(f"{name} has ended{why}") from ended


class _BaseUrl:
    """The address on this machine, before any proxy; the port is known once it is bound."""

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
    app: web.Application,
    config: Config,
    stack: AsyncExitStack,
    base_url: _BaseUrl,
    tls: Callable[[], ssl.SSLContext] | None,
    *,
    listen: bool,
) -> None:
    """The page, REST and sockets on TCP; REST for the command line on the Unix socket, mode 0600."""
    server = Server(app, config.http, config.limits.connect_timeout_s, STOP_TIMEOUT_S)
    await server.start()
    stack.push_async_callback(server.stop)
    if listen:
        http = config.http
        base_url.port = await _bound(
            f"http {http.host}:{http.port}", server.listen(http.host, http.port, tls)
        )
    # Another hub's socket is never taken away: the history's lock says that none is at work here.
    await _bound(f"the socket {config.socket_path}", server.listen_locally(config.socket_path))
    stack.callback(config.socket_path.unlink, missing_ok=True)


async def _bound(what: str, starting: Awaitable[T]) -> T:
    try:
        return await starting
    except OSError as error:
        raise HubError(f"cannot listen on {what}: {error.strerror or error}") from error


async def serve(
    config: Config, beside: Callable[[Hub], AbstractAsyncContextManager[None]], stop: asyncio.Event
) -> None:
    """Run a hub until `stop` is set. What runs `beside` it starts when the hub is ready, and ends before it.

    Where that is still starting when the stop comes, its start is cancelled.
    """
    limits, live, http = config.limits, config.live, config.http
    _allow_files(limits.connections_max + live.viewers_max + http.connections_max + SPARE_FILES)
    async with running(config) as hub:
        gc.freeze()  # what exists by now stays, and is not looked through for cycles again
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        _log.info("ready", url=hub.url, mqtt_port=hub.mqtt_port, mqtt_tls_port=hub.mqtt_tls_port)
        companion = asyncio.ensure_future(_held(beside(hub)))
        stopped = asyncio.ensure_future(stop.wait())
        try:
            await asyncio.wait([companion, stopped], return_when=asyncio.FIRST_COMPLETED)
        finally:  # a part of the hub that ends cancels this
            _log.info("stopping")
            stopped.cancel()
            companion.cancel()
            await asyncio.wait([companion])
        if not companion.cancelled():
            companion.result()  # raises what it failed of
    _log.info("stopped")


async def _held(beside: AbstractAsyncContextManager[None]) -> None:
    """Enter it, and leave it when this is cancelled."""
    async with beside:
        await asyncio.Event().wait()


def _allow_files(needed: int) -> None:
    """Let the process open as many files as its limits on connections need: most systems allow 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and soft < allowed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < needed:
        _log.info("the system allows fewer open files than connections are", allowed=allowed, needed=needed)

"""The real rooms in a scratch folder, and HTTP before them on a free port."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from hub import compose
from hub.compose import Surroundings
from hub.config import Config
from hub.fleet.fleet import NewDevice
from hub.http.app import loops
from hub.http.server import Server
from hub.model import Role
from hub.serve import owned
from tests.clients import left_open
from tests.kept import KeptHubs, empty
from tests.principals import grant
from tests.stores import lay_out

DEADLINE_S = 15.0


class Clock:
    """µs UTC: the system's, moved ahead as a test likes."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self.set_by_s = 0.0  # by which somebody has set the system's clock

    def __call__(self) -> int:
        return time.time_ns() // 1000 + round((self.ahead_s + self.set_by_s) * 1e6)

    def steady_s(self) -> float:
        return time.monotonic() + self.ahead_s


@dataclass
class Hub:
    """A hub, and a client of it."""

    rooms: compose.Rooms
    clock: Clock
    app: web.Application
    server: Server
    client: aiohttp.ClientSession
    url: str
    keys: dict[str, str] = field(default_factory=dict)

    async def device(self, device_id: str = "boiler", **more: Any) -> str:
        """Add a device; its key."""
        [(_, key)] = await self.rooms.fleet.add([NewDevice(device_id, **more)])
        self.keys[device_id] = str(key)
        return str(key)

    def token(self, role: Role = Role.ADMIN, devices: list[str] | None = None, ttl_s: float = 600) -> str:
        return self.rooms.tokens.sign("tester", grant(role, devices), ttl_s)

    def bearer(self, role: Role = Role.ADMIN, devices: list[str] | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token(role, devices)}"}

    async def session(self) -> dict[str, str]:
        """The header of a browser that has logged in."""
        secret = await self.rooms.operators.use_link(await self.rooms.operators.make_link())
        return {"Cookie": f"hub={secret}"}

    def key(self, device_id: str = "boiler") -> dict[str, str]:
        return {"Authorization": f"Bearer {self.keys[device_id]}"}

    async def call(
        self, method: str, path: str, body: object = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and JSON of an answer; as admin where no headers are given."""
        shown = self.bearer() if headers is None else headers
        async with self.client.request(method, path, json=body, headers=shown) as response:
            return response.status, await response.json(content_type=None) if response.status != 204 else None

    async def send(self, body: object, device_id: str = "boiler") -> tuple[int, Any]:
        return await self.call("POST", "/api/v1/telemetry", body, self.key(device_id))

    def device_socket(self, device_id: str | None = "boiler") -> Any:
        headers = {} if device_id is None else self.key(device_id)
        # A hub that does not read at present does not answer a close either: no test waits for that.
        timeout = aiohttp.ClientWSTimeout(ws_close=0.5)
        return self.client.ws_connect(
            "/api/v1/device/socket", headers=headers, timeout=timeout, max_msg_size=0
        )

    def live_socket(self, headers: dict[str, str] | None = None) -> Any:
        shown = self.bearer(Role.VIEWER) if headers is None else headers
        return self.client.ws_connect("/api/v1/live", headers=shown, protocols=("hub.v1",), max_msg_size=0)


PACE = 0.1  # of those who are refused


def around_tests(clock: Clock) -> Surroundings:
    """In which nobody waits long for a refusal, or for the digest of a password."""
    return Surroundings(clock=clock, steady_s=clock.steady_s, refusal_pace=PACE, password_kib=64)


@asynccontextmanager
async def running_hub(
    folder: Path, config: Config, static: Path | None = None, *, mqtt: bool = False
) -> AsyncIterator[Hub]:
    clock = Clock()
    async with AsyncExitStack() as stack:
        stores = config.store.model_copy(update={"path": str(lay_out(folder)), "memory_limit_mb": 256})
        config = config.model_copy(update={"store": stores})
        rooms = await stack.enter_async_context(compose.open_rooms(config, around_tests(clock)))
        mqtt_server = compose.mqtt(rooms) if mqtt else None
        app = compose.http(
            rooms,
            lambda: url,
            mqtt_server,
            static=static or folder / "static",
        )
        alerting = [*rooms.alerts.loops(rooms.notifier), *rooms.notifier.loops()]
        running = [rooms.commands.run(), *alerting, rooms.audit.run(), *loops(app)]
        if mqtt_server:
            running.append(mqtt_server.run())
        await stack.enter_async_context(owned(running))
        if mqtt_server:
            await mqtt_server.start()
            stack.push_async_callback(mqtt_server.stop, 1.0)
        server = Server(app, config.http, config.limits.connect_timeout_s, stop_s=3.0)
        await server.start()
        stack.push_async_callback(server.stop)
        url = f"http://127.0.0.1:{await server.listen('127.0.0.1', 0)}"
        client = await stack.enter_async_context(
            aiohttp.ClientSession(url, timeout=aiohttp.ClientTimeout(total=DEADLINE_S))
        )
        yield Hub(rooms, clock, app, server, client, url)
        assert not (fault := left_open(client)), fault


@pytest.fixture
def config() -> Config:
    """The configuration of `hub`; a test module that wants another overrides this.

    With 0 as its MQTT port the hub has MQTT.
    """
    return Config()


@pytest.fixture(scope="module")
async def kept_hubs(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KeptHubs[Hub]]:
    def opened(config: Config) -> AbstractAsyncContextManager[Hub]:
        return running_hub(tmp_path_factory.mktemp("hub"), config, mqtt=config.mqtt.port == 0)

    kept = KeptHubs(opened, cleared)
    yield kept
    await kept.close()


@pytest.fixture
async def hub(kept_hubs: KeptHubs[Hub], config: Config, request: pytest.FixtureRequest) -> AsyncIterator[Hub]:
    """A hub without devices, which may have served other tests of the file."""
    failures = request.session.testsfailed
    running = await kept_hubs.take(config)
    yield running
    failed = request.session.testsfailed > failures
    fault = left_open(running.client)
    await kept_hubs.give_back(running, failed=failed or bool(fault))
    assert failed or not fault, fault


@pytest.fixture
async def new_hub(tmp_path: Path, config: Config) -> AsyncIterator[Hub]:
    """A hub that nobody has used before."""
    async with running_hub(tmp_path, config, mqtt=config.mqtt.port == 0) as running:
        yield running


async def cleared(hub: Hub) -> bool:
    """Take away what a test made; whether the hub is as good as new."""
    if hub.clock.ahead_s or hub.clock.set_by_s:
        return False
    await empty(hub.rooms.fleet, hub.rooms.history, hub.rooms.ingest)
    hub.keys.clear()
    hub.client.cookie_jar.clear()
    return True

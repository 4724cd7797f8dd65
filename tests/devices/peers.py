"""The other ends that devices talk to in these tests: a small hub that misbehaves on demand, and a real
Mosquitto.
"""

import json
import socket
import subprocess
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from aiohttp import WSCloseCode, WSMsgType, web
from paho.mqtt.client import Client, ConnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from devices.backoff import Backoff
from tests.waiting import free_port, until

KEY = "hk_abcdefghijkl_ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def quick() -> Backoff:
    """Waits too short to notice."""
    return Backoff(Random(1), base_s=0.01, cap_s=0.05)


class Remembering(Backoff):
    """Notes how long it was asked to wait, and does not."""

    def __init__(self) -> None:
        super().__init__(Random(1))
        self.asked: list[float | None] = []

    def next_s(self, retry_after_s: float | None = None) -> float:
        self.asked.append(retry_after_s)
        return 0.01


@dataclass
class SmallHub:
    """What a hub does with readings, in memory. `post_answers` and `socket_answers` come before its good
    manners.

    A post answer is a (status, headers, body). A socket answer takes the message and returns what to say to
    it, or None to close the socket without a word.
    """

    readings: list[dict[str, Any]] = field(default_factory=list)
    messages: list[int] = field(default_factory=list)  # readings in each message
    headers: list[str] = field(default_factory=list)
    responses: list[dict[str, Any]] = field(default_factory=list)
    said: list[dict[str, Any]] = field(default_factory=list)  # those, acknowledgements and attributes
    post_answers: deque[tuple[int, dict[str, str], dict[str, Any]]] = field(default_factory=deque)
    socket_answers: deque[Callable[[dict[str, Any]], dict[str, Any] | None]] = field(default_factory=deque)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    shaken: int = 0
    handshake_status: int = 101
    port: int = 0

    @property
    def http(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def ws(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def seen(self, name: str) -> list[Any]:
        return [reading["values"][name] for reading in self.readings]

    def _keep(self, readings: list[dict[str, Any]]) -> None:
        self.messages.append(len(readings))
        self.readings.extend(readings)

    async def post(self, request: web.Request) -> web.Response:
        self.headers.append(request.headers["Authorization"])
        body = await request.json()
        readings = body if isinstance(body, list) else [body]
        if self.post_answers:
            status, headers, answer = self.post_answers.popleft()
            return web.json_response(answer, status=status, headers=headers)
        self._keep(readings)
        return web.json_response({"accepted": len(readings)})

    async def socket(self, request: web.Request) -> web.StreamResponse:
        self.shaken += 1
        self.headers.append(request.headers["Authorization"])
        if self.handshake_status != 101:
            return web.json_response({"title": "no"}, status=self.handshake_status)
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(socket, json.loads(message.data))
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message.get("type") == "response":
            self.responses.append(message)
        if message.get("type") in ("response", "ack", "attributes"):
            self.said.append(message)
            return
        if self.socket_answers:
            answer = self.socket_answers.popleft()(message)
            if answer is None:
                await socket.close(code=WSCloseCode.INTERNAL_ERROR)
            else:
                await socket.send_json(answer)
            return
        self._keep(message["readings"])
        await socket.send_json({"type": "ack", "id": message["id"]})

    async def close_sockets(self, code: int) -> None:
        for opened in self.sockets:
            await opened.close(code=code)


@asynccontextmanager
async def small_hub(port: int = 0, state: SmallHub | None = None) -> AsyncIterator[SmallHub]:
    hub = state or SmallHub()
    app = web.Application()
    app.router.add_post("/api/v1/telemetry", hub.post)
    app.router.add_get("/api/v1/device/socket", hub.socket)
    runner = web.AppRunner(app, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port)
        await site.start()
        hub.port = runner.addresses[0][1]
        yield hub
    finally:
        await hub.close_sockets(WSCloseCode.GOING_AWAY)
        await runner.cleanup()


class Mosquitto:
    """A real broker on a free port. What it had acknowledged survives `stop` and `start`."""

    def __init__(self, folder: Path, settings: str = "allow_anonymous true") -> None:
        self.port = free_port()
        self._folder = folder
        self._config = folder / "mosquitto.conf"
        # As root, Mosquitto would otherwise become a user who may not write here.
        self._config.write_text(
            f"user root\nlistener {self.port} 127.0.0.1\n{settings}\n"
            f"persistence true\npersistence_location {folder}/\nmax_queued_messages 0\n"
        )
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    async def start(self) -> None:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(["mosquitto", "-c", self._config], stdout=log, stderr=log)
        await until(self._answers)

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(10)
            self._process = None


class Watcher:
    """A subscriber that remembers what arrived and keeps its session over the broker's restarts."""

    def __init__(self, port: int, topic: str) -> None:
        self.messages: list[MQTTMessage] = []
        self._topic = topic
        self._subscribed = False
        self._paho = Client(CallbackAPIVersion.VERSION2, client_id="watcher", clean_session=False)
        self._paho.reconnect_delay_set(1, 1)
        self._paho.on_connect = self._connected
        self._paho.on_subscribe = self._is_subscribed
        self._paho.on_message = self._arrived
        self._paho.connect("127.0.0.1", port)

    def _connected(
        self,
        client: Client,
        _state: object,
        _flags: ConnectFlags,
        _code: ReasonCode,
        _more: Properties | None,
    ) -> None:
        client.subscribe(self._topic, qos=1)

    def _is_subscribed(
        self, _client: Client, _state: object, _id: int, _codes: list[ReasonCode], _more: Properties | None
    ) -> None:
        self._subscribed = True

    def _arrived(self, _client: Client, _state: object, message: MQTTMessage) -> None:
        self.messages.append(message)

    def values(self, name: str) -> list[Any]:
        found: list[Any] = []
        for message in list(self.messages):
            said = json.loads(message.payload)
            found.extend(reading["values"][name] for reading in (said if isinstance(said, list) else [said]))
        return found

    def say(self, topic: str, text: str) -> None:
        self._paho.publish(topic, text, qos=1, retain=True)

    async def start(self) -> None:
        self._paho.loop_start()
        await until(lambda: self._subscribed)

    def stop(self) -> None:
        self._paho.disconnect()
        self._paho.loop_stop()


@contextmanager
def stopping(*peers: Mosquitto | Watcher) -> Iterator[None]:
    try:
        yield
    finally:
        for peer in peers:
            peer.stop()

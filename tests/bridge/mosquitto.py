"""A real Mosquitto, with a store that outlives it, and someone who publishes to it."""

import asyncio
import getpass
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from paho.mqtt.client import Client, ConnectFlags, MQTTMessageInfo
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from tests.waiting import free_port, until

DEADLINE_S = 20.0


class Mosquitto:
    """One broker that can be stopped and started; its sessions and queued messages are kept in `folder`."""

    def __init__(self, folder: Path, lines: Iterable[str] = ("allow_anonymous true",)) -> None:
        self.port = free_port()
        self._process: asyncio.subprocess.Process | None = None
        self._file = folder / "mosquitto.conf"
        self._file.write_text(
            "\n".join(
                (
                    f"listener {self.port} 127.0.0.1",
                    f"user {getpass.getuser()}",
                    "persistence true",
                    f"persistence_location {folder}/",
                    "max_queued_messages 0",  # by default it forgets acknowledged messages beyond 1,000
                    "max_inflight_messages 0",  # the client's receive maximum bounds them
                    *lines,
                    "",
                )
            )
        )

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "mosquitto",
            "-c",
            str(self._file),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await until(self._listens, "Mosquitto listens")

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.returncode is None, f"Mosquitto ended with {self._process.returncode}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    async def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            await self._process.wait()
            self._process = None

    @classmethod
    @asynccontextmanager
    async def running(cls, folder: Path, *lines: str) -> AsyncIterator[Self]:
        mosquitto = cls(folder, lines) if lines else cls(folder)
        try:
            await mosquitto.start()
            yield mosquitto
        finally:
            await mosquitto.stop()


class Publisher:
    """paho-mqtt at QoS 1; it connects again by itself and sends again what was not acknowledged."""

    def __init__(self, port: int) -> None:
        self._marks: dict[int, object] = {}
        self._acknowledged_mids: set[int] = set()
        self._client = Client(CallbackAPIVersion.VERSION2, "publisher", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages = 50
        # It takes fractions just as well.
        self._client.reconnect_delay_set(0.05, 0.2)  # type: ignore[arg-type]
        self._client.on_publish = self._on_publish
        self._client.on_connect = self._on_connect
        self.connects = 0

    def _on_connect(
        self,
        client: Client,
        userdata: Any,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self.connects += 1

    def _on_publish(
        self, client: Client, userdata: Any, mid: int, code: ReasonCode, properties: Properties
    ) -> None:
        self._acknowledged_mids.add(mid)

    def publish(
        self, topic: str, text: str, mark: object = None, *, qos: int = 1, key: str | None = None
    ) -> MQTTMessageInfo:
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if key is not None:
            properties.UserProperty = [("key", key)]
        info = self._client.publish(topic, text, qos, properties=properties)
        if mark is not None:
            self._marks[info.mid] = mark
        return info

    def taken(self) -> set[object]:
        """The marks of all that the broker acknowledged."""
        return {self._marks[mid] for mid in list(self._acknowledged_mids) if mid in self._marks}

    @classmethod
    @asynccontextmanager
    async def connected(cls, port: int) -> AsyncIterator[Self]:
        publisher = cls(port)
        publisher._client.connect("127.0.0.1", port, keepalive=5)
        publisher._client.loop_start()
        try:
            await until(publisher._client.is_connected, "the publisher connects")
            yield publisher
        finally:
            publisher._client.disconnect()
            await asyncio.to_thread(publisher._client.loop_stop)

"""Devices that send without pause and note every acknowledgement; after a fault they send again what was not
acknowledged.
"""

import asyncio
import json
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path

import aiohttp

from hub.mqtt.codec.packets import Puback, Pubcomp, Publish, Pubrec, Pubrel
from tests.hub_process import HubProcess
from tests.mqtt.client import TELEMETRY, Client

T0 = 1_795_170_094_504  # ms, UTC
WINDOW = 20  # on their way at once


class Device(ABC):
    """Sends the values 0, 1, 2, … each at a time of its own; `numbered`: with sequence numbers."""

    def __init__(self, device_id: str, key: str, *, numbered: bool) -> None:
        self.id = device_id
        self.key = key
        self.numbered = numbered
        self.acknowledged: set[int] = set()
        self.sent = 0  # how many values have been on their way

    def reading(self, value: int) -> dict[str, object]:
        """One reading as JSON has it."""
        reading: dict[str, object] = {"ts": T0 + value, "values": {"n": float(value)}}
        return {**reading, "seq": value} if self.numbered else reading

    def window(self) -> list[int]:
        """What to send next: what was not acknowledged, the oldest first."""
        first = next(n for n in range(self.sent + 1) if n not in self.acknowledged)
        values = [n for n in range(first, first + WINDOW) if n not in self.acknowledged]
        self.sent = max(self.sent, values[-1] + 1)
        return values

    async def run(self, hub: HubProcess) -> None:
        """Send until the hub is gone, or this is cancelled."""
        with suppress(ConnectionError, aiohttp.ClientError, asyncio.IncompleteReadError):
            await self._send(hub)

    @abstractmethod
    async def _send(self, hub: HubProcess) -> None: ...

    def fault(self, stored: list[float]) -> str:
        """What is wrong with what the history holds of this device; "" when nothing is."""
        values = [int(value) for value in stored]
        missing = self.acknowledged - set(values)
        doubled = len(values) - len(set(values)) if self.numbered else 0
        strange = set(values) - set(range(self.sent))
        wrong = {"missing": len(missing), "doubled": doubled, "strange": len(strange)}
        return "" if not any(wrong.values()) else f"{self.id}: {wrong}"


class MqttDevice(Device):
    """By MQTT, at QoS 1 or 2; acknowledged is what has a PUBACK or a PUBREC."""

    def __init__(self, device_id: str, key: str, *, numbered: bool, qos: int) -> None:
        super().__init__(device_id, key, numbered=numbered)
        self._qos = qos

    async def _send(self, hub: HubProcess) -> None:
        async with Client(hub.mqtt_port, key=self.key) as client:
            while True:
                values = dict(enumerate(self.window(), 1))  # by packet id
                for packet_id, value in values.items():
                    body = json.dumps(self.reading(value)).encode()
                    client.send(Publish(TELEMETRY, body, self._qos, packet_id))
                open_ids = set(values)
                while open_ids:
                    packet = await client.receive()
                    if packet is None:
                        return
                    assert isinstance(packet, Puback | Pubrec | Pubcomp), packet
                    assert packet.reason == 0, packet
                    if isinstance(packet, Puback | Pubrec):
                        self.acknowledged.add(values[packet.packet_id])
                    if isinstance(packet, Pubrec):
                        client.send(Pubrel(packet.packet_id))
                    else:
                        open_ids.discard(packet.packet_id)


class SocketDevice(Device):
    """By its WebSocket."""

    async def _send(self, hub: HubProcess) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        url = hub.url + "/api/v1/device/socket"
        async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as socket:
            while True:
                values = self.window()
                for value in values:
                    await socket.send_json({"id": value, "readings": [self.reading(value)]})
                open_ids = set(values)
                while open_ids:
                    message = await socket.receive()
                    if message.type is not aiohttp.WSMsgType.TEXT:
                        return
                    said = json.loads(message.data)
                    if said["type"] == "ack":
                        self.acknowledged.add(said["id"])
                        open_ids.remove(said["id"])
                    else:
                        assert said["type"] == "welcome", said


class HttpDevice(Device):
    """By HTTP, a window in each request."""

    async def _send(self, hub: HubProcess) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        async with aiohttp.ClientSession(hub.url, headers=headers) as session:
            while True:
                values = self.window()
                body = [self.reading(value) for value in values]
                async with session.post("/api/v1/telemetry", json=body) as answer:
                    if answer.status in (429, 503):  # not now: the same again
                        await asyncio.sleep(0.05)
                        continue
                    assert answer.status == 200, await answer.text()
                    self.acknowledged.update(values)


async def make_devices(hub: HubProcess) -> list[Device]:
    """One numbered and one unnumbered device by each way."""
    made: list[Device] = []
    for numbered in (True, False):
        suffix = "numbered" if numbered else "plain"
        keys = {
            way: await asyncio.to_thread(hub.add_device, f"{way}-{suffix}")
            for way in ("mqtt-1", "mqtt-2", "socket", "http")
        }
        made += [
            MqttDevice(f"mqtt-1-{suffix}", keys["mqtt-1"], numbered=numbered, qos=1),
            MqttDevice(f"mqtt-2-{suffix}", keys["mqtt-2"], numbered=numbered, qos=2),
            SocketDevice(f"socket-{suffix}", keys["socket"], numbered=numbered),
            HttpDevice(f"http-{suffix}", keys["http"], numbered=numbered),
        ]
    return made


async def stored(data_dir: Path) -> dict[str, list[float]]:
    """All values in the history by device, in the order of an export."""
    found: dict[str, list[float]] = {}
    connector = aiohttp.UnixConnector(str(data_dir / "hub.sock"))
    async with (
        aiohttp.ClientSession("http://hub", connector=connector) as session,
        session.get("/api/v1/export?metric=n&format=ndjson") as answer,
    ):
        assert answer.status == 200, await answer.text()
        async for line in answer.content:
            row = json.loads(line)
            found.setdefault(row["device"], []).append(row["value"])
    return found


def faults(devices: list[Device], found: dict[str, list[float]]) -> list[str]:
    """What is wrong with the history, by the devices' own notes."""
    return [fault for device in devices if (fault := device.fault(found.get(device.id, [])))]

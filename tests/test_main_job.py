"""The main job from outside: a reading goes in, shows live, and is in the history; trouble stays where it
began.
"""

import asyncio
import io
import json
import ssl
import subprocess
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.conftest import Certificate
from tests.hub_process import HubProcess
from tests.logins import use_link

DEADLINE_S = 10.0


@pytest.fixture
def start_hub(start_hub_process: Callable[..., HubProcess]) -> Callable[..., HubProcess]:
    """Here every hub has a process of its own: it is killed and told to stop."""
    return start_hub_process


class Watcher:
    """One dashboard: what it was told, message by message."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.told: list[dict[str, Any]] = []

    async def until(self, kind: str) -> dict[str, Any]:
        """The next message of this type that was not returned yet."""
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for message in self.told:
                    if message["type"] == kind:
                        self.told.remove(message)
                        return message
                frame = json.loads(await self.socket.receive_str())
                self.told.extend(frame if isinstance(frame, list) else [frame])


async def watch(session: aiohttp.ClientSession, hub: HubProcess, device_id: str) -> Watcher:
    """A dashboard subscribed to one device."""
    token = await asyncio.to_thread(hub.token)
    socket = await session.ws_connect(hub.url + "/api/v1/live", protocols=["hub.v1"])
    watcher = Watcher(socket)
    await socket.send_json({"type": "auth", "token": token})
    await socket.send_json({"type": "subscribe", "channel": f"device/{device_id}"})
    await watcher.until("subscribed")
    return watcher


async def publish(hub: HubProcess, key: str, message: str, *options: str) -> subprocess.CompletedProcess[str]:
    """What `mosquitto_pub` does and says."""
    address = ["-h", "127.0.0.1", "-p", str(hub.mqtt_port), "-u", key]
    what = ["-q", "1", "-t", "v1/devices/me/telemetry", "-m", message]
    return await asyncio.to_thread(
        subprocess.run,
        ["mosquitto_pub", *address, *what, *options],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def test_a_published_reading_is_seen_live_and_in_the_history(hub: HubProcess) -> None:
    key = await asyncio.to_thread(hub.add_device, "boiler-1")
    async with aiohttp.ClientSession() as session:
        watcher = await watch(session, hub, "boiler-1")
        assert (await publish(hub, key, '{"temperature":20.5}')).returncode == 0
        live = await watcher.until("readings")
        await watcher.socket.close()
    time, values = live["readings"][0]
    assert values == {"temperature": 20.5}

    history = await asyncio.to_thread(hub.call, "GET", "/api/v1/devices/boiler-1/history?metric=temperature")
    assert (history["time"], history["avg"]) == ([time], [20.5])


async def test_what_is_refused_is_refused_clearly_and_a_neighbour_goes_on(hub: HubProcess) -> None:
    bad = await asyncio.to_thread(hub.add_device, "bad")
    good = await asyncio.to_thread(hub.add_device, "good")
    url = hub.url + "/api/v1/device/socket"
    as_good, as_bad = [{"Authorization": f"Bearer {key}"} for key in (good, bad)]
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url, headers=as_good) as neighbour,
        session.ws_connect(url, headers=as_bad) as socket,
    ):
        assert (await neighbour.receive_json())["type"] == "welcome"

        wrong_key = await publish(hub, f"hk_{'a' * 12}_{'B' * 32}", '{"t":1}')
        assert wrong_key.returncode == 5
        assert "not authorised" in wrong_key.stderr.lower()

        text = await publish(hub, bad, "warm", "-V", "5")
        assert "not JSON" in text.stderr + text.stdout

        async with session.post(
            hub.url + "/api/v1/telemetry",
            data=io.BytesIO(b" " * 10_000_000),
            headers=as_bad,
        ) as response:
            assert response.status == 413
            assert "max_body_bytes" in (await response.json())["detail"]

        await socket.receive()
        await socket.send_str(" " * 10_000_000)
        closing = await socket.receive()
        assert (closing.type, closing.data) == (aiohttp.WSMsgType.CLOSE, aiohttp.WSCloseCode.MESSAGE_TOO_BIG)

        await neighbour.send_json({"id": 1, "temperature": 20.5})
        assert await neighbour.receive_json() == {"type": "ack", "id": 1, "accepted": 1}

    found = await asyncio.to_thread(hub.call, "GET", "/api/v1/devices/bad/rejections")
    assert {one["code"] for one in found["rejections"]} == {"unreadable", "too_large"}


async def test_an_acknowledged_reading_outlives_a_kill(hub: HubProcess) -> None:
    key = await asyncio.to_thread(hub.add_device, "boiler-1")
    assert (await publish(hub, key, '{"temperature":20.5}')).returncode == 0
    hub.kill()
    await asyncio.to_thread(hub.start)
    found = await asyncio.to_thread(hub.call, "GET", "/api/v1/devices/boiler-1/latest")
    assert found["snapshot"]["temperature"][1] == 20.5
    assert found["presence"] == "offline"


async def test_with_a_certificate_everything_is_by_tls(
    start_hub: Callable[..., HubProcess], certificate: Certificate, unused_tcp_port: int
) -> None:
    hub = await asyncio.to_thread(
        lambda: start_hub(
            HUB__HTTP__TLS_CERT=str(certificate.path),
            HUB__HTTP__TLS_KEY=str(certificate.key),
            HUB__MQTT__TLS_PORT=str(unused_tcp_port),
        )
    )
    assert hub.url.startswith("https://")
    key = await asyncio.to_thread(hub.add_device, "boiler-1")
    trust = ssl.create_default_context(cafile=str(certificate.path))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trust)) as session:
        watcher = await watch(session, hub, "boiler-1")
        sent = await publish(
            hub, key, '{"temperature":20.5}', "-p", str(unused_tcp_port), "--cafile", str(certificate.path)
        )
        assert sent.returncode == 0, sent.stderr
        assert (await watcher.until("readings"))["readings"][0][1] == {"temperature": 20.5}
        await watcher.socket.close()
        response = await use_link(session, await asyncio.to_thread(hub.login_link))
        assert response.status == 303
        assert "Secure" in response.headers["Set-Cookie"]


async def test_a_stopping_hub_tells_viewers_and_devices_and_exits_with_0(hub: HubProcess) -> None:
    key = await asyncio.to_thread(hub.add_device, "boiler-1")
    url, headers = hub.url + "/api/v1/device/socket", {"Authorization": f"Bearer {key}"}
    async with aiohttp.ClientSession() as session, session.ws_connect(url, headers=headers) as device:
        watcher = await watch(session, hub, "boiler-1")
        await device.receive()
        stopping = asyncio.create_task(asyncio.to_thread(hub.stop))
        assert (await watcher.until("shutdown"))["retry_after_s"] > 0
        assert (await device.receive_json())["type"] == "shutdown"
        assert (await watcher.socket.receive()).data == aiohttp.WSCloseCode.SERVICE_RESTART
        await device.receive()
        await watcher.socket.close()
        await device.close()
        assert await stopping == 0

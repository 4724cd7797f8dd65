"""A certificate is replaced while the hub runs: who is connected stays so, and newcomers see the new one."""

import asyncio
import os
import signal
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from hub.config import Config, HttpConfig, MqttConfig, StoreConfig
from hub.errors import HubError
from hub.fleet.fleet import NewDevice
from hub.model import Role
from hub.model.certificate import read_pem
from hub.serve import Hub, running
from tests.captured_logs import captured_logs
from tests.certificates import Authority, openssl
from tests.conftest import Certificate
from tests.hub_process import HubProcess
from tests.mqtt.client import Client
from tests.principals import grant
from tests.stores import lay_out
from tests.waiting import free_port, until


class Served(NamedTuple):
    """A hub with TLS, and what it shows."""

    hub: Hub
    authority: Authority
    files: Certificate  # that the configuration names

    @property
    def ports(self) -> tuple[int, int]:
        """Of HTTP and of MQTT."""
        assert self.hub.mqtt_tls_port is not None
        return int(self.hub.url.rsplit(":", 1)[1]), self.hub.mqtt_tls_port

    def replace(self, new: Certificate) -> None:
        self.files.path.write_bytes(new.path.read_bytes())
        self.files.key.write_bytes(new.key.read_bytes())

    async def device(self, device_id: str) -> str:
        [(_, key)] = await self.hub.rooms.fleet.add([NewDevice(device_id)])
        return str(key)

    def headers(self, role: Role = Role.ADMIN) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.hub.rooms.tokens.sign('tester', grant(role), 600)}"}

    def browsing(self) -> aiohttp.ClientSession:
        connector = aiohttp.TCPConnector(ssl=self.authority.trusting())
        return aiohttp.ClientSession(self.hub.url, connector=connector, headers=self.headers())


@asynccontextmanager
async def serving(folder: Path) -> AsyncIterator[Served]:
    authority = Authority(folder)
    files = Certificate(folder / "hub.pem", folder / "hub.key")
    first = authority.server("first")
    files.path.write_bytes(first.path.read_bytes())
    files.key.write_bytes(first.key.read_bytes())
    config = Config(
        store=StoreConfig(path=str(lay_out(folder)), memory_limit_mb=128),
        http=HttpConfig(port=0, tls_cert=str(files.path), tls_key=str(files.key)),
        mqtt=MqttConfig(port=0, tls_port=free_port()),
    )
    async with running(config) as hub:
        yield Served(hub, authority, files)


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Served]:
    async with serving(tmp_path) as served:
        yield served


async def shown_at(port: int) -> bytes:
    """The certificate that a newcomer sees, as DER."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    assert isinstance(shown, bytes)
    return shown


def der(certificate: Certificate) -> bytes:
    return ssl.PEM_cert_to_DER_cert(certificate.path.read_text())


async def heard(live: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of this kind; a frame may hold several."""
    while True:
        said = await live.receive_json(timeout=20)
        for message in said if isinstance(said, list) else [said]:
            if message["type"] == kind:
                found: dict[str, Any] = message
                return found


async def test_sessions_go_on_over_a_reload_and_newcomers_see_the_new_certificate(served: Served) -> None:
    key = await served.device("boiler")
    trusting = served.authority.trusting()
    before = [await shown_at(port) for port in served.ports]
    async with (
        Client(served.ports[1], key=key, tls=trusting) as device,
        served.browsing() as browser,
        browser.ws_connect("/api/v1/live", protocols=["hub.v1"]) as live,
    ):
        await live.send_json({"type": "subscribe", "channel": "device/boiler"})
        await heard(live, "subscribed")
        for value in (1, 2):
            assert await device.publish(b'{"temperature": %d}' % value, packet_id=value)
            assert (await heard(live, "readings"))["readings"][0][1] == {"temperature": value}
            if value == 1:
                new = served.authority.server("second")
                served.replace(new)
                served.hub.reload()
    assert before == [der(Certificate(served.files.path.with_name("first.pem"), served.files.key))] * 2
    assert [await shown_at(port) for port in served.ports] == [der(new)] * 2
    async with Client(served.ports[1], key=key, tls=trusting) as device:
        assert await device.publish(b'{"temperature": 3}')


def _text(served: Served) -> None:
    served.files.path.write_text("no certificate at all")


def _cut_off(served: Served) -> None:
    served.files.path.write_text(served.files.path.read_text()[:300])


def _another_key(served: Served) -> None:
    served.files.key.write_bytes(served.authority.server("other").key.read_bytes())


def _another_certificate(served: Served) -> None:
    served.files.path.write_bytes(served.authority.server("other").path.read_bytes())


def _key_with_a_password(served: Served) -> None:
    openssl("ec", "-in", served.files.key, "-aes128", "-passout", "pass:secret", "-out", served.files.key)


def _no_key(served: Served) -> None:
    served.files.key.unlink()


def _no_certificate(served: Served) -> None:
    served.files.path.unlink()


BROKEN: dict[Callable[[Served], None], str] = {
    _text: "not a certificate",
    _cut_off: "not a certificate",
    _another_key: "not the key of the certificate",
    _another_certificate: "not the key of the certificate",
    _key_with_a_password: "not a key in PEM form",
    _no_key: "No such file",
    _no_certificate: "No such file",
}


async def test_what_is_broken_is_refused_in_a_line_and_the_certificate_before_stays(served: Served) -> None:
    good = [served.files.path.read_bytes(), served.files.key.read_bytes()]
    shown = [await shown_at(port) for port in served.ports]
    ends_ms = read_pem(good[0].decode()).ends_at // 1000
    async with served.browsing() as browser:
        for break_it, why in BROKEN.items():
            break_it(served)
            with captured_logs() as logs:
                served.hub.reload()
            [line] = [line for line in logs if line["level"] == "error"]
            assert why in line["why"], break_it
            assert [await shown_at(port) for port in served.ports] == shown
            async with browser.get("/api/v1/system") as answer:
                told = (await answer.json())["certificate"]
                assert (told["ends"], why in told["refusal"]) == (ends_ms, True)
            async with browser.get("/metrics") as answer:
                figures = dict(line.rsplit(" ", 1) for line in (await answer.text()).splitlines())
            assert float(figures["hub_certificate_end_seconds"]) == ends_ms / 1000
            assert figures["hub_certificate_refused"] == "1.0"
            served.files.path.write_bytes(good[0])
            served.files.key.write_bytes(good[1])
            served.hub.reload()
            async with browser.get("/api/v1/system") as answer:
                assert (await answer.json())["certificate"] == {"ends": ends_ms, "refusal": None}


@pytest.mark.parametrize("break_it", [_text, _another_key, _no_key], ids=lambda one: str(one.__name__))
async def test_a_hub_does_not_start_on_what_is_broken(
    tmp_path: Path, break_it: Callable[[Served], None]
) -> None:
    async with serving(tmp_path) as served:
        break_it(served)
    with pytest.raises(HubError, match=BROKEN[break_it]):
        async with running(served.hub.config):
            pass


@pytest.mark.parametrize(("version", "speaks"), [("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)])
async def test_what_is_older_than_tls_1_2_is_refused(served: Served, version: str, speaks: bool) -> None:
    for port in served.ports:
        asked = ["s_client", "-connect", f"127.0.0.1:{port}", "-cipher", "ALL:@SECLEVEL=0", version]
        client = await asyncio.create_subprocess_exec(
            "openssl", *asked, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        said, _ = await client.communicate()
        assert (b"New, TLSv" in said) is speaks, said


def test_a_signal_makes_the_hub_read_its_certificate_again(
    start_hub_process: Callable[..., HubProcess], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    files, new = authority.server("hub"), authority.server("new")
    hub = start_hub_process(HUB__HTTP__TLS_CERT=str(files.path), HUB__HTTP__TLS_KEY=str(files.key))
    port = int(hub.url.rsplit(":", 1)[1])
    assert asyncio.run(shown_at(port)) == der(files)
    files.path.write_bytes(new.path.read_bytes())
    files.key.write_bytes(new.key.read_bytes())
    os.kill(hub.pid, signal.SIGHUP)

    async def is_new() -> bool:
        return await shown_at(port) == der(new)

    asyncio.run(until(is_new))
    assert hub.stop() == 0


def test_a_signal_to_a_hub_without_a_certificate_changes_nothing(hub_process: HubProcess) -> None:
    os.kill(hub_process.pid, signal.SIGHUP)
    asyncio.run(until(lambda: "there is nothing to read again" in hub_process.log_path.read_text()))
    assert hub_process.call("GET", "/api/v1/system")["certificate"] is None
    assert hub_process.stop() == 0

"""Devices that show a certificate in place of a key, by every transport; openssl makes the certificates."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import paho.mqtt.publish
import pytest

from hub.compose import Surroundings
from hub.config import (
    AuthConfig,
    CertificateNames,
    ClientCertificates,
    Config,
    HttpConfig,
    MqttConfig,
    StoreConfig,
)
from hub.fleet.fleet import NewDevice
from hub.model import KeyRight, Role
from hub.serve import Hub, running
from tests.certificates import Authority
from tests.conftest import Certificate
from tests.http.conftest import Clock
from tests.mqtt.client import TELEMETRY, Client
from tests.principals import grant
from tests.stores import lay_out
from tests.waiting import free_port, until

BODY = b'{"temperature": 20.5}'
CONNECT = bytes.fromhex("10 10 0004 4d515454 05 02 0000 00 0003 616263")  # with the client id abc


@dataclass
class House:
    """A hub, the authority of its devices, and another one."""

    hub: Hub
    clock: Clock
    server: Authority
    devices: Authority
    strangers: Authority
    shown: dict[str, Certificate] = field(default_factory=dict)  # by name
    keys: dict[str, str] = field(default_factory=dict)  # of devices

    async def device(self, device_id: str) -> None:
        [(_, key)] = await self.hub.rooms.fleet.add([NewDevice(device_id)])
        self.keys[device_id] = str(key)

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        admin = self.hub.rooms.tokens.sign("tester", grant(Role.ADMIN, None), 600)
        async with self.http(None) as client:
            headers = {"Authorization": f"Bearer {admin}"}
            async with client.request(method, path, json=body, headers=headers) as answer:
                return answer.status, None if answer.status == 204 else await answer.json(content_type=None)

    async def add(self, device_id: str, name: str, **more: object) -> tuple[int, Any]:
        """Let the device in by the certificate of this name."""
        body = {"certificate": self.shown[name].path.read_text(), **more}
        return await self.call("POST", f"/api/v1/devices/{device_id}/keys", body)

    def tls(self, name: str | None) -> ssl.SSLContext:
        return self.server.trusting(None if name is None else self.shown[name])

    def http(self, name: str | None) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(self.hub.url, connector=aiohttp.TCPConnector(ssl=self.tls(name)))

    def mqtt(self, name: str | None, **options: Any) -> Client:
        assert self.hub.mqtt_tls_port is not None
        return Client(self.hub.mqtt_tls_port, tls=self.tls(name), **options)


@asynccontextmanager
async def house_of(
    folder: Path, mode: ClientCertificates, names: CertificateNames = CertificateNames.OFF
) -> AsyncIterator[House]:
    server = Authority(folder, "of-the-hub")
    devices, strangers = Authority(folder, "of-devices"), Authority(folder, "of-strangers")
    hub, clock = server.server(), Clock()
    asks = {"client_ca": str(devices.path), "client_certs": mode}
    config = Config(
        store=StoreConfig(path=str(lay_out(folder)), memory_limit_mb=128),
        http=HttpConfig.model_validate(
            {"port": 0, "tls_cert": str(hub.path), "tls_key": str(hub.key), **asks}
        ),
        mqtt=MqttConfig.model_validate({"port": 0, "tls_port": free_port(), **asks}),
        # Each refusal is told as soon as the first one is.
        auth=AuthConfig(certificate_names=names, failures_window_s=0.001),
    )
    around = Surroundings(clock=clock, steady_s=clock.steady_s)
    async with running(config, around=around) as running_hub:
        yield House(running_hub, clock, server, devices, strangers)


async def by_mqtt(house: House, name: str | None, user: str, key: str) -> bool:
    """Whether the device is let in."""
    client = house.mqtt(name, username=user or key or None, password=key.encode() if user else None)
    try:
        return (await client.connect()).reason == 0
    except (OSError, AssertionError):  # the handshake failed; by TLS 1.3 the client learns of it later
        return False
    finally:
        client.close()


async def by_plain_mqtt(house: House, _name: str | None, user: str, key: str) -> bool:
    client = Client(
        house.hub.mqtt_port or 0, username=user or key or None, password=key.encode() if user else None
    )
    try:
        return (await client.connect()).reason == 0
    finally:
        client.close()


async def by_http(house: House, name: str | None, user: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with house.http(name) as client:
        try:
            async with client.post("/api/v1/telemetry", data=BODY, headers=headers) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError):
            return False


async def by_socket(house: House, name: str | None, user: str, key: str) -> bool:
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    async with house.http(name) as client:
        try:
            async with client.ws_connect("/api/v1/device/socket", headers=headers) as socket:
                if not key and name is None:
                    await socket.send_json({"type": "auth", "key": ""})
                said = await socket.receive_json()
                return bool(said["type"] == "welcome")
        except (aiohttp.ClientError, OSError):
            return False


Way = Callable[[House, str | None, str, str], Any]
WAYS: dict[str, Way] = {"MQTT": by_mqtt, "HTTP": by_http, "socket": by_socket}

# Which certificate and which key a device shows, and whether it is let in: where it may, and where it must
# show a certificate. The key is its device's name.
SHOWN: dict[tuple[str | None, str | None], tuple[bool, bool]] = {
    ("boiler", None): (True, True),
    ("boiler", "boiler"): (True, True),
    ("boiler", "pump"): (False, False),
    ("boiler", "wrong"): (False, False),
    ("pump", None): (True, True),
    ("pump", "boiler"): (False, False),
    ("unknown", None): (False, False),
    ("unknown", "boiler"): (False, False),
    ("revoked", None): (False, False),
    ("revoked", "boiler"): (False, False),
    ("over", None): (False, False),
    ("over", "boiler"): (False, False),
    ("strange", None): (False, False),
    ("strange", "boiler"): (False, False),
    (None, "boiler"): (True, False),
    (None, "wrong"): (False, False),
    (None, None): (False, False),
}
# The same by MQTT with a device's id as user name, and no key.
NAMED: dict[tuple[str | None, str], bool] = {
    ("boiler", "boiler"): True,
    ("boiler", "pump"): False,
    ("boiler", "nobody"): False,
    ("pump", "pump"): True,
    ("unknown", "boiler"): False,
    (None, "boiler"): False,
}


@pytest.fixture(scope="module", params=[ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED])
async def house(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    async with house_of(tmp_path_factory.mktemp("house"), request.param) as house:
        for device_id in ("boiler", "pump"):
            await house.device(device_id)
        house.keys["wrong"] = house.keys["boiler"][:-4] + "0000"
        for name in ("boiler", "pump", "revoked", "unknown"):
            house.shown[name] = house.devices.issue(name)
        house.shown["over"] = house.devices.issue("over", days=-1)
        house.shown["strange"] = house.strangers.issue("boiler-of-strangers", subject="boiler")
        for name in ("boiler", "pump"):
            status, made = await house.add(name, name)
            assert (status, made["key"]) == (201, None)
        _, made = await house.add("boiler", "revoked")
        assert (await house.call("DELETE", f"/api/v1/devices/boiler/keys/{made['id']}"))[0] == 204
        yield house


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
async def test_a_certificate_lets_its_device_in_and_nothing_beside_it_may_say_otherwise(
    house: House, way: Way
) -> None:
    column = 0 if house.hub.config.http.client_certs is ClientCertificates.OPTIONAL else 1
    found = {(name, key): await way(house, name, "", house.keys[key] if key else "") for name, key in SHOWN}
    assert found == {shown: let_in[column] for shown, let_in in SHOWN.items()}


async def test_a_user_name_beside_a_certificate_is_its_devices_id(house: House) -> None:
    found = {(name, user): await by_mqtt(house, name, "", user) for name, user in NAMED}
    assert found == NAMED


async def test_a_key_as_password_has_to_be_that_of_the_certificates_device(house: House) -> None:
    keys = house.keys
    assert await by_mqtt(house, "boiler", "boiler", keys["boiler"])
    assert not await by_mqtt(house, "boiler", "pump", keys["pump"])
    assert not await by_mqtt(house, "boiler", "boiler", keys["pump"])


async def test_without_tls_a_key_does_only_where_no_certificate_is_required(house: House) -> None:
    is_optional = house.hub.config.mqtt.client_certs is ClientCertificates.OPTIONAL
    assert await by_plain_mqtt(house, None, "", house.keys["boiler"]) is is_optional


async def test_the_page_and_rest_are_there_for_people_without_a_certificate(house: House) -> None:
    assert (await house.call("GET", "/api/v1/devices"))[0] == 200


async def test_a_certificate_is_listed_used_and_added_once(house: House) -> None:
    assert await by_mqtt(house, "boiler", "", "")
    _, listed = await house.call("GET", "/api/v1/devices/boiler/keys")
    [kept] = [one for one in listed["keys"] if one["certificate"] and not one["revoked_at"]]
    assert (kept["last_used_from"], len(kept["certificate"])) == ("127.0.0.1", 64)
    assert kept["expires_at"] is not None
    for name in ("boiler", "revoked"):
        status, told = await house.add("pump", name)
        assert (status, "added before" in told["detail"]) == (409, True)
    assert (await house.add("pump", "over"))[0] == 409
    body = {"certificate": "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"}
    status, told = await house.call("POST", "/api/v1/devices/pump/keys", body)
    assert (status, told["where"]) == (422, "certificate")


async def test_a_client_that_others_wrote_sends_by_certificate(house: House) -> None:
    port, shown = house.hub.mqtt_tls_port, house.shown["boiler"]
    assert port is not None
    files = ["--cafile", house.server.path, "--cert", shown.path, "--key", shown.key]
    common = ["-h", "127.0.0.1", "-p", str(port), "-V", "5", "-q", "1", "-t", TELEMETRY, "-m", BODY.decode()]
    counts = house.hub.rooms.ingest.counts
    before = counts.readings
    client = await asyncio.create_subprocess_exec("mosquitto_pub", *common, *map(str, files))
    assert await client.wait() == 0
    tls: Any = {"ca_certs": str(house.server.path), "certfile": str(shown.path), "keyfile": str(shown.key)}
    options: dict[str, Any] = {"hostname": "127.0.0.1", "port": port, "qos": 1, "tls": tls}
    await asyncio.to_thread(paho.mqtt.publish.single, TELEMETRY, BODY, **options)
    await until(lambda: counts.readings == before + 2)
    strange = house.shown["strange"]
    files = ["--cafile", house.server.path, "--cert", strange.path, "--key", strange.key]
    client = await asyncio.create_subprocess_exec(
        "mosquitto_pub", *common, *map(str, files), stderr=asyncio.subprocess.DEVNULL
    )
    assert await client.wait() != 0


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[House]:
    """A house for one test."""
    async with house_of(tmp_path, ClientCertificates.OPTIONAL) as house:
        await house.device("boiler")
        for name in ("boiler", "renewed"):
            house.shown[name] = house.devices.issue(name, subject="boiler")
        yield house


class Held:
    """Sessions of one certificate, by each transport."""

    def __init__(self, house: House, stack: AsyncExitStack) -> None:
        self._house, self._stack = house, stack

    async def begin(self, name: str) -> None:
        enter = self._stack.enter_async_context
        self.mqtt = await enter(self._house.mqtt(name))
        http = await enter(self._house.http(name))
        self.socket = await enter(http.ws_connect("/api/v1/device/socket"))
        assert (await self.socket.receive_json())["type"] == "welcome"
        self.tunnel = await enter(http.ws_connect("/mqtt", protocols=["mqtt"]))
        await self.tunnel.send_bytes(CONNECT)
        connack = await self.tunnel.receive_bytes()
        assert connack[:4:3] == b"\x20\x00", connack  # CONNACK, success

    async def ended(self) -> bool:
        """Whether all were closed, each saying what its transport says of a credential that is over."""
        while not self.socket.closed:
            await self.socket.receive(timeout=20)
        while not self.tunnel.closed:
            await self.tunnel.receive(timeout=20)
        while await self.mqtt.receive() is not None:
            pass
        return self.socket.close_code == 4401


async def test_revoking_a_certificate_ends_its_sessions_at_once(own: House) -> None:
    _, made = await own.add("boiler", "boiler")
    async with AsyncExitStack() as stack:
        held = Held(own, stack)
        await held.begin("boiler")
        assert (await own.call("DELETE", f"/api/v1/devices/boiler/keys/{made['id']}"))[0] == 204
        assert await held.ended()
    assert [await way(own, "boiler", "", "") for way in WAYS.values()] == [False] * 3


async def test_sessions_end_with_the_certificate(own: House) -> None:
    await own.add("boiler", "boiler")
    async with AsyncExitStack() as stack:
        held = Held(own, stack)
        await held.begin("boiler")
        own.clock.ahead_s += 3 * 86_400
        own.hub.rooms.fleet.keys.end_expired()
        assert await held.ended()


async def test_a_certificate_is_replaced_by_the_next_with_its_rights_and_both_work_for_a_while(
    own: House,
) -> None:
    _, made = await own.add("boiler", "boiler", rights=["telemetry"])
    status, new = await own.add("boiler", "renewed", replaces=made["id"], overlap_s=60)
    assert (status, new["rights"]) == (201, [KeyRight.TELEMETRY])
    assert [await by_mqtt(own, name, "", "") for name in ("boiler", "renewed")] == [True, True]
    own.clock.ahead_s += 61
    assert [await by_mqtt(own, name, "", "") for name in ("boiler", "renewed")] == [False, True]


async def test_a_key_beside_a_certificate_allows_no_more_than_both(own: House) -> None:
    await own.add("boiler", "boiler", rights=["telemetry", "commands"])
    _, key = await own.call("POST", "/api/v1/devices/boiler/keys", {"rights": ["attributes", "commands"]})
    assert not await by_http(own, "boiler", "", key["key"])
    assert await by_http(own, "boiler", "", "")


async def test_a_new_authority_counts_after_a_reload(own: House) -> None:
    own.shown["strange"] = own.strangers.issue("strange")
    await own.add("boiler", "strange")
    assert not await by_mqtt(own, "strange", "", "")
    own.devices.path.write_bytes(own.strangers.path.read_bytes())
    assert own.hub.certificates is not None
    own.hub.certificates.reload()
    assert await by_mqtt(own, "strange", "", "")


NAMES: dict[CertificateNames, tuple[dict[str, Any], dict[str, Any]]] = {
    CertificateNames.CN: ({"subject": "boiler"}, {"subject": "nobody"}),
    CertificateNames.URI: (
        {"subject": "x", "san": "URI:urn:device:boiler"},
        {"subject": "boiler", "san": "URI:https://example.org/devices/nobody"},
    ),
}


@pytest.mark.parametrize("names", NAMES)
async def test_a_certificate_that_nobody_added_may_name_its_device(
    tmp_path: Path, names: CertificateNames
) -> None:
    async with house_of(tmp_path, ClientCertificates.REQUIRED, names) as house:
        await house.device("boiler")
        right, wrong = NAMES[names]
        house.shown["first"] = house.devices.issue("first", **right)
        house.shown["second"] = house.devices.issue("second", **right)
        house.shown["wrong"] = house.devices.issue("wrong", **wrong)
        house.shown["strange"] = house.strangers.issue("strange", **right)
        shown = ("first", "second", "wrong", "strange")
        for way in WAYS.values():
            assert [await way(house, name, "", "") for name in shown] == [True, True, False, False]
        _, listed = await house.call("GET", "/api/v1/devices/boiler/keys")
        [first, second] = [one for one in listed["keys"] if one["certificate"]]
        assert (await house.call("DELETE", f"/api/v1/devices/boiler/keys/{first['id']}"))[0] == 204
        assert [await by_mqtt(house, name, "", "") for name in shown] == [False, True, False, False]

        # The next one takes the place of one that has ended, and not that of a revoked one.
        house.clock.ahead_s += 3 * 86_400
        house.shown["third"] = house.devices.issue("third", **right, days=9)
        assert await by_mqtt(house, "third", "", "")
        _, listed = await house.call("GET", "/api/v1/devices/boiler/keys")
        ids = [one["id"] for one in listed["keys"]]
        assert (first["id"] in ids, second["id"] in ids) == (True, False)

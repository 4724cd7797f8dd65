"""Under which names the hub is found, by whom, and that a stranger's name is refused (DNS rebinding)."""

import asyncio

import aiohttp
import pytest

from hub.config import CheckedHosts, Config, HttpConfig, MqttConfig
from hub.http.hosts import AllowedHosts
from tests.captured_logs import captured_logs
from tests.http.conftest import Hub

FOREIGN = "evil.example"
LISTED = HttpConfig(
    public_url="https://Ops.example.org/hub/",
    allowed_origins=("https://page.example.net:8443",),
    allowed_hosts=("hub.Example.com", "*.plant.example"),
)
# A Host header, and whether it is right by default and with the lists above.
HOSTS = {
    "127.0.0.1": (True, True),
    "127.0.0.1:8080": (True, True),
    "192.168.1.7:8080": (True, True),
    "[::1]": (True, True),
    "[fe80::1]:8080": (True, True),
    "localhost:8080": (True, True),
    "LOCALHOST": (True, True),
    "hub.localhost": (True, True),
    "hub:8080": (True, True),  # without a dot: of a container, or of the router
    "hub.local": (True, True),
    "hub.local.:8080": (True, True),
    "hub.lan": (True, True),
    "hub.internal": (True, True),
    "hub.home.arpa": (True, True),
    "plant7": (True, True),
    "plant7.fritz.box:8080": (True, True),  # this machine's name, in the domain where it looks names up
    "other.fritz.box": (False, False),
    "ops.example.org": (False, True),
    "OPS.EXAMPLE.ORG.:443": (False, True),
    "page.example.net": (False, True),
    "hub.example.com": (False, True),
    "www.hub.example.com": (False, False),
    "a.plant.example": (False, True),
    "a.b.plant.example": (False, True),
    "plant.example": (False, False),
    "xplant.example": (False, False),
    "evil.example": (False, False),
    "local.evil.example": (False, False),
    "127.0.0.1.evil.example": (False, False),
    "evil.example:80:80": (False, False),
    "user@hub.local": (False, False),
    "hub.local/x": (False, False),
    "[hub.local]": (False, False),
    "[::1": (False, False),
    "": (False, False),
    ".": (False, False),
    ":8080": (False, False),
    ".local": (True, True),
}


@pytest.mark.parametrize(("config", "column"), [(HttpConfig(), 0), (LISTED, 1)], ids=["default", "listed"])
def test_addresses_private_names_and_what_is_named_are_the_hub(config: HttpConfig, column: int) -> None:
    hosts = AllowedHosts(config, ["Plant7", "plant7.fritz.box"])
    assert {host: hosts.allows(host) for host in HOSTS} == {
        host: allowed[column] for host, allowed in HOSTS.items()
    }


def test_a_star_lets_every_name_in() -> None:
    hosts = AllowedHosts(HttpConfig(allowed_hosts=("*",)), [])
    assert all(hosts.allows(host) for host in HOSTS)


async def status(hub: Hub, path: str, host: str, headers: dict[str, str], *, method: str = "GET") -> int:
    shown = {**headers, "Host": host}
    async with hub.client.request(method, path, headers=shown, json={"t": 1}) as answer:
        if answer.status == 421:
            assert answer.content_type == "application/problem+json"
            told = await answer.json(content_type=None)
            assert told["code"] == "misdirected"
            assert "http.allowed_hosts" in told["detail"]
        return answer.status


async def socket_status(hub: Hub, path: str, host: str, protocol: str, headers: dict[str, str]) -> int:
    try:
        async with hub.client.ws_connect(path, protocols=(protocol,), headers={**headers, "Host": host}):
            return 101
    except aiohttp.WSServerHandshakeError as error:
        return error.status


async def answers(hub: Hub, host: str) -> dict[str, int]:
    """What each kind of asker gets at this name."""
    session = await hub.session()
    if not hub.keys:
        await hub.device()
    token, key = hub.bearer(), hub.key()
    live, device = "/api/v1/live", "/api/v1/device/socket"
    return {
        "a link": await status(hub, "/login?code=x", host, {}),
        "a session": await status(hub, "/api/v1/devices", host, session),
        "nobody": await status(hub, "/api/v1/session/ways", host, {}),
        "nothing there": await status(hub, "/api/v1/nothing", host, {}),
        "a session's socket": await socket_status(
            hub, live, host, "hub.v1", {**session, "Origin": f"http://{host}"}
        ),
        "a token": await status(hub, "/api/v1/devices", host, token),
        "a token's socket": await socket_status(hub, live, host, "hub.v1", token),
        "a device": await status(hub, "/api/v1/telemetry", host, key, method="POST"),
        "a device's socket": await socket_status(hub, device, host, "", key),
        "a device that shows its key later": await socket_status(hub, device, host, "", {}),
        "MQTT": await socket_status(hub, "/mqtt", host, "mqtt", {}),
        "a monitor": await status(hub, "/healthz", host, {}),
    }


PEOPLE = {"a link", "a session", "nobody", "nothing there", "a session's socket"}


class TestByDefault:
    @pytest.fixture
    def config(self) -> Config:
        return Config(mqtt=MqttConfig(port=0))

    async def test_browsers_are_refused_at_a_strangers_name_and_devices_and_programs_are_not(
        self, hub: Hub
    ) -> None:
        at_home, foreign = await answers(hub, "hub.local"), await answers(hub, FOREIGN)
        assert 421 not in at_home.values()
        assert {who for who, found in foreign.items() if found == 421} == PEOPLE
        assert {who: at_home[who] for who in at_home if who not in PEOPLE} == {
            who: foreign[who] for who in foreign if who not in PEOPLE
        }

    async def test_the_log_says_once_what_to_set(self, new_hub: Hub) -> None:
        with captured_logs() as logs:
            for _ in range(3):
                assert await status(new_hub, "/api/v1/devices", f"{FOREIGN}:8080", {}) == 421
        [line] = [line for line in logs if line["level"] == "warning"]
        assert line["set"] == f'http.allowed_hosts = ["{FOREIGN}"]'

    async def test_a_request_without_a_host_is_no_browsers(self, hub: Hub) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(hub.url.rsplit(":", 1)[1]))
        writer.write(b"GET /api/v1/session/ways HTTP/1.0\r\n\r\n")
        assert (await reader.readline()).split()[1] == b"200"
        writer.close()
        await writer.wait_closed()


class TestForAll:
    @pytest.fixture
    def config(self) -> Config:
        hosts = HttpConfig(check_host=CheckedHosts.ALL, allowed_hosts=("*.plant.example",))
        return Config(mqtt=MqttConfig(port=0), http=hosts)

    async def test_devices_and_programs_have_to_name_the_hub_too(self, hub: Hub) -> None:
        assert 421 not in (await answers(hub, "hub.plant.example:8080")).values()
        foreign = await answers(hub, FOREIGN)
        assert {who for who, found in foreign.items() if found != 421} == {"a monitor"}

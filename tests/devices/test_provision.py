import stat
from collections import deque
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from devices.errors import DeviceError, KeyRefused
from devices.provision import DeviceKey, DeviceMetric, Provisioner, read_keys, write_keys
from tests.devices.peers import Remembering


class Rest:
    """The calls that make a device, as the hub's REST interface answers them."""

    def __init__(self) -> None:
        self.devices: dict[str, Any] = {}
        self.answers: deque[web.Response] = deque()
        self.tokens: set[str] = set()
        app = web.Application()
        app.router.add_post("/api/v1/devices", self._add)
        app.router.add_post("/api/v1/devices/{id}/keys", self._key)
        app.router.add_put("/api/v1/devices/{id}/metrics/{name}", self._describe)
        self.server = TestServer(app)
        self.units: dict[tuple[str, str], str] = {}
        self.known: set[str] = set()

    async def _add(self, request: web.Request) -> web.Response:
        self.tokens.add(request.headers["Authorization"])
        if self.answers:
            return self.answers.popleft()
        wanted = await request.json()
        if wanted["id"] in self.devices:
            return web.json_response({"detail": "it exists"}, status=409)
        self.devices[wanted["id"]] = wanted
        return web.json_response({**wanted, "key": f"hk_{wanted['id']}"}, status=201)

    async def _key(self, request: web.Request) -> web.Response:
        device_id = request.match_info["id"]
        assert device_id in self.devices
        return web.json_response({"id": "k", "key": f"hk_{device_id}_more", "created_at": 0}, status=201)

    async def _describe(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in self.known:
            return web.json_response({"detail": "no such metric"}, status=404)
        self.units[request.match_info["id"], name] = (await request.json())["unit"]
        return web.json_response({})

    @property
    def url(self) -> str:
        return str(self.server.make_url("/"))


async def test_devices_are_made_with_a_name_and_their_kind_and_get_a_key() -> None:
    rest = Rest()
    async with rest.server:
        logins = await Provisioner(rest.url, "T").devices(["pump-01", "cold-store-02"])
    assert logins == [DeviceKey("pump-01", "hk_pump-01"), DeviceKey("cold-store-02", "hk_cold-store-02")]
    assert rest.tokens == {"Bearer T"}
    assert rest.devices["cold-store-02"] == {
        "id": "cold-store-02",
        "name": "Cold store 02",
        "labels": {"kind": "cold-store", "simulated": "yes"},
    }


async def test_a_device_that_exists_gets_another_key() -> None:
    rest = Rest()
    async with rest.server:
        provisioner = Provisioner(rest.url, "T")
        assert await provisioner.devices(["pump-01"]) == [DeviceKey("pump-01", "hk_pump-01")]
        assert await provisioner.devices(["pump-01"]) == [DeviceKey("pump-01", "hk_pump-01_more")]


async def test_units_are_told_once_the_hub_knows_the_metric() -> None:
    rest = Rest()
    metrics = [DeviceMetric("pump-01", "temperature", "°C"), DeviceMetric("pump-01", "pressure", "bar")]
    async with rest.server:
        provisioner = Provisioner(rest.url, "T")
        rest.known = {"pressure"}
        later = await provisioner.units(metrics)
        assert later == metrics[:1]
        rest.known = {"pressure", "temperature"}
        assert await provisioner.units(later) == []
    assert rest.units == {("pump-01", "temperature"): "°C", ("pump-01", "pressure"): "bar"}


async def test_a_busy_hub_is_asked_again_when_it_says() -> None:
    rest, backoff = Rest(), Remembering()
    rest.answers.append(web.Response(status=503, headers={"Retry-After": "3"}))
    async with rest.server:
        await Provisioner(rest.url, "T", backoff).devices(["pump-01"])
    assert backoff.asked == [3.0]
    assert list(rest.devices) == ["pump-01"]


async def test_a_hub_that_stays_busy_is_given_up() -> None:
    rest = Rest()
    rest.answers.extend(web.Response(status=503) for _ in range(50))
    async with rest.server:
        with pytest.raises(DeviceError, match="POST devices: HTTP 503"):
            await Provisioner(rest.url, "T", Remembering()).devices(["pump-01"])
    assert len(rest.answers) == 42


async def test_a_token_that_may_not_is_told_as_such() -> None:
    rest = Rest()
    rest.answers.append(web.json_response({"detail": "the token has expired"}, status=401))
    async with rest.server:
        with pytest.raises(KeyRefused, match="POST devices: HTTP 401: the token has expired"):
            await Provisioner(rest.url, "T").devices(["pump-01"])


def test_a_file_of_keys_is_read_back_and_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "keys.csv"
    logins = [DeviceKey("pump-01", "hk_a"), DeviceKey("fan-01", "hk_b")]
    write_keys(path, logins)
    assert read_keys(path) == logins
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == "id,key\npump-01,hk_a\nfan-01,hk_b\n"


def test_a_login_does_not_show_its_key() -> None:
    assert "hk_a" not in repr(DeviceKey("pump-01", "hk_a"))


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("name,key\na,b\n", "the first line must name the columns id,key"),
        ("id,key\n", "no devices in it"),
        ("id,key\na,k\nb,\n", "line 3: an id and a key are wanted"),
        ("id,key\na\n", "line 2: an id and a key are wanted"),
    ],
)
def test_a_wrong_file_of_keys_is_refused_with_the_line(tmp_path: Path, text: str, wrong: str) -> None:
    path = tmp_path / "keys.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=wrong):
        read_keys(path)

"""Where what was made is found: RFC 9110, 10.2.2."""

import re
from urllib.parse import urljoin

import pytest

from tests.http.conftest import Hub

DEVICES = "/api/v1/devices"


@pytest.mark.parametrize(
    ("path", "body", "location", "found"),
    [  # RFC 9110, 10.2.2 and 15.3.2
        (DEVICES, {"id": "a:b"}, "devices/a%3Ab", True),
        (DEVICES, {"devices": [{"id": "many"}]}, "devices", True),
        (f"{DEVICES}/boiler/commands", {"method": "x"}, r"commands/\d+", True),
        ("/api/v1/login-links", None, "login-links", False),
    ],
)
async def test_what_was_made_says_where_it_is(
    hub: Hub, path: str, body: object, location: str, found: bool
) -> None:
    await hub.device()
    headers = {**hub.bearer(), "Idempotency-Key": "k1"}
    for _ in range(2):
        async with hub.client.post(path, json=body, headers=headers) as answer:
            assert answer.status == 201
            assert re.fullmatch(location, answer.headers["Location"])
            there = urljoin(path, answer.headers["Location"])
    assert (await hub.call("GET", there))[0] == (200 if found else 405)


@pytest.mark.parametrize(
    ("path", "body"), [("devices/boiler/keys", None), ("tokens", {"name": "n", "ttl_s": 9})]
)
async def test_a_new_secret_says_where_it_can_be_revoked(hub: Hub, path: str, body: object) -> None:
    await hub.device()
    async with hub.client.post(f"/api/v1/{path}", json=body, headers=hub.bearer()) as answer:
        assert (await hub.call("DELETE", urljoin(str(answer.url), answer.headers["Location"])))[0] == 204

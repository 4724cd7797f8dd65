"""Bodies of requests: asked for once their sender is known, unpacked within bounds."""

import gzip
import json
import re
import zlib
from http import HTTPStatus

import pytest

from hub.config import Config, HttpConfig
from hub.http.api import ENDPOINTS
from hub.http.endpoint import Endpoint, Nothing, Security
from tests.http.conftest import Hub
from tests.http.raw import exchange
from tests.http.rights import ROWS

MAX_BYTES = 100_000
READING = b'{"t": 20.5}'


def packed(body: bytes) -> bytes:
    """By gzip, the same bytes each time: they name tests, and every worker has to call those alike."""
    return gzip.compress(body, mtime=0)


BOMB = packed(bytes(50_000_000))  # 49 KB
TAKING_BODIES = [one for one in ENDPOINTS if one.body is not Nothing or one.body_media or one.takes_readings]
QUERIES = {(row.method, row.path): row.query.format(device="boiler") for row in ROWS}
# What a path names: of a parameter that is new in the table of routes, add one here.
NAMED = {"device_id": "boiler", "metric": "t", "operator": "anna"}
NUMBERED = 10**15  # of what has a number or an id, none


@pytest.fixture
def config() -> Config:
    return Config(http=HttpConfig(max_body_bytes=MAX_BYTES))


def named(endpoint: Endpoint) -> str:
    return f"{endpoint.method} {endpoint.path}"


def head(endpoint: Endpoint, length: int, **headers: str) -> bytes:
    parameters = re.findall(r"{(\w+)}", endpoint.path)
    path = endpoint.path.format_map({name: NAMED.get(name, NUMBERED) for name in parameters})
    path += QUERIES.get((endpoint.method, endpoint.path), "")
    lines = [f"{endpoint.method} {path} HTTP/1.1", "Host: hub", f"Content-Length: {length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def shown(hub: Hub, endpoint: Endpoint) -> str:
    return (hub.key() if endpoint.security is Security.DEVICE else hub.bearer())["Authorization"]


@pytest.mark.parametrize(
    "endpoint", [one for one in TAKING_BODIES if one.security is not Security.NONE], ids=named
)
async def test_a_body_is_asked_for_after_its_sender_is_known(hub: Hub, endpoint: Endpoint) -> None:
    """RFC 9110, 10.1.1: a final status instead of 100 where the head alone decides."""
    await hub.device()
    stranger = head(endpoint, 1_000_000, Expect="100-continue", Content_Encoding="gzip")
    [answer] = await exchange(hub.url, stranger)
    assert (answer.status, answer.problem()["code"]) == (401, "unauthenticated")
    known = head(endpoint, 2, Expect="100-continue", Authorization=shown(hub, endpoint), Connection="close")
    asked, _ = await exchange(hub.url, known, b"{}")
    assert asked.status == 100


@pytest.mark.parametrize("endpoint", TAKING_BODIES, ids=named)
async def test_an_encoding_that_is_not_known_is_refused(hub: Hub, endpoint: Endpoint) -> None:
    """RFC 9110, 8.4 and 15.5.16."""
    await hub.device()
    for encoding in ("br", "zstd", "compress", "gzip, gzip", "x"):
        asked = head(endpoint, 2, Content_Encoding=encoding, Authorization=shown(hub, endpoint))
        [answer] = await exchange(hub.url, asked + b"{}")
        assert (answer.status, answer.problem()["code"]) == (415, "unsupported"), encoding
        assert answer.headers["accept-encoding"] == "gzip, deflate"
        assert "install" not in answer.problem()["detail"]


@pytest.mark.parametrize("endpoint", [one for one in TAKING_BODIES if not one.body_media], ids=named)
async def test_what_unpacks_to_too_much_is_refused(hub: Hub, endpoint: Endpoint) -> None:
    await hub.device()
    asked = head(endpoint, len(BOMB), Content_Encoding="gzip", Authorization=shown(hub, endpoint))
    [answer] = await exchange(hub.url, asked + BOMB)
    assert (answer.status, answer.problem()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("identity", READING),
        ("gzip", packed(READING)),
        ("GZIP", packed(READING)),
        ("x-gzip", packed(READING)),
        ("gzip", packed(READING[:3]) + packed(READING[3:])),  # RFC 1952, 2.2: one after another
        ("deflate", zlib.compress(READING)),  # RFC 9110, 8.4.1.2: in the zlib format
    ],
)
async def test_a_packed_body_is_taken(hub: Hub, encoding: str, packed: bytes) -> None:
    await hub.device()
    headers = {**hub.key(), "Content-Encoding": encoding}
    async with hub.client.post("/api/v1/telemetry", data=packed, headers=headers) as answer:
        assert (answer.status, await answer.json()) == (200, {"accepted": 1})


async def test_as_much_as_is_allowed_is_taken_packed_or_not(hub: Hub) -> None:
    await hub.device()
    most = json.dumps({"t": 1}).encode().ljust(MAX_BYTES)
    for body, status in ((most, HTTPStatus.OK), (most + b" ", HTTPStatus.REQUEST_ENTITY_TOO_LARGE)):
        for encoding, sent in (("identity", body), ("gzip", packed(body))):
            headers = {**hub.key(), "Content-Encoding": encoding}
            async with hub.client.post("/api/v1/telemetry", data=sent, headers=headers) as answer:
                assert answer.status == status


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"no gzip",
        packed(READING)[:-4],
        packed(READING) + b"behind it",
        zlib.compress(READING),
    ],
)
async def test_what_cannot_be_unpacked_is_refused(hub: Hub, packed: bytes) -> None:
    await hub.device()
    headers = {**hub.key(), "Content-Encoding": "gzip"}
    async with hub.client.post("/api/v1/telemetry", data=packed, headers=headers) as answer:
        assert (answer.status, (await answer.json(content_type=None))["code"]) == (400, "unreadable")

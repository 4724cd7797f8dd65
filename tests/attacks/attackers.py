"""The attackers, each in a process of its own: `python -m tests.attacks.attackers` with a Target as JSON.

Strangers come from other addresses of this machine (127.0.0.2 and on), as they would from elsewhere.
"""

import asyncio
import itertools
import json
import socket
import sys
import time
import zlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import NONE, Connect, Publish, Version

STRANGERS = tuple(f"127.0.0.{number}" for number in range(2, 7))
TELEMETRY = "v1/devices/me/telemetry"
UNPACKED_MIB = 1_000
FILLING_S = 1.0


@dataclass(frozen=True)
class Target:
    """What is attacked, by whom, for how long, and how hard: 1.0 is full size."""

    attack: str
    url: str
    mqtt_port: int
    key: str  # of the device `attacker`
    token: str  # of a viewer
    seconds: float
    scale: float

    @property
    def http(self) -> tuple[str, int]:
        parts = urlsplit(self.url)
        return str(parts.hostname), int(parts.port or 80)

    def times(self, count: int) -> int:
        return max(1, round(count * self.scale))

    def as_json(self) -> str:
        return json.dumps(asdict(self))


async def opened(
    address: tuple[str, int], own: str = "127.0.0.1"
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A connection from this address. Raises OSError."""
    return await asyncio.open_connection(*address, local_addr=(own, 0))


async def silent_sockets(target: Target) -> None:
    """20,000 connections that say nothing, as many as this process may open."""
    places = [target.http, ("127.0.0.1", target.mqtt_port)]
    kept: list[socket.socket] = []
    try:
        for number in range(target.times(20_000)):
            one = socket.socket()
            kept.append(one)
            one.setblocking(False)
            one.bind((STRANGERS[number % len(STRANGERS)], 0))
            one.connect_ex(places[number % 2])
            if number % 100 == 0:
                await asyncio.sleep(0.005)
    except OSError:  # this process may open no more
        pass
    await asyncio.sleep(3600)


async def unproven_sockets(target: Target) -> None:
    """2,000 handshakes of the live and the device socket that never say who they are."""
    kept = []
    for number in range(target.times(2_000)):
        with suppress(OSError):
            reader, writer = await opened(target.http, STRANGERS[number % len(STRANGERS)])
            path = ("/api/v1/live", "/api/v1/device/socket")[number % 2]
            writer.write(
                f"GET {path} HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
            )
            kept.append((reader, writer))
    await asyncio.sleep(3600)


async def packed_bodies(target: Target) -> None:
    """Bodies of a megabyte that unpack to a gigabyte, without a key."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_048_576)
    body = b"".join(packer.compress(zeros) for _ in range(UNPACKED_MIB)) + packer.flush()
    head = f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    while True:
        with suppress(OSError):
            reader, writer = await opened(target.http, STRANGERS[0])
            writer.write(b"POST /api/v1/telemetry HTTP/1.1\r\nHost: hub\r\n" + head + body)
            await reader.read(100)
            writer.close()


def _connect(key: str) -> bytes:
    return encode(Connect(Version.V311, "", True, 0, key, None, None, NONE), Version.V311)


async def _flood(target: Target, body: Callable[[int], object]) -> None:
    """One key at full speed over QoS 0."""
    _, writer = await opened(("127.0.0.1", target.mqtt_port))
    writer.write(_connect(target.key))
    bodies = [json.dumps(body(number)).encode() for number in range(20)]
    packets = b"".join(encode(Publish(TELEMETRY, one, 0), Version.V311) for one in bodies)
    while True:
        writer.write(packets)
        await writer.drain()


async def wide_readings(target: Target) -> None:
    """200 values a reading."""
    await _flood(target, lambda number: {f"v{place}": number + place / 7 for place in range(199)})


async def long_texts(target: Target) -> None:
    """50 texts of 1,000 characters a reading."""
    await _flood(target, lambda number: {f"t{place}": f"{number} " * 400 for place in range(50)})


async def metric_names(target: Target) -> None:
    """Names that were never seen before."""
    count = itertools.count()
    await _flood(target, lambda _number: {f"n{next(count)}": 1.0 for _ in range(100)})


async def _asked(target: Target, path: str, *, reads: bool) -> None:
    reader, writer = await opened(target.http)
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {target.token}\r\n"
        "Connection: close\r\n\r\n".encode()
    )
    if reads:
        while await reader.read(1_048_576):
            pass
        writer.close()
    else:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.sleep(3600)


async def _filled(target: Target) -> None:
    """So that there is something to ask for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(FILLING_S):
            await wide_readings(target)


def _history() -> str:
    names = "&".join(f"metric=v{place}" for place in range(5))
    now_ms = time.time_ns() // 1_000_000
    return f"/api/v1/devices/attacker/history?{names}&points=10000&from={now_ms - 60_000}&to={now_ms}"


async def unread_histories(target: Target) -> None:
    """30 large answers that nobody reads."""
    await _filled(target)
    await _all(_asked(target, _history(), reads=False) for _ in range(target.times(30)))


async def unread_exports(target: Target) -> None:
    """Ten exports that nobody reads."""
    await _filled(target)
    path = "/api/v1/export?format=csv"
    await _all(_asked(target, path, reads=False) for _ in range(target.times(10)))


async def histories_at_once(target: Target) -> None:
    """Forty large histories at a time, again and again."""
    await _filled(target)

    async def again() -> None:
        while True:
            await _asked(target, _history(), reads=True)

    await _all(again() for _ in range(target.times(40)))


async def _guesses(target: Target, line: Callable[[int], str]) -> None:
    """1,000 guesses a second, over ten connections of each stranger."""
    count = itertools.count()

    async def guess(own: str) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await opened(target.http, own)
                while not reader.at_eof():
                    writer.write(line(next(count)).encode())
                    head = await reader.readuntil(b"\r\n\r\n")
                    size = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                    await reader.readexactly(int(size or 0))
                    await asyncio.sleep(0.05 / target.scale)

    await _all(guess(own) for own in STRANGERS for _ in range(10))


async def wrong_cookies(target: Target) -> None:
    """Sessions that do not exist."""
    await _guesses(
        target,
        lambda number: (
            f"GET /api/v1/devices HTTP/1.1\r\nHost: h\r\nCookie: hub=x{number}; hub_session=x{number}\r\n\r\n"
        ),
    )


async def wrong_codes(target: Target) -> None:
    """Login links that do not exist."""
    head = "POST /login HTTP/1.1\r\nHost: h\r\nOrigin: http://h\r\n"
    await _guesses(target, lambda n: f"{head}Content-Length: {len(f'code=x{n}')}\r\n\r\ncode=x{n}")


async def wrong_keys(target: Target) -> None:
    """Keys that do not exist, by CONNECT over MQTT."""
    count = itertools.count()

    async def guess(own: str) -> None:
        while True:
            with suppress(OSError):
                reader, writer = await opened(("127.0.0.1", target.mqtt_port), own)
                writer.write(_connect(f"hk_{next(count)}"))
                await reader.read(4)
                writer.close()

    await _all(guess(own) for own in STRANGERS for _ in range(target.times(40)))


async def _all(many: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*many, return_exceptions=True)


ATTACKS: dict[str, Callable[[Target], Awaitable[None]]] = {
    attack.__name__: attack
    for attack in (
        silent_sockets,
        unproven_sockets,
        packed_bodies,
        wide_readings,
        long_texts,
        metric_names,
        unread_histories,
        unread_exports,
        histories_at_once,
        wrong_cookies,
        wrong_codes,
        wrong_keys,
    )
}


async def main() -> None:
    target = Target(**json.loads(sys.argv[1]))
    with suppress(TimeoutError, ConnectionError):
        async with asyncio.timeout(target.seconds):
            await ATTACKS[target.attack](target)


if __name__ == "__main__":
    asyncio.run(main())

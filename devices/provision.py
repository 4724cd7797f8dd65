"""The devices to be: from a file of keys, or made through the hub's REST interface."""

import asyncio
import csv
import os
import ssl
from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import NamedTuple

import aiohttp

from devices import wire
from devices.backoff import Backoff
from devices.errors import Busy, DeviceError, KeyRefused, LinkLost

_TRIES_MAX = 8
_AT_ONCE = 8  # requests on their way together
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)


class DeviceKey(NamedTuple):
    """A device and its key."""

    id: str
    key: str

    def __repr__(self) -> str:
        return f"Login(id={self.id!r})"  # a key has no place in a log


class DeviceMetric(NamedTuple):
    """A metric of a device, and its unit."""

    device_id: str
    name: str
    unit: str


def read_keys(path: Path) -> list[DeviceKey]:
    """The logins of a CSV file with the columns id and key. Raises ValueError with what is wrong, where."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not {"id", "key"} <= set(rows.fieldnames or ()):
                raise ValueError(f"{path}: the first line must name the columns id,key")
            logins = [DeviceKey((row["id"] or "").strip(), (row["key"] or "").strip()) for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path}: {error}") from error
    for number, login in enumerate(logins, 2):
        if not login.id or not login.key:
            raise ValueError(f"{path}: line {number}: an id and a key are wanted")
    if not logins:
        raise ValueError(f"{path}: no devices in it")
    return logins


def write_keys(path: Path, logins: Iterable[DeviceKey]) -> None:
    """The same file, readable by its owner alone."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", newline="") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(("id", "key"))
        rows.writerows(logins)


class Provisioner:
    """Makes devices and keys through REST, with an operator's token."""

    def __init__(
        self, hub: str, token: str, backoff: Backoff | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._hub = hub.rstrip("/")
        self._token = token
        self._backoff = backoff or Backoff(Random())
        self._tls: ssl.SSLContext | bool = tls or True

    async def devices(self, ids: Sequence[str]) -> list[DeviceKey]:
        """A login for each id; a device that exists gets one more key. Raises KeyRefused (the token),
        DeviceError.
        """
        turn = asyncio.Semaphore(_AT_ONCE)
        async with self._session() as session:

            async def make(device_id: str) -> DeviceKey:
                async with turn:
                    return await self._device(session, device_id)

            return list(await asyncio.gather(*map(make, ids)))

    async def units(self, metrics: Iterable[DeviceMetric]) -> list[DeviceMetric]:
        """Tell the hub the units; those of metrics that it does not know yet are returned, to try again
        later.
        """
        later: list[DeviceMetric] = []
        async with self._session() as session:
            for metric in metrics:
                path = f"devices/{metric.device_id}/metrics/{metric.name}"
                body = {"unit": metric.unit, "minimum": None, "maximum": None}
                status, _ = await self._call(session, "PUT", path, body, also=404)
                if status == 404:
                    later.append(metric)
        return later

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            timeout=_TIMEOUT,
            connector=aiohttp.TCPConnector(ssl=self._tls),
        )

    async def _device(self, session: aiohttp.ClientSession, device_id: str) -> DeviceKey:
        kind, _, number = device_id.rpartition("-")
        name = f"{kind.replace('-', ' ').capitalize()} {number}"
        wanted = {"id": device_id, "name": name, "labels": {"kind": kind, "simulated": "yes"}}
        _, made = await self._call(session, "POST", "devices", wanted, also=409)
        if "key" not in made:  # it existed: what it has was shown once, to someone else
            _, made = await self._call(session, "POST", f"devices/{device_id}/keys", {})
        return DeviceKey(device_id, str(made["key"]))

    async def _call(
        self, session: aiohttp.ClientSession, verb: str, path: str, body: object, *, also: int = 200
    ) -> tuple[int, dict[str, object]]:
        """One request, tried again while the hub is busy or not there yet, a few times.

        Its status, a success or `also`, and what it said.
        """
        for _ in range(_TRIES_MAX - 1):
            try:
                return await self._try(session, verb, path, body, also=also)
            except (Busy, LinkLost) as error:
                await asyncio.sleep(self._backoff.next_s(error.retry_after_s))
        return await self._try(session, verb, path, body, also=also)

    async def _try(
        self, session: aiohttp.ClientSession, verb: str, path: str, body: object, *, also: int
    ) -> tuple[int, dict[str, object]]:
        url = f"{self._hub}/api/v1/{path}"
        try:
            async with session.request(verb, url, json=body, allow_redirects=False) as response:
                said = wire.decode_object(await response.read())
        except (aiohttp.ClientError, TimeoutError) as error:
            raise LinkLost(str(error) or f"no answer from {url}") from error
        if response.status in {200, 201, 204, also}:
            self._backoff.reset()
            return response.status, said
        why = said.get("detail") or said.get("title") or response.reason
        reason = f"{verb} {path}: HTTP {response.status}: {why}"
        if response.status in {401, 403}:
            raise KeyRefused(reason)
        if response.status in {429, 502, 503, 504}:
            raise Busy(reason, wire.retry_after_s(response.headers.get("Retry-After")))
        raise DeviceError(reason)

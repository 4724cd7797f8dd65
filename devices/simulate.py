"""Many simulated machines in one process, each with a key and a connection of its own."""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

from devices.client import DeviceClient
from devices.console import Stop
from devices.errors import KeyRefused
from devices.failures import Failure
from devices.machines import Machine, kind_of
from devices.obeying import KnownMethod, Pace, common_methods, obey
from devices.provision import DeviceKey, DeviceMetric

TRANSPORTS = ("mqtt", "websocket", "http")
SILENCE_MAX_S = 3_600
_BEHIND_MAX_S = 10.0  # further behind than this, as after a suspend, and what was missed is left out

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a hub is found: `web` is its http(s) address, `mqtt` its MQTT endpoint."""

    web: str
    mqtt: str

    def url(self, transport: str) -> str:
        """The device's address for one of `TRANSPORTS`."""
        match transport:
            case "mqtt":
                return self.mqtt
            case "websocket":
                return "ws" + self.web.removeprefix("http")
        return self.web


def addresses(web: str, mqtt: str | None) -> Addresses:
    """The addresses of the hub at `web`; MQTT on the same host where it is not given. Raises ValueError."""
    parts = urlsplit(web)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{web!r}: the hub's address looks like http://127.0.0.1:8080")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    default = f"mqtts://{host}:8883" if parts.scheme == "https" else f"mqtt://{host}:1883"
    return Addresses(web.rstrip("/"), mqtt or default)


@dataclass(frozen=True, slots=True)
class Plan:
    """How to simulate. The same seed makes the same machines, whatever their number."""

    addresses: Addresses
    transport: str  # one of TRANSPORTS, or "mixed"
    rate_hz: float
    seed: int
    spool: Path | None = None  # a folder; each device numbers its readings and keeps them there
    start_within_s: float = 2.0  # devices connect one after another within so long, not all at once
    tls: ssl.SSLContext | None = None  # replaces the system's certificates
    failures: Sequence[Failure] = ()  # of the first device

    def transport_of(self, position: int) -> str:
        """The transport of the device at this position in the list."""
        return TRANSPORTS[position % len(TRANSPORTS)] if self.transport == "mixed" else self.transport


class QuietSpell:
    """A machine that was told to send nothing for a while. `clock_s` gives steady seconds."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s = clock_s
        self._until_s = 0.0

    def __bool__(self) -> bool:
        """Whether it is to be silent now."""
        return self._clock_s() < self._until_s

    def begin(self, seconds: object) -> dict[str, object]:
        """Be silent for so long. Raises ValueError."""
        if not isinstance(seconds, int) or not 1 <= seconds <= SILENCE_MAX_S:
            raise ValueError(f"seconds: 1 to {SILENCE_MAX_S}, not {seconds!r}")
        self._until_s = self._clock_s() + seconds
        return {"silent_s": seconds}


class Simulation:
    """Runs all devices until told to stop, and knows how they are doing."""

    def __init__(
        self, plan: Plan, logins: Sequence[DeviceKey], clock_ms: Callable[[], float] | None = None
    ) -> None:
        self._plan = plan
        self._logins = logins
        self._clock_ms = clock_ms or (lambda: time.time() * 1000)
        self._clients: list[DeviceClient] = []
        self.refused_keys: list[str] = []

    def units(self) -> list[DeviceMetric]:
        """The units of all that is simulated."""
        return [
            DeviceMetric(login.id, name, unit)
            for position, login in enumerate(self._logins)
            for name, unit in self._machine(position, login).units.items()
        ]

    def _machine(self, position: int, login: DeviceKey) -> Machine:
        failures = self._plan.failures if position == 0 else ()
        return Machine(kind_of(login.id, position), Random(f"{self._plan.seed}/{login.id}"), failures)

    def describe(self) -> str:
        """One line for people."""
        connected = sum(client.connected for client in self._clients)
        counts = [client.counts for client in self._clients]
        parts = [
            f"{connected}/{len(self._logins)} devices connected",
            f"{sum(count.acknowledged for count in counts):,} readings acknowledged",
            f"{sum(client.waiting for client in self._clients):,} waiting",
        ]
        for word in ("refused", "dropped"):
            number = sum(getattr(count, word) for count in counts)
            if number:
                parts.append(f"{number:,} {word}")
        if self.refused_keys:
            parts.append(f"{len(self.refused_keys)} keys refused")
        return " · ".join(parts)

    async def run(self, stop: Stop) -> None:
        """Until the stop, or until no device is left because the hub refused every key."""
        async with asyncio.TaskGroup() as group:
            for position, login in enumerate(self._logins):
                group.create_task(self._run_one(position, login, stop))

    async def _run_one(self, position: int, login: DeviceKey, stop: Stop) -> None:
        machine = self._machine(position, login)
        if await stop.pause(Random(position).uniform(0, self._plan.start_within_s)):
            return
        try:
            async with self._client(position, login) as client:
                self._clients.append(client)
                await self._live(client, machine, stop)
        except* KeyRefused as refused:
            self._give_up(login, refused)

    async def _live(self, client: DeviceClient, machine: Machine, stop: Stop) -> None:
        pace = Pace(1 / self._plan.rate_hz)
        silence = QuietSpell(asyncio.get_running_loop().time)
        facts = {"model": f"Simulated {machine.kind}", "firmware": "1.0"}
        async with asyncio.TaskGroup() as group:
            methods = methods_of(machine, pace, silence)
            obeying = group.create_task(obey(client, methods, pace, facts))
            await self._measure(client, machine, pace, silence, stop)
            obeying.cancel()

    def _client(self, position: int, login: DeviceKey) -> DeviceClient:
        url = self._plan.addresses.url(self._plan.transport_of(position))
        if self._plan.spool is None:
            return DeviceClient(url, login.key, tls=self._plan.tls)
        spool = self._plan.spool / f"{login.id}.spool"
        return DeviceClient(url, login.key, numbered=True, spool=spool, tls=self._plan.tls)

    async def _measure(
        self, client: DeviceClient, machine: Machine, pace: Pace, silence: QuietSpell, stop: Stop
    ) -> None:
        """A reading every period, on time on average: a late one does not make the next late."""
        loop = asyncio.get_running_loop()
        began_s, began_ms = loop.time(), self._clock_ms()
        due_s = 0.0
        while not await stop.pause(began_s + due_s - loop.time()):
            values = machine.read(due_s)
            if values is not None and not silence:
                await client.send(values, time=began_ms + due_s * 1000)
            due_s += pace.interval_s
            behind_s = loop.time() - began_s - due_s
            if behind_s > _BEHIND_MAX_S:
                due_s += pace.interval_s * int(behind_s / pace.interval_s)

    def _give_up(self, login: DeviceKey, refused: BaseExceptionGroup[KeyRefused]) -> None:
        self.refused_keys.append(login.id)
        reason: BaseException = refused
        while isinstance(reason, BaseExceptionGroup):
            reason = reason.exceptions[0]
        log.error("%s: key refused: %s", login.id, reason)


def methods_of(machine: Machine, pace: Pace, silence: QuietSpell) -> list[KnownMethod]:
    """The commands that a simulated machine knows."""
    seconds = {
        "type": "integer",
        "minimum": 1,
        "maximum": SILENCE_MAX_S,
        "unit": "s",
        "title": "For",
        "default": 10,
    }
    return [
        *common_methods(pace, lambda: {"kind": machine.kind, "simulated": True}),
        KnownMethod(
            "fall_silent",
            "Send no readings",
            lambda params: silence.begin(params.get("seconds")),
            {"type": "object", "properties": {"seconds": seconds}, "required": ["seconds"]},
            dangerous=True,
        ),
    ]

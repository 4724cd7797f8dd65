"""A plant to look at: two dozen simulated machines with an hour behind them, in every state a device can be
in.
"""

import asyncio
import threading
import time
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from devices.client import DeviceClient
from devices.machines import UNITS, Machine, device_ids, kind_of
from tests.e2e.people import add_person
from tests.hub_process import HubProcess
from tests.hub_thread import HubThread

MACHINES = 24
INTERVAL_S = 0.5
PAST_S, PAST_STEP_S = 3_600, 10
DEADLINE_S = 60.0
PLACES = ("Hall A", "Hall B", "Boiler house", "Yard", "Roof")
OFFLINE, STALE, NEVER_SEEN = "fan-03", "chiller-03", "compressor-04"
SILENT = (OFFLINE, STALE, NEVER_SEEN)
OPENED = "pump-01"
LONG_NAME = "Compressor 04, which has a name that is far longer than its column is wide"
THRESHOLDS = {"critical_low": None, "warning_low": 49, "warning_high": 56, "critical_high": 58}
LIMITS = {"decimals": 1, "thresholds": THRESHOLDS}


class Plant:
    """The hub and what sends to it, in a thread of its own, from `with` on until its end. The same each time,
    except for the clock.
    """

    def __init__(self, folder: Path, kind: type[HubProcess] = HubThread) -> None:
        self.hub = kind(folder / "data")
        self._keys: dict[str, str] = {}
        self._stop = threading.Event()
        self._are_sending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="plant")
        self._failure: BaseException | None = None

    def __enter__(self) -> Self:
        self.hub.start()
        try:
            for number, device_id in enumerate(device_ids(MACHINES)):
                kind, name = kind_of(device_id, number), device_id.replace("-", " ").capitalize()
                if device_id == NEVER_SEEN:
                    name = LONG_NAME
                labels = {"place": PLACES[number % len(PLACES)], "kind": kind}
                self._keys[device_id] = self.hub.add_device(device_id, name=name, labels=labels)
            self._thread.start()
            while not self._are_sending.wait(0.05):
                assert self._thread.is_alive(), self._failure
            self._furnish()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(DEADLINE_S)
        self.hub.stop()
        if error is None and self._failure is not None:
            raise self._failure

    def _furnish(self) -> None:
        """What operators set, and what lies about after a while."""
        for device in self.hub.call("GET", "/api/v1/devices?limit=1000")["devices"]:
            for metric in device["metrics"]:
                path = f"/api/v1/devices/{device['id']}/metrics/{metric['name']}"
                self.hub.call("PUT", path, {"unit": UNITS.get(metric["name"])})
        self.hub.call("PUT", f"/api/v1/devices/{OPENED}/metrics/temperature", {"unit": "°C", **LIMITS})
        self.hub.call("PATCH", f"/api/v1/devices/{STALE}", {"expected_interval_s": 1})
        rule = {"name": "Pump too warm", "on": {"label": "kind=pump"}, "metric": "temperature"}
        self.hub.call(
            "POST", "/api/v1/rules", {**rule, "when": {"above": 40, "clear_below": 35, "for_s": 30}}
        )
        commands = f"/api/v1/devices/{OPENED}/commands"
        for method, params in (("set_speed", {"rpm": 1_200}), ("blink", {}), ("reboot", {"after_s": 5})):
            self.hub.call("POST", commands, {"method": method, "params": params, "timeout_s": 3_600})
        self.hub.call(
            "PUT", f"/api/v1/devices/{OPENED}/attributes", {"shared": {"interval_s": 5, "mode": "eco"}}
        )
        self.hub.call("POST", f"/api/v1/devices/{OPENED}/keys")
        self._let_people_in()

    def _let_people_in(self) -> None:
        """Who uses the hub, and what acts for them."""
        hall = {"devices": [], "labels": [f"place={PLACES[0]}"]}
        add_person(self.hub, "ada", "manager")
        add_person(self.hub, "ben", "operator", password=None, scope={"devices": [OPENED], "labels": []})
        grants = [{"role": "viewer", "scope": None}, {"role": "operator", "scope": hall}]
        self.hub.call("POST", "/api/v1/operators", {"name": "cleo", "grants": grants})
        token = {"name": "wall display", "role": "viewer", "ttl_s": 7_776_000, "scope": hall}
        self.hub.call("POST", "/api/v1/tokens", token)
        scraper = {"name": "prometheus", "role": "viewer", "rights": ["metrics:scrape"], "ttl_s": 86_400}
        made = self.hub.call("POST", "/api/v1/tokens", scraper)["id"]
        self.hub.call("DELETE", f"/api/v1/tokens/{made}")

    def _run(self) -> None:
        try:
            asyncio.run(self._send())
        except BaseException as error:  # noqa: BLE001  # it is raised where the plant ends
            self._failure = error

    async def _send(self) -> None:
        url = f"mqtt://127.0.0.1:{self.hub.mqtt_port}"
        past = asyncio.Barrier(MACHINES - 1)
        async with asyncio.TaskGroup() as group:
            for device_id, key in self._keys.items():
                if device_id != NEVER_SEEN:
                    group.create_task(self._send_one(device_id, DeviceClient(url, key), past))

    async def _send_one(self, device_id: str, client: DeviceClient, past: asyncio.Barrier) -> None:
        machine = Machine(kind_of(device_id, 0), Random(device_id))
        start_s = time.time() - PAST_S
        async with client as device:
            for second in range(0, PAST_S, PAST_STEP_S):
                await self._measure(device, machine, start_s, second)
            if device_id == OPENED:
                await device.send({"temperature": "warm"})
            async with asyncio.timeout(DEADLINE_S):
                while device.waiting:
                    await asyncio.sleep(0.05)
            await past.wait()
            self._are_sending.set()
            while device_id != OFFLINE and not self._stop.is_set():
                await asyncio.sleep(INTERVAL_S)
                if device_id not in SILENT:
                    await self._measure(device, machine, start_s, time.time() - start_s)

    async def _measure(self, device: DeviceClient, machine: Machine, start_s: float, second: float) -> None:
        values = machine.read(second)
        if values is not None:
            await device.send(values, time=(start_s + second) * 1000)

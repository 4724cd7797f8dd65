"""This machine as a device: its real processor, memory, disk, network and, where present, temperatures."""

import platform
import re
from collections.abc import Callable
from typing import Any

import psutil

Value = float | str | bool


class Host:
    """Reads the operating system's counters. `clock_s` is any clock that only goes forward."""

    def __init__(self, disk: str, clock_s: Callable[[], float]) -> None:
        self._disk = disk
        self._clock_s = clock_s
        psutil.cpu_percent()  # the first call has nothing to compare with
        self._before_s = clock_s()
        self._before = _totals()

    def read(self) -> dict[str, Value]:
        """The values now; rates are since the call before. A rate is left out where the system keeps no
        counter.
        """
        memory = psutil.virtual_memory()
        disk = psutil.disk_usage(self._disk)
        values: dict[str, Value] = {
            "cpu_percent": psutil.cpu_percent(),
            "load_1m": round(psutil.getloadavg()[0], 2),
            "memory_percent": memory.percent,
            "memory_available_mb": round(memory.available / 1e6, 1),
            "swap_percent": psutil.swap_memory().percent,
            "disk_percent": disk.percent,
            "disk_free_gb": round(disk.free / 1e9, 2),
            "processes": len(psutil.pids()),
        }
        values.update(self._rates())
        values.update(_temperatures())
        return values

    def about(self) -> dict[str, object]:
        """What this machine is."""
        return {
            "hostname": platform.node(),
            "system": f"{platform.system()} {platform.release()}",
            "processors": psutil.cpu_count() or 1,
        }

    def _rates(self) -> dict[str, Value]:
        now_s, now = self._clock_s(), _totals()
        passed_s = now_s - self._before_s
        # A counter that went back was reset (an interface came again): no rate for once, rather than a false
        # one.
        rates: dict[str, Value] = {
            f"{name}_kb_s": round((now[name] - self._before[name]) / 1000 / passed_s, 2)
            for name in now
            if name in self._before and now[name] >= self._before[name] and passed_s > 0
        }
        self._before_s, self._before = now_s, now
        return rates


def _totals() -> dict[str, int]:
    """Bytes since the machine started."""
    totals: dict[str, int] = {}
    # A container may have neither: psutil then gives None.
    disk: Any = psutil.disk_io_counters()
    if disk is not None:
        totals |= {"disk_read": disk.read_bytes, "disk_write": disk.write_bytes}
    network: Any = psutil.net_io_counters()
    if network is not None:
        totals |= {"network_in": network.bytes_recv, "network_out": network.bytes_sent}
    return totals


def _temperatures() -> dict[str, Value]:
    """Every sensor of the machine, in °C: none on most virtual machines, and where psutil cannot ask."""
    sensors: dict[str, list[Any]] = getattr(psutil, "sensors_temperatures", dict)()
    values: dict[str, Value] = {}
    for chip, found in sensors.items():
        for number, sensor in enumerate(found):
            name = re.sub(r"[^a-z0-9]+", "_", f"{chip} {sensor.label or number}".lower()).strip("_")
            values[f"temperature_{name}"] = round(sensor.current, 1)
    return values

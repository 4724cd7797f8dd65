from collections.abc import Iterator
from itertools import count
from pathlib import Path

from devices.host import Host


def seconds() -> Iterator[float]:
    return (float(number) for number in count())


def test_a_host_reports_what_the_operating_system_says() -> None:
    ticks = seconds()
    values = Host("/", lambda: next(ticks)).read()
    meminfo = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
    available_mb = int(meminfo["MemAvailable"].split()[0]) * 1024 / 1e6
    assert abs(float(values["memory_available_mb"]) - available_mb) < 0.2 * available_mb
    assert 0.0 <= float(values["cpu_percent"]) <= 100.0
    assert 0.0 < float(values["disk_percent"]) <= 100.0
    assert float(values["processes"]) >= 1


def test_rates_are_per_second_of_the_clock_given() -> None:
    ticks = seconds()
    host = Host("/", lambda: next(ticks))
    values = host.read()
    rates = {name: value for name, value in values.items() if name.endswith("_kb_s")}
    assert "network_in_kb_s" in rates
    assert all(float(rate) >= 0.0 for rate in rates.values())


def test_a_clock_that_stands_still_gives_no_rates() -> None:
    assert not [name for name in Host("/", lambda: 5.0).read() if name.endswith("_kb_s")]

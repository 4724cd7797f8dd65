"""Bodies of a megabyte that unpack to a gigabyte."""

import asyncio
import re
import zlib
from collections.abc import Callable
from pathlib import Path

import aiohttp
import psutil

from tests.attacks.healthy import healthy_pair
from tests.hub_process import HubProcess

BOMBS = 8
UNPACKED_MIB = 1_000
CPU_MAX_S = 4.0  # to unpack all of them takes over three times as long
GROWTH_MAX_MIB = 48


def bomb() -> bytes:
    """A gigabyte of zeros by gzip: about a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    zeros = bytes(1_048_576)
    return b"".join(packer.compress(zeros) for _ in range(UNPACKED_MIB)) + packer.flush()


def peak_mib(pid: int) -> float:
    """The most memory the process ever had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024


def used_s(pid: int) -> float:
    """The processor time it has taken."""
    times = psutil.Process(pid).cpu_times()
    return times.user + times.system


async def test_a_packed_gigabyte_costs_strangers_and_devices_no_more_than_they_may_send(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = await asyncio.to_thread(start_hub_process)
    key = await asyncio.to_thread(hub.add_device, "bomber")
    sent = await asyncio.to_thread(bomb)
    assert len(sent) < 1_100_000
    cases = (("hk_wrong_key", {401, 429}), (key, {413, 429}))  # 429: over its bytes a second, after some
    answered = set()
    async with healthy_pair(hub), aiohttp.ClientSession() as session:
        before_mib, before_s = peak_mib(hub.pid), used_s(hub.pid)
        for secret, wanted in cases:
            headers = {"Authorization": f"Bearer {secret}", "Content-Encoding": "gzip"}
            for _ in range(BOMBS):
                url = f"{hub.url}/api/v1/telemetry"
                async with session.post(url, data=sent, headers=headers) as answer:
                    assert answer.status in wanted
                    answered.add(answer.status)
        assert {401, 413} <= answered
        assert peak_mib(hub.pid) - before_mib < GROWTH_MAX_MIB
        assert used_s(hub.pid) - before_s < CPU_MAX_S

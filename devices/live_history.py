"""Fills a gap of a live stream from the hub's history, by REST."""

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import aiohttp

from devices.live_messages import Gap, LiveReading

POINTS_MAX = 5_000  # of one metric; where a gap holds more, the history answers with averages
EARLIEST_MS = 100_000_000_000.0  # in 1973: the hub takes smaller numbers for seconds, and refuses them
WAIT_S = 10.0  # for the hub to store what it passed on already
WAIT_STEP_S = 0.1


async def fill(session: aiohttp.ClientSession, url: str, gap: Gap) -> list[LiveReading]:
    """The readings in the gap, oldest first. Raises aiohttp.ClientError; TimeoutError when the hub cannot
    store them.
    """
    path = f"{url}/api/v1/devices/{quote(gap.device, safe='')}"
    device = await _get(session, path, {})
    metrics = [metric["name"] for metric in device["metrics"]]
    async with asyncio.timeout(WAIT_S):
        while True:
            found = await _read(session, path, gap, metrics)
            if found and found[-1].time_ms >= gap.until_ms:
                return found
            await asyncio.sleep(WAIT_STEP_S)


async def _read(session: aiohttp.ClientSession, path: str, gap: Gap, metrics: list[str]) -> list[LiveReading]:
    rows: dict[float, dict[str, Any]] = {}
    tiers: dict[float, str] = {}
    # One ms more on both sides: the history takes whole milliseconds, and leaves `to` out.
    after_ms = EARLIEST_MS if gap.after_ms is None else gap.after_ms
    bounds = {"from": str(int(after_ms)), "to": str(int(gap.until_ms) + 1), "points": str(POINTS_MAX)}
    for metric in metrics:
        columns = await _get(session, f"{path}/history", {"metric": metric, **bounds})
        for time_ms, value in zip(columns["time"], columns["avg"], strict=True):
            if value is not None and after_ms < time_ms:
                rows.setdefault(time_ms, {})[metric] = value
                tiers[time_ms] = columns["tier"]
    return [LiveReading(gap.device, time_ms, rows[time_ms], tiers[time_ms]) for time_ms in sorted(rows)]


async def _get(session: aiohttp.ClientSession, path: str, query: Mapping[str, str]) -> Any:
    async with session.get(path, params=query) as response:
        response.raise_for_status()
        return await response.json()

"""What a device does with commands and wishes. It declares its commands at the hub, where they become a form,
and takes on attributes that operators wish for.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from devices.client import DeviceClient

INTERVAL_MIN_S, INTERVAL_MAX_S = 0.1, 3_600.0
_NOTHING: Mapping[str, object] = MappingProxyType({"type": "object", "properties": {}})


@dataclass(frozen=True, slots=True)
class KnownMethod:
    """A command that a device knows: what it takes, in JSON Schema, and what it does. `act` gets parameters
    by name, gives the answer, and raises ValueError for what it will not do.
    """

    name: str
    label: str
    act: Callable[[Mapping[str, Any]], object]
    params: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    dangerous: bool = False


@dataclass
class Pace:
    """How often a device measures. Commands and wishes change it."""

    interval_s: float

    def set(self, interval_s: object) -> float:
        """Measure so often from now on. Raises ValueError."""
        wanted_s = float(interval_s) if isinstance(interval_s, int | float) else 0.0
        if not INTERVAL_MIN_S <= wanted_s <= INTERVAL_MAX_S:
            raise ValueError(f"interval_s: {INTERVAL_MIN_S:g} to {INTERVAL_MAX_S:g} s, not {interval_s!r}")
        self.interval_s = wanted_s
        return wanted_s


def common_methods(pace: Pace, about: Callable[[], Mapping[str, object]]) -> list[KnownMethod]:
    """What every device here knows: ping, identify, and how often it measures."""
    interval = {
        "type": "number",
        "minimum": INTERVAL_MIN_S,
        "maximum": INTERVAL_MAX_S,
        "unit": "s",
        "title": "Interval",
        "default": 1,
    }
    return [
        KnownMethod("ping", "Ping", lambda _: {"pong": True}),
        KnownMethod("identify", "Say what this is", lambda _: dict(about())),
        KnownMethod(
            "set_interval",
            "Measure so often",
            lambda params: {"interval_s": pace.set(params.get("interval_s"))},
            {"type": "object", "properties": {"interval_s": interval}, "required": ["interval_s"]},
        ),
    ]


def declared(methods: Sequence[KnownMethod]) -> list[dict[str, object]]:
    """The methods as the hub takes them, in the attribute `methods`."""
    return [
        {"name": one.name, "label": one.label, "dangerous": one.dangerous, "params": dict(one.params)}
        for one in methods
    ]


async def obey(
    client: DeviceClient, methods: Sequence[KnownMethod], pace: Pace, facts: Mapping[str, object]
) -> None:
    """Declare the methods and report the facts; then answer commands and take on wishes, until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_answer_all(client, methods, pace))
        group.create_task(_take_on_all(client, pace))
        await client.report({"methods": declared(methods), "interval_s": pace.interval_s, **facts})


async def _answer_all(client: DeviceClient, methods: Sequence[KnownMethod], pace: Pace) -> None:
    known = {one.name: one for one in methods}
    async for command in client.commands():
        before = pace.interval_s
        await command.answer(_answer(known, command.method, command.params))
        if pace.interval_s != before:
            await client.report({"interval_s": pace.interval_s})


def _answer(known: Mapping[str, KnownMethod], method: str, params: object) -> object:
    wanted = known.get(method)
    if wanted is None:
        return {"error": f"there is no command {method!r} here; there are: {', '.join(known)}"}
    try:
        return wanted.act(params if isinstance(params, dict) else {})
    except ValueError as error:
        return {"error": str(error)}


async def _take_on_all(client: DeviceClient, pace: Pace) -> None:
    """What is wished for is so from now on, and reported back; an interval only where it is one."""
    async for wishes in client.wishes():
        if wishes.get("interval_s") is not None:
            try:
                pace.set(wishes["interval_s"])
            except ValueError:
                wishes = {name: value for name, value in wishes.items() if name != "interval_s"}
        if wishes:
            await client.report(wishes)

"""Rules on real rooms, with time held in the hand."""

from typing import Any

from hub.model import Alert, Device, Reading, Rule, Value
from hub.model.rule import read_rule
from tests.rooms import T0, Rooms

S = 1_000_000


class House:
    """The rooms, and shorter words for what these tests do with them."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.alerts = rooms.alerts

    async def rule(self, when: dict[str, Any], **more: Any) -> Rule:
        """A rule, by default on the metric t of all devices."""
        metric = {} if "presence" in when else {"metric": "t"}
        told = {"name": "rule", "on": {"all": True}, "when": when, **metric, **more}
        return await self.alerts.rules.add(read_rule(told), "ada")

    def send(self, device: Device, *values: tuple[float, Value], name: str = "t") -> None:
        """Readings, each with its time in seconds after T0."""
        readings = [Reading(T0 + round(at_s * S), {name: value}) for at_s, value in values]
        self.rooms.ingest.accept(device, readings, "test")

    def now(self, device: Device, value: Value, name: str = "t") -> None:
        """A reading without a time."""
        self.rooms.ingest.accept(device, [Reading(None, {name: value})], "test")

    def wait_s(self, seconds: float, step_s: float = 0.5) -> None:
        """Time passes, and the hub looks what is due."""
        while seconds > 0:
            self.rooms.clock.pass_s(min(seconds, step_s))
            seconds -= step_s
            self.rooms.roster.tick()
            self.alerts.evaluation.tick()

    async def settle(self) -> None:
        """What is late is judged, and what happened is written."""
        await self.alerts.past.catch_up()
        await self.alerts.ledger.flush()

    async def found(self, **asked: Any) -> list[Alert]:
        """All alerts, oldest first."""
        await self.settle()
        listed = await self.rooms.registry.alerts.find(0, 2**62, 1000, **asked)
        return listed[::-1]

    async def spans(self) -> list[tuple[float, float | None]]:
        """When alerts opened and ended, in seconds after T0; those that were taken back are left out."""
        return sorted(
            ((one.opened - T0) / S, None if one.resolved is None else (one.resolved - T0) / S)
            for one in await self.found()
            if one.resolved != one.opened
        )

    async def events(self, alert_id: int) -> list[str]:
        """What happened to an alert."""
        await self.settle()
        return [change.event.value for change in await self.rooms.registry.alerts.history(alert_id)]

"""What all connections of the endpoint share: the rooms of the hub they speak to, the kept sessions, and their tasks."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence

import structlog

from hub.config import LimitsConfig, MqttConfig
from hub.errors import HubError, Refused
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.presence import Roster
from hub.fleet.session import DeviceSession
from hub.formats.json import decode
from hub.intake.accept import Ingest
from hub.model import RAW_MAX, Device, Reading, Refusal
from hub.mqtt.codec.packets import Will
from hub.mqtt.exchange import report
from hub.mqtt.session import Bequest, Key, Sessions
from hub.mqtt.topics import Kind, upward
from hub.mqtt.uplink import SOURCE
from hub.mqtt.wire import Hold, Wire

_log = structlog.get_logger("mqtt")


class Shared:
    """Held by every connection. `clock` gives µs UTC, `clock_s` steady seconds, `choose` a fresh client id."""

    def __init__(
        self,
        config: MqttConfig,
        limits: LimitsConfig,
        fleet: Fleet,
        ingest: Ingest,
        roster: Roster,
        commands: Commands,
        clock: Callable[[], int],
        clock_s: Callable[[], float],
        fresh_id: Callable[[], str],
    ) -> None:
        self.config = config
        self.limits = limits
        self.fleet = fleet
        self.ingest = ingest
        self.roster = roster
        self.commands = commands
        self.clock = clock
        self.fresh_id = fresh_id
        self.sessions = Sessions(config.sessions_max, config.queued_max, clock_s)
        self.live: dict[Key, DeviceSession] = {}
        self._tasks: asyncio.TaskGroup | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._waiting: set[Wire] = set()  # for room in the store

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """From now on there is a task group to run in."""
        self._tasks = tasks
        self._sweeper = tasks.create_task(self._sweep())

    @property
    def running(self) -> bool:
        """Whether there is a task group to run in: from `begin` to `finish`."""
        return self._tasks is not None

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run in the endpoint's task group. `work` handles its own errors: one that escapes stops the endpoint."""
        if self._tasks is None:
            work.close()
            return
        task = self._tasks.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _sweep(self) -> None:
        """End what is over in the kept sessions, about once a second; loops until cancelled."""
        while True:
            await asyncio.sleep(1)
            self.bequeath(self.sessions.due())

    async def finish(self, timeout_s: float) -> None:
        """Let the running tasks end; those that take longer are cancelled. None starts after this."""
        self._tasks = None
        if self._sweeper is not None:
            self._sweeper.cancel()
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout_s)
            for task in late:
                task.cancel()

    # The store is full

    def wait_for_room(self, wire: Wire) -> None:
        """Read nothing more from this connection until the store has room."""
        wire.hold(Hold.STORE)
        self._waiting.add(wire)
        if len(self._waiting) == 1:
            self.spawn(self._room())

    async def _room(self) -> None:
        await self.ingest.room()
        waiting, self._waiting = self._waiting, set()
        for wire in waiting:
            wire.release(Hold.STORE)

    # Wills

    def bequeath(self, wills: Iterable[Bequest]) -> None:
        """Publish wills that are due; nothing of a device that was removed."""
        for device, will in wills:
            try:
                if self.fleet.devices.find(device.id).number == device.number:
                    self._carry_out(device, will)
            except HubError as error:
                _log.warning("a will was not kept", device=device.id, why=str(error))

    def _carry_out(self, device: Device, will: Will) -> None:
        """A will is a publish like any other: readings, attributes, or a rejection."""
        readings: Sequence[Reading] = ()
        refused: Sequence[Refusal] = ()
        try:
            up = upward(will.topic, device.id)
            if up.kind is Kind.ATTRIBUTES:
                self.spawn(self._report(device, will.payload))
                return
            if up.kind is Kind.TELEMETRY:
                readings, refused = decode(will.payload)
            else:
                refused = (Refusal(-1, "topic", f"a will is not for {will.topic}", will.payload[:RAW_MAX]),)
        except Refused as error:
            refused = (Refusal(-1, error.code, f"will: {error}", will.payload[:RAW_MAX]),)
        self.ingest.accept(device, readings, SOURCE, refused, present=False)

    async def _report(self, device: Device, body: bytes) -> None:
        try:
            await report(self.fleet, device, body)
        except Refused as error:
            refusal = Refusal(-1, error.code, f"will: {error}", body[:RAW_MAX])
            self.ingest.accept(device, (), SOURCE, (refusal,), present=False)
        except HubError as error:
            _log.warning("a will was not kept", device=device.id, why=str(error))

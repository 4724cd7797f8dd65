"""The life of a command: queued until the device can take it, sent, then answered or expired.

The open commands are in memory; every step is written to the registry, one at a time and each command's
newest only, so that an older step never lands on a newer one. `run` tries again what could not be written.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from hub.clock import Step
from hub.errors import Busy, Conflict, Invalid, NotFound, StoreError
from hub.fleet.checks import check_json
from hub.fleet.devices import Devices
from hub.fleet.presence import Roster
from hub.logs import Logger
from hub.model import Command, CommandState, Device
from hub.registry.commands import StoredCommands

OPEN_MAX = 100  # of one device; more are refused until some are answered or expire
TIMEOUT_MAX_S = 7 * 86_400.0
METHOD_MAX = 100
CHECK_INTERVAL_S = 1.0

_log = Logger("commands")


class Commands:
    """Sends commands and takes their answers. `clock` gives µs UTC."""

    def __init__(
        self, stored: StoredCommands, devices: Devices, roster: Roster, clock: Callable[[], int]
    ) -> None:
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._clock = clock
        self._open: dict[int, dict[int, Command]] = {}  # by device number, then by id, oldest first
        # By id, the newest step; no more than are open, and what just ended.
        self._unwritten: dict[int, Command] = {}
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()

    async def restore(self) -> None:
        """Take up the commands that were open when the hub stopped."""
        now = self._clock()
        for command in await self._stored.open():
            # A clock that is behind now, or was ahead then, makes none last longer than was asked for.
            ends = min(command.expires_at, now + command.expires_at - command.created_at)
            command = replace(command, expires_at=ends)
            self._open.setdefault(command.device, {})[command.id] = command

    async def send(self, device: Device, method: str, params: object, timeout_s: float) -> Command:
        """Send a command, at once if the device is there, else when it comes within `timeout_s`.

        Raises Invalid, Busy, NotFound, StoreError.
        """
        if not 1 <= len(method) <= METHOD_MAX or not method.isprintable():
            raise Invalid(f"a method has 1 to {METHOD_MAX} printable characters", "method")
        if not 0 < timeout_s <= TIMEOUT_MAX_S:
            raise Invalid("a timeout is over 0 and at most 7 days", "timeout_s")
        check_json(params, "params")
        self._refuse_too_many(device)  # at once, rather than after those that wait for their turn
        async with self._devices.held(device):
            self._refuse_too_many(device)
            now = self._clock()
            expires_at = now + round(timeout_s * 1e6)
            command = await self._stored.add(
                Command(0, device.number, method, params, CommandState.QUEUED, now, expires_at)
            )
            self._open.setdefault(device.number, {})[command.id] = command
            self._wake.set()
        self._deliver(device, command)
        return self._open[device.number].get(command.id, command)

    def _refuse_too_many(self, device: Device) -> None:
        if self.open_count(device) >= OPEN_MAX:
            raise Busy(
                f"{device.id!r} has {OPEN_MAX} open commands; wait for answers",
                retry_after_s=CHECK_INTERVAL_S,
            )

    def ready(self, device: Device) -> None:
        """A session became able to take commands: those queued go out."""
        for command in list(self._open.get(device.number, {}).values()):
            if command.state is CommandState.QUEUED:
                self._deliver(device, command)

    def _deliver(self, device: Device, command: Command) -> None:
        if command.expires_at <= self._clock():
            return  # too late to be carried out; `run` is about to say so
        for session in reversed(self._roster.sessions(device)):
            if session.deliver(command):
                self._change(replace(command, state=CommandState.SENT, sent_at=self._clock()))
                return

    async def answer(self, device: Device, command_id: int, response: object) -> None:
        """The device answers; on disk when it returns.

        Raises Invalid, NotFound, Conflict if it was answered before or has expired, StoreError if the answer
        could not be kept: the command is open still then, and can be answered again.
        """
        check_json(response, "response")
        async with self._devices.held(device):
            command = self._open.get(device.number, {}).get(command_id)
            if command is None:
                await self._refuse_answer(device, command_id)
            answered = replace(
                command, state=CommandState.ANSWERED, answered_at=self._clock(), response=response
            )
            del self._open[device.number][command_id]
            self._unwritten[command_id] = answered
            try:
                await self._write()
            except StoreError:
                if self._unwritten.get(command_id) is answered:
                    self._open.setdefault(device.number, {})[command_id] = command
                    self._unwritten[command_id] = command
                    self._wake.set()
                raise

    async def _refuse_answer(self, device: Device, command_id: int) -> NoReturn:
        """Say why there is nothing to answer."""
        if any(one.id == command_id for one in await self._stored.of(device, OPEN_MAX)):
            raise Conflict(f"the command {command_id} was answered before, or has expired")
        raise NotFound(f"{device.id!r} was sent no command {command_id}")

    async def list(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """The device's commands, newest first; those older than the one with the id `before`, if given."""
        kept = await self._stored.of(device, limit, before)
        current = {**self._unwritten, **self._open.get(device.number, {})}
        return [current.get(command.id, command) for command in kept]

    def open_count(self, device: Device) -> int:
        """How many commands wait for delivery or an answer."""
        return len(self._open.get(device.number, ()))

    def forget(self, device: Device) -> None:
        """The device was removed."""
        self._open.pop(device.number, None)
        for command_id in [one.id for one in self._unwritten.values() if one.device == device.number]:
            del self._unwritten[command_id]

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set: the open commands of this run last as long as they would have."""
        for open_commands in self._open.values():
            for command in [one for one in open_commands.values() if one.created_at >= step.began]:
                self._change(
                    replace(
                        command,
                        created_at=command.created_at + step.by,
                        expires_at=command.expires_at + step.by,
                        sent_at=None if command.sent_at is None else step.moved(command.sent_at),
                    )
                )

    def _change(self, command: Command) -> None:
        self._open[command.device][command.id] = command
        self._unwritten[command.id] = command
        self._wake.set()

    async def run(self) -> None:
        """Write what changed, and expire what got no answer, until cancelled; then write once more.

        While no command is open it waits for one, and wakes nobody.
        """
        failing = False
        try:
            while True:
                if failing:  # what is unwritten keeps; the disk is not asked at every turn
                    await asyncio.sleep(CHECK_INTERVAL_S)
                else:
                    is_some = self._open or self._unwritten
                    with suppress(TimeoutError):
                        async with asyncio.timeout(CHECK_INTERVAL_S if is_some else None):
                            await self._wake.wait()
                self._wake.clear()
                self._expire()
                try:
                    await self._write()
                    failing = False
                except StoreError as error:
                    if not failing:
                        _log.error("cannot write commands; retrying", why=str(error))
                    failing = True
        finally:
            with suppress(StoreError):
                await self._write()

    async def _write(self) -> None:
        """Write every unwritten step. Raises StoreError; what was not written stays."""
        async with self._writing:
            while self._unwritten:
                command = next(iter(self._unwritten.values()))
                await self._stored.update(command)
                if self._unwritten.get(command.id) is command:
                    del self._unwritten[command.id]

    def _expire(self) -> None:
        now = self._clock()
        for number, open_commands in list(self._open.items()):
            for command in [one for one in open_commands.values() if one.expires_at <= now]:
                del open_commands[command.id]
                self._unwritten[command.id] = replace(command, state=CommandState.EXPIRED)
            if not open_commands:
                del self._open[number]

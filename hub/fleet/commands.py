"""The commands on their way: see hub/model/command.py for the life of each.

The open ones are in memory; every step is written to the registry, together and each command's newest only,
so that an older step never lands on a newer one. `run` tries again what could not be written.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NoReturn

from hub.clock import Step
from hub.errors import Busy, Conflict, Invalid, NotFound, StoreError
from hub.feed import Feed
from hub.fleet.checks import check_json
from hub.fleet.devices import Devices
from hub.fleet.polls import Polls
from hub.fleet.presence import Roster
from hub.fleet.session import Handover
from hub.logs import Logger
from hub.model import Command, CommandState, Device
from hub.registry.commands import StoredCommands

OPEN_MAX = 100  # of one device; more are refused until some are answered or expire
TIMEOUT_MAX_S = 7 * 86_400.0
METHOD_MAX = 100
# A command to a label keeps its parameters once for each device; a list of commands gives a thousand of them.
PARAMS_MAX_BYTES = 16_384
RESPONSE_MAX_BYTES = 65_536
CHECK_INTERVAL_S = 1.0

_log = Logger("commands")


class Commands:
    """Sends commands and takes their answers. `clock` gives µs UTC; `polls` are of devices that wait."""

    def __init__(
        self,
        stored: StoredCommands,
        devices: Devices,
        roster: Roster,
        feed: Feed,
        polls: Polls,
        clock: Callable[[], int],
    ) -> None:
        self.polls = polls
        self._stored = stored
        self._devices = devices
        self._roster = roster
        self._feed = feed
        self._clock = clock
        self._open: dict[int, dict[int, Command]] = {}  # by device number, then by id
        self._polled: dict[int, set[int]] = {}  # sent in the answer to a poll, and not acknowledged yet
        # By id, the newest step; no more than are open, and what just ended.
        self._unwritten: dict[int, Command] = {}
        self._writing = asyncio.Lock()
        self._wake = asyncio.Event()

    async def restore(self) -> None:
        """Take up the commands that were open when the hub stopped. No session outlives the hub, so what was
        sent and not acknowledged is queued again.
        """
        now = self._clock()
        for command in await self._stored.open():
            # A clock that is behind now, or was ahead then, makes none last longer than was asked for.
            ends = min(command.expires_at, now + command.expires_at - command.created_at)
            found = replace(command, expires_at=ends)
            if found.state is CommandState.SENT and not found.is_sent_once:
                found = found.queued_again()
            self._change(found)

    async def send(
        self, device: Device, method: str, params: object, timeout_s: float, request: bytes | None = None
    ) -> Command:
        """Send a command, at once if the device is there, else when it comes within `timeout_s`.

        Where `request` was asked before, that command is given. Raises Invalid, Busy, NotFound, StoreError.
        """
        command = self.made(device, method, params, timeout_s)
        self._refuse_too_many(device)  # at once, rather than after those that wait for their turn
        async with self._devices.held(device):
            self._refuse_too_many(device)
            command, is_new = await self._stored.add(command, request)
            if is_new:
                self._change(command)
        if is_new:
            self._deliver_queued(device)
        elif (command.method, command.params) != (method, params):
            raise Invalid("this key came with another body before", "Idempotency-Key")
        return self._newest(command)

    def made(self, device: Device, method: str, params: object, timeout_s: float) -> Command:
        """A command as it begins, nowhere kept. Raises Invalid."""
        if not 1 <= len(method) <= METHOD_MAX or not method.isprintable():
            raise Invalid(f"a method has 1 to {METHOD_MAX} printable characters", "method")
        if not 0 < timeout_s <= TIMEOUT_MAX_S:
            raise Invalid("a timeout is over 0 and at most 7 days", "timeout_s")
        check_json(params, "params", PARAMS_MAX_BYTES)
        now = self._clock()
        ends = now + round(timeout_s * 1e6)
        return Command(0, device.number, method, params, CommandState.QUEUED, now, ends)

    def take_up(self, device: Device, command: Command) -> None:
        """Send a command that was added to the registry together with others."""
        if self._devices.numbered(device.number) is not None:
            self._change(command)
            self._deliver_queued(device)

    def _refuse_too_many(self, device: Device) -> None:
        if self.open_count(device) >= OPEN_MAX:
            raise Busy(
                f"{device.id!r} has {OPEN_MAX} open commands; wait for answers",
                CHECK_INTERVAL_S,
                "fixed.commands_open",
            )

    # Delivery

    def ready(self, device: Device) -> None:
        """A session became able to take commands: those queued go out, and those that a poll was given and
        did not acknowledge.
        """
        self._queue_again(device, self._polled.pop(device.number, ()))
        self._deliver_queued(device)

    def _deliver_queued(self, device: Device) -> None:
        """In the order in which they were sent, as far as a session takes them."""
        sessions = self._roster.sessions(device)
        for command in self._queued(device):
            for session in reversed(sessions):
                handover = session.deliver(command)
                if handover is not None:
                    once = handover is Handover.NEVER_CONFIRMED
                    self._change(self._newest(command).sent(self._clock(), once=once))
                    break
        if self._queued(device):
            self.polls.wake(device)

    def _queued(self, device: Device) -> list[Command]:
        """What waits, oldest first; without what is too late to be carried out, which `run` will end."""
        now = self._clock()
        waiting = self._open.get(device.number, {})
        return [
            command
            for _, command in sorted(waiting.items())
            if command.state is CommandState.QUEUED and command.expires_at > now
        ]

    def delivered(self, device: Device, command_ids: Iterable[int]) -> None:
        """The device acknowledged these. What is over, or was never sent to it, is passed over."""
        for command in self._of(device, command_ids, CommandState.SENT):
            self._change(command.delivered(self._clock()))

    def refused(self, device: Device, command_id: int, why: str) -> None:
        """The device acknowledged it with an error."""
        for command in self._of(device, [command_id], CommandState.SENT):
            self._change(command.failed(self._clock(), why))

    def returned(self, device: Device, command_ids: Iterable[int]) -> None:
        """The session that had these is over, and they were not acknowledged: another one may take them."""
        if self._queue_again(device, command_ids):
            self._deliver_queued(device)

    def _queue_again(self, device: Device, command_ids: Iterable[int]) -> bool:
        lost = [one for one in self._of(device, command_ids, CommandState.SENT) if not one.is_sent_once]
        for command in lost:
            self._change(command.queued_again())
        return bool(lost)

    def _of(self, device: Device, command_ids: Iterable[int], state: CommandState) -> list[Command]:
        known = self._open.get(device.number, {})
        found = [known[one] for one in command_ids if one in known]
        return [command for command in found if command.state is state]

    def poll_began(self, device: Device, acknowledged: Iterable[int]) -> None:
        """The device polls: of what polls were given before, it has these; the rest may be lost."""
        self.delivered(device, acknowledged)
        self._queue_again(device, self._polled.pop(device.number, ()))

    def collect(self, device: Device) -> list[Command]:
        """All that waits, for a device that polls: it is sent by that."""
        sent = [command.sent(self._clock()) for command in self._queued(device)]
        for command in sent:
            self._change(command)
        if sent:
            self._polled.setdefault(device.number, set()).update(command.id for command in sent)
        return sent

    # The end

    async def answer(self, device: Device, command_id: int, response: object) -> None:
        """The device answers; on disk when it returns.

        Raises Invalid, NotFound, Conflict if it was answered before or is over, StoreError if the answer
        could not be kept: the command is open still then, and can be answered again.
        """
        check_json(response, "response", RESPONSE_MAX_BYTES)
        async with self._devices.held(device):
            command = self._open.get(device.number, {}).get(command_id)
            if command is None:
                await self._refuse_answer(device, command_id)
            await self._end(device, command, command.answered(self._clock(), response))

    async def cancel(self, device: Device, command_id: int) -> None:
        """Take a queued command back; on disk when it returns.

        Raises NotFound, Conflict if it is not queued any more, StoreError: then it is still open.
        """
        async with self._devices.held(device):
            command = self._open.get(device.number, {}).get(command_id)
            if command is None:
                command = await self.one(device, command_id)
            if command.state is not CommandState.QUEUED:
                raise Conflict(
                    f"the command {command_id} is {command.state}; only what is queued can be cancelled"
                )
            await self._end(device, command, command.cancelled(self._clock()))

    async def _end(self, device: Device, command: Command, ended: Command) -> None:
        """While this is written nothing else becomes of it."""
        del self._open[device.number][command.id]
        self._unwritten[command.id] = ended
        try:
            await self._write()
        except StoreError:
            if self._unwritten.get(command.id) is ended:
                self._change(command)
                self._deliver_queued(device)
            raise
        self._tell(ended)

    async def _refuse_answer(self, device: Device, command_id: int) -> NoReturn:
        """Say why there is nothing to answer."""
        command = await self.one(device, command_id)
        raise Conflict(f"the command {command_id} is {command.state}: it waits for no answer")

    async def one(self, device: Device, command_id: int) -> Command:
        """One of the device's commands. Raises NotFound."""
        kept = await self._stored.one(device, command_id)
        if kept is None:
            raise NotFound(f"{device.id!r} was sent no command {command_id}")
        return self._newest(kept)

    async def list(self, device: Device, limit: int, before: int | None = None) -> list[Command]:
        """The device's commands, newest first; those older than the one with the id `before`, if given."""
        kept = await self._stored.of(device, limit, before)
        return [self._newest(command) for command in kept]

    def newest(self, commands: Iterable[Command]) -> Sequence[Command]:
        """How far these commands have come by now."""
        return [self._newest(command) for command in commands]

    def _newest(self, command: Command) -> Command:
        opened = self._open.get(command.device, {}).get(command.id)
        return opened or self._unwritten.get(command.id, command)

    def open_count(self, device: Device) -> int:
        """How many commands wait for delivery or an answer."""
        return len(self._open.get(device.number, ()))

    def forget(self, device: Device) -> None:
        """The device was removed."""
        self._open.pop(device.number, None)
        self._polled.pop(device.number, None)
        for command_id in [one.id for one in self._unwritten.values() if one.device == device.number]:
            del self._unwritten[command_id]
        self.polls.wake(device)

    def clock_stepped(self, step: Step) -> None:
        """The hub's clock was set: the open commands of this run last as long as they would have."""
        for open_commands in self._open.values():
            for command in [one for one in open_commands.values() if one.created_at >= step.began]:
                sent, arrived = command.sent_at, command.delivered_at
                self._change(
                    replace(
                        command,
                        created_at=command.created_at + step.by,
                        expires_at=command.expires_at + step.by,
                        sent_at=None if sent is None else step.moved(sent),
                        delivered_at=None if arrived is None else step.moved(arrived),
                    )
                )

    def _change(self, command: Command) -> None:
        """Note a step: to be written soon, and told at once."""
        if command.state.is_open:
            self._open.setdefault(command.device, {})[command.id] = command
        else:
            self._open.get(command.device, {}).pop(command.id, None)
        self._unwritten[command.id] = command
        self._wake.set()
        self._tell(command)

    def _tell(self, command: Command) -> None:
        device = self._devices.numbered(command.device)
        if device is not None:
            self._feed.command_changed(device.id, command)

    # Writing

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
                steps = list(self._unwritten.values())
                await self._stored.update(steps)
                for command in steps:
                    if self._unwritten.get(command.id) is command:
                        del self._unwritten[command.id]

    def _expire(self) -> None:
        now = self._clock()
        for number, open_commands in list(self._open.items()):
            for command in [one for one in open_commands.values() if one.expires_at <= now]:
                self._change(command.expired(now))
            if not open_commands:
                del self._open[number]

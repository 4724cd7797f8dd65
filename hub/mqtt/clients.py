"""Who is connected, and whose session is kept until it comes back. No I/O."""

from collections.abc import Callable, Iterable
from typing import Protocol

from hub.config import MqttConfig
from hub.fleet.presence import Roster
from hub.fleet.session import DeviceSession, EndReason, Leaving
from hub.model import Device
from hub.mqtt.codec.packets import Will
from hub.mqtt.kept_sessions import Bequest, KeptSessions
from hub.mqtt.session_state import Key, SessionState


class CommandsSent(Protocol):
    """Who is told what becomes of the commands on their way down: see fleet/commands.py."""

    def ready(self, device: Device) -> None:
        """A session became able to take commands."""

    def delivered(self, device: Device, command_ids: Iterable[int]) -> None:
        """The device acknowledged these."""

    def refused(self, device: Device, command_id: int, why: str) -> None:
        """The device acknowledged it with an error."""

    def returned(self, device: Device, command_ids: Iterable[int]) -> None:
        """The session that had these is over, and they were not acknowledged."""


class Clients:
    """At most one connection a client id, and that within its device alone.

    `publish` is told of wills that are due; `clock_s` gives steady seconds.
    """

    def __init__(
        self,
        config: MqttConfig,
        roster: Roster,
        commands: CommandsSent,
        publish: Callable[[Iterable[Bequest]], None],
        clock_s: Callable[[], float],
    ) -> None:
        self.commands = commands
        self._roster = roster
        self._publish = publish
        self._connected: dict[Key, DeviceSession] = {}
        self._kept = KeptSessions(config.sessions_max, config.queued_max, clock_s, self._over)

    def has_place(self, device: Device, client_id: str) -> bool:
        """Whether one more may connect; one that takes over always may."""
        return (device.number, client_id) in self._connected or self._roster.has_place(device)

    @property
    def connections_max(self) -> int:
        """How many devices may be connected, by whatever transport."""
        return self._roster.connections_max

    def open(self, device: Device, client_id: str, *, clean: bool) -> tuple[SessionState, bool]:
        """The session for a new connection, and whether it was there before.

        One that is connected is ended (3.1.4-3).
        """
        earlier = self._connected.get((device.number, client_id))
        if earlier is not None:
            earlier.end(EndReason.TAKEN_OVER)
        state, present, wills = self._kept.open(device, client_id, clean=clean)
        self._publish(wills)
        return state, present

    def came(self, client: DeviceSession, state: SessionState) -> None:
        """It is connected."""
        self._connected[state.key] = client
        self._roster.enter(client)

    def left(self, client: DeviceSession, state: SessionState, will: Will | None, how: Leaving) -> None:
        """It is not any more; `will` is what it leaves."""
        if self._connected.get(state.key) is client:
            del self._connected[state.key]
        self._publish(self._kept.leave(state, will))
        self._roster.leave(client, how if will is None else Leaving.WILL)

    def _over(self, state: SessionState) -> None:
        """A session ended for good: what it had of commands goes another way."""
        if unsettled := state.unsettled_commands():
            self.commands.returned(state.device, unsettled)

    def forget(self, device: Device) -> None:
        """The device was removed: its kept sessions and their wills go too."""
        self._kept.forget(device)

    def tidy(self) -> None:
        """End the kept sessions whose time is over, and publish the wills that are due.

        Call it about once a second.
        """
        self._publish(self._kept.due())

    def end(self) -> None:
        """The hub stops: no session outlives it, so every will that waits is due (3.1.2-8, 3.1.3.2.2)."""
        self._publish(self._kept.end_all())

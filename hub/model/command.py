"""A command to a device, and its life, the same on every transport:

    queued ──> sent ──> delivered ──> done      the device answered
      │ ^       │ │         │    └──> failed    the answer was {"error": …}
      │ └───────┘ │         │
      │           │         │   from `sent` straight to the end: an answer says that it arrived, too
      ├───────────┴─────────┴──────> expired    no answer in time
      └────────────────────────────> cancelled  by an operator; what was sent may be under way already

It is `sent` while a session has it, and `delivered` when the device acknowledged it. A session that ends
without that gives it back: it is queued again, and sent again when the device returns. With a carrier that
acknowledges nothing (MQTT QoS 0) it stays `sent` until it is answered, and is never sent twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType


class CommandState(StrEnum):
    """How far a command has come."""

    QUEUED = "queued"  # the device is not connected, or has not asked for commands yet
    SENT = "sent"  # handed to a live session
    DELIVERED = "delivered"  # the device acknowledged it
    DONE = "done"  # it answered
    FAILED = "failed"  # its answer was an error, or it refused the command
    EXPIRED = "expired"  # no answer in time
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether something may still become of it."""
        return bool(_NEXT[self])


_ENDS = frozenset({CommandState.DONE, CommandState.FAILED, CommandState.EXPIRED})
_NEXT: Mapping[CommandState, frozenset[CommandState]] = MappingProxyType(
    {
        # An answer to what is queued again: it did arrive, when it was sent the first time.
        CommandState.QUEUED: _ENDS | {CommandState.SENT, CommandState.DELIVERED, CommandState.CANCELLED},
        CommandState.SENT: _ENDS | {CommandState.QUEUED, CommandState.DELIVERED},
        CommandState.DELIVERED: _ENDS,
        CommandState.DONE: frozenset(),
        CommandState.FAILED: frozenset(),
        CommandState.EXPIRED: frozenset(),
        CommandState.CANCELLED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Command:
    """A message to a device, with a life of its own. Times in µs UTC."""

    id: int
    device: int  # Device.number
    method: str
    params: object  # any JSON value
    state: CommandState
    created_at: int
    expires_at: int
    sent_at: int | None = None  # the last time
    delivered_at: int | None = None
    ended_at: int | None = None
    response: object = None  # any JSON value
    batch: int | None = None  # the id of what was sent to many devices at once
    is_sent_once: bool = False  # by a carrier that acknowledges nothing, so it is never sent again

    def queued_again(self) -> "Command":
        """The session that had it ended, and nobody knows whether it arrived."""
        return replace(self, state=self._next(CommandState.QUEUED))

    def sent(self, now: int, *, once: bool = False) -> "Command":
        """A session has it; `once`: its carrier acknowledges nothing."""
        return replace(self, state=self._next(CommandState.SENT), sent_at=now, is_sent_once=once)

    def delivered(self, now: int) -> "Command":
        """The device acknowledged it."""
        return replace(self, state=self._next(CommandState.DELIVERED), delivered_at=now)

    def answered(self, now: int, response: object) -> "Command":
        """The device answered, which says that it arrived; {"error": …} says that it failed."""
        is_error = isinstance(response, dict) and "error" in response
        state = self._next(CommandState.FAILED if is_error else CommandState.DONE)
        arrived = self.delivered_at or now
        return replace(self, state=state, delivered_at=arrived, ended_at=now, response=response)

    def failed(self, now: int, why: str) -> "Command":
        """It will not be carried out, and the device has not said so itself."""
        return replace(self, state=self._next(CommandState.FAILED), ended_at=now, response={"error": why})

    def expired(self, now: int) -> "Command":
        """Its time is over."""
        return replace(self, state=self._next(CommandState.EXPIRED), ended_at=now)

    def cancelled(self, now: int) -> "Command":
        """An operator took it back before it was sent."""
        return replace(self, state=self._next(CommandState.CANCELLED), ended_at=now)

    def _next(self, state: CommandState) -> CommandState:
        if state not in _NEXT[self.state]:
            raise RuntimeError(f"a command: from {self.state} there is no way to {state}")
        return state


@dataclass(frozen=True, slots=True)
class CommandBatch:
    """What was sent to all devices with a label at once. `label` as k=v; `created_at` in µs UTC."""

    id: int
    label: str
    method: str
    params: object  # any JSON value
    created_at: int

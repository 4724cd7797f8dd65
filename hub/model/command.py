from dataclasses import dataclass
from enum import StrEnum


class CommandState(StrEnum):
    """How far a command has come."""

    QUEUED = "queued"  # the device is not connected, or has not asked for commands yet
    SENT = "sent"  # handed to a live session
    ANSWERED = "answered"
    EXPIRED = "expired"  # no answer in time


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
    sent_at: int | None = None
    answered_at: int | None = None
    response: object = None  # any JSON value

from enum import Enum
from typing import NamedTuple, Protocol

from hub.model import Command, Device, KeyRight


class SharedAttributes(NamedTuple):
    """Facts set by operators, on their way to the device."""

    values: dict[str, object]


class EndReason(Enum):
    """Why the hub ends a device's session."""

    REVOKED = "the key was revoked"
    EXPIRED = "the key has expired"
    REMOVED = "the device was removed"
    TAKEN_OVER = "another connection took over"
    TOO_MANY = "a newer connection of the device has its place (limits.connections_per_device_max)"
    SHUTDOWN = "the hub is stopping"


def right_to_get(message: Command | SharedAttributes) -> KeyRight:
    """What a key has to allow for a device to be sent this."""
    return KeyRight.COMMANDS if isinstance(message, Command) else KeyRight.ATTRIBUTES


class Leaving(Enum):
    """How a session came to its end."""

    GOODBYE = "the device said good-bye"
    LOST = "the connection broke, or was given up"
    WILL = "the same, and the device had left a will to be published then"
    ENDED = "the hub ended it"


class Handover(Enum):
    """A session took a message. What it says of a command's arrival comes later, or never."""

    CONFIRMED_LATER = "the device acknowledges it, or the session gives it back"
    NEVER_CONFIRMED = "what carries it acknowledges nothing"


class DeviceSession(Protocol):
    """One connected device, as a transport offers it."""

    device: Device
    key_id: str

    def deliver(self, message: Command | SharedAttributes) -> Handover | None:
        """Send a message to the device. None when it cannot take it now.

        A command it took and was never told of is given back to `Commands` when the session is over.
        """

    def end(self, reason: EndReason) -> None:
        """Close the connection at once, saying why where the protocol can."""

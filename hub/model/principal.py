from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a person or a token may do: look; also change devices; also make tokens, and move data."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an operator's session, a token, or the command line. `devices` None means all."""

    name: str
    role: Role
    devices: frozenset[str] | None = None

    def may_see(self, device_id: str) -> bool:
        """Whether this principal's scope holds the device."""
        return self.devices is None or device_id in self.devices

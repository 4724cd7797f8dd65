from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from hub.errors import Invalid

SCOPE_MAX = 1000  # devices, or labels, that one scope names


class Role(StrEnum):
    """What somebody is to the hub. Each may what those before may; hub/people/rule.py says what that is."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    MANAGER = "manager"
    ADMIN = "admin"  # of the whole hub
    LOCAL = "local"  # the owner of the process, by the Unix socket only; nobody can be given it


class Right(StrEnum):
    """One thing that may be allowed. A token may have fewer of them than its role."""

    DEVICES_READ = "devices:read"
    HISTORY_READ = "history:read"
    LIVE_READ = "live:read"
    RAW_READ = "raw:read"  # rejections, and what is in a command
    COMMANDS_WRITE = "commands:write"  # also shared attributes, and the settings of metrics
    DEVICES_WRITE = "devices:write"  # add, remove, label
    KEYS_WRITE = "keys:write"
    RULES_WRITE = "rules:write"
    NOTES_WRITE = "notes:write"
    IMPORT_WRITE = "import:write"
    PEOPLE_WRITE = "people:write"  # operators, tokens of others, audit
    METRICS_SCRAPE = "metrics:scrape"  # the hub's own figures
    SYSTEM_WRITE = "system:write"  # backups; targets and routes of alerts
    RECOVERY = "recovery"  # links for anybody, backups to any path: the owner of the process


@dataclass(frozen=True, slots=True)
class Scope:
    """Some of the devices: those named, and those that carry all of the labels, if there are any."""

    devices: frozenset[str] = frozenset()
    labels: frozenset[tuple[str, str]] = frozenset()

    def covers(self, device_id: str, labels: Mapping[str, str]) -> bool:
        """Whether a device with this id and these labels is one of them."""
        if device_id in self.devices:
            return True
        return bool(self.labels) and all(labels.get(key) == value for key, value in self.labels)

    def is_within(self, other: "Scope") -> bool:
        """Whether `other` covers all that this one does, whatever labels devices get."""
        if not self.devices <= other.devices:
            return False
        return not self.labels or (bool(other.labels) and other.labels <= self.labels)


class Grant(NamedTuple):
    """A role, for the devices of a scope; None: for the whole hub."""

    role: Role
    scope: Scope | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is asking: an operator's session, a token, or the command line. What the grants allow adds up.

    `rights` is all that a token may do at most; None: what its grants allow.
    """

    name: str
    grants: tuple[Grant, ...]
    rights: frozenset[Right] | None = None
    credential: str = field(default="", compare=False)  # what was shown: "token f3k9…", "session 8ac1…"
    # µs, UTC: until when keys, tokens and people may be changed without another proof; None: always.
    confirmed_until: int | None = field(default=None, compare=False)
    expires_at: int | None = field(default=None, compare=False)  # µs, UTC: when what was shown is over
    scopes: frozenset[Scope] | None = field(init=False)  # all devices in sight; None: the whole hub

    def __post_init__(self) -> None:
        """Gather what is in sight: it is asked for at every frame of a live socket."""
        scopes = [grant.scope for grant in self.grants]
        limited = frozenset(scope for scope in scopes if scope is not None)
        object.__setattr__(self, "scopes", None if None in scopes else limited)

    @property
    def is_person(self) -> bool:
        """Whether it is a person who has logged in. By its name alone a token could be anybody."""
        return self.credential.startswith("session ")

    def sees(self, device_id: str, labels: Mapping[str, str]) -> bool:
        """Whether a device with this id and these labels is in sight."""
        return self.scopes is None or any(scope.covers(device_id, labels) for scope in self.scopes)


def checked_grant(role: Role, scope: Scope | None, where: str = "") -> Grant:
    """A grant that somebody may be given. Raises Invalid."""
    if role is Role.LOCAL:
        raise Invalid("the role local is for the owner of the process only", f"{where}role")
    if scope is None:
        return Grant(role)
    if role is Role.ADMIN:
        raise Invalid(
            "an admin is one of the whole hub: leave the scope out, or name manager", f"{where}scope"
        )
    for name, held in (("devices", scope.devices), ("labels", scope.labels)):
        if len(held) > SCOPE_MAX:
            raise Invalid(f"{name}: a scope names at most {SCOPE_MAX}", f"{where}scope.{name}")
    if not scope.devices and not scope.labels:
        raise Invalid("a scope names devices or labels; without a scope it is for all", f"{where}scope")
    return Grant(role, scope)

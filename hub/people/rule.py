"""Who may do what: the one rule. Pure. Everything that is asked of the hub is asked of it first.

viewer      sees devices, their latest values, history, live channels; exports
operator    and: commands, shared attributes, settings of metrics, notes; rejections and what is in commands
manager     and: adds and removes devices, their keys and labels; rules, imports
admin       and, for the whole hub: people, tokens of others, audit, backups
local       all: the owner of the process, by the Unix socket
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final, Protocol

from hub.model import Grant, Principal, Right, Role

_VIEWER = frozenset({Right.DEVICES_READ, Right.HISTORY_READ, Right.LIVE_READ, Right.METRICS_SCRAPE})
_OPERATOR = _VIEWER | {Right.RAW_READ, Right.COMMANDS_WRITE, Right.NOTES_WRITE}
_MANAGER = _OPERATOR | {Right.DEVICES_WRITE, Right.KEYS_WRITE, Right.RULES_WRITE, Right.IMPORT_WRITE}
_ADMIN = _MANAGER | {Right.PEOPLE_WRITE, Right.SYSTEM_WRITE}
RIGHTS: Final = {
    Role.VIEWER: _VIEWER,
    Role.OPERATOR: _OPERATOR,
    Role.MANAGER: _MANAGER,
    Role.ADMIN: _ADMIN,
    Role.LOCAL: _ADMIN | {Right.RECOVERY},
}


class Decision(Enum):
    """What comes of a request."""

    ALLOW = "allow"
    HIDE = "hide"  # answer as for what does not exist
    REFUSE = "refuse"


class OfDevice(Protocol):
    """A device, or what the rule has to know of it."""

    @property
    def id(self) -> str:
        """By which people know it."""

    @property
    def labels(self) -> Mapping[str, str]:
        """What it carries now."""


class Whole(Enum):
    """What concerns more than single devices."""

    HUB = "hub"


def decide(principal: Principal, right: Right, device: OfDevice | Whole | None) -> Decision:
    """Whether this principal may do this to a device, or to the whole hub. None is a device that is absent.

    A device out of sight is decided like one that is not there, always. To be refused says nothing of any
    device: either the principal may do this nowhere, or the device is one that it sees.
    """
    grants = [grant for grant in principal.grants if _allows(principal, grant, right)]
    if not grants:
        return Decision.REFUSE
    if isinstance(device, Whole):
        return Decision.ALLOW if any(grant.scope is None for grant in grants) else Decision.REFUSE
    if device is None or not principal.sees(device.id, device.labels):
        return Decision.HIDE
    covered = any(grant.scope is None or grant.scope.covers(device.id, device.labels) for grant in grants)
    return Decision.ALLOW if covered else Decision.REFUSE


def may_read_raw(principal: Principal, device: OfDevice) -> bool:
    """Whether this principal may see what is in the device's commands."""
    return decide(principal, Right.RAW_READ, device) is Decision.ALLOW


def _allows(principal: Principal, grant: Grant, right: Right) -> bool:
    return right in RIGHTS[grant.role] and (principal.rights is None or right in principal.rights)


def is_within(grant: Grant, rights: frozenset[Right] | None, principal: Principal) -> bool:
    """Whether what a grant allows, or these rights of it, is no more than this principal may."""
    wanted = RIGHTS[grant.role] if rights is None else rights
    if principal.rights is not None and not wanted <= principal.rights:
        return False
    return any(
        wanted <= RIGHTS[own.role]
        and (own.scope is None or (grant.scope is not None and grant.scope.is_within(own.scope)))
        for own in principal.grants
    )

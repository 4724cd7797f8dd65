"""Principals by role, and the devices they are for."""

from collections.abc import Collection, Mapping

from hub.model import Grant, Principal, Role, Scope


def grant(
    role: Role, devices: Collection[str] | None = None, labels: Mapping[str, str] | None = None
) -> Grant:
    """A role for the devices named, and those with the labels; for the whole hub where neither is said."""
    if devices is None and labels is None:
        return Grant(role)
    return Grant(role, Scope(frozenset(devices or ()), frozenset((labels or {}).items())))


def principal(
    name: str,
    role: Role = Role.VIEWER,
    devices: Collection[str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Principal:
    """Somebody with one grant."""
    return Principal(name, (grant(role, devices, labels),))

from dataclasses import dataclass, field

from hub.model.principal import Grant


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who uses the hub, and what they may."""

    name: str
    grants: tuple[Grant, ...]
    created_at: int  # µs, UTC
    password: str | None = field(default=None, repr=False)  # its Argon2id digest; None: they come by links

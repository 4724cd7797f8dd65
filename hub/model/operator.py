from dataclasses import dataclass, field

from hub.model.principal import Grant


@dataclass(frozen=True, slots=True)
class Operator:
    """A person who uses the hub, and what they may."""

    name: str
    grants: tuple[Grant, ...]
    created_at: int  # µs, UTC
    password: str | None = field(default=None, repr=False)  # its Argon2id digest; None: they come by links
    # Whom a provider lets in is known by these two, whatever they are called there. What they may is its
    # word; without grants they may not come in at present.
    issuer: str | None = None
    subject: str | None = None
    checked_at: int | None = None  # µs, UTC: when the provider said so last

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did: who, with what, from where, what, when. No secret is in it."""

    at: int  # µs, UTC
    who: str
    credential: str  # "local", "session 8ac1…", "token f3k9…"
    address: str
    what: str  # the method and path of REST: "POST /api/v1/devices/boiler-1/keys"
    device: str | None = None  # its id
    number: int = 0  # given by the registry: later ones have larger numbers

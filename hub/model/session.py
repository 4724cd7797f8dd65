from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Session:
    """A browser that is logged in. Times are µs, UTC; None where an earlier version did not note it."""

    id: str  # the start of its secret's digest, in hex
    name: str
    expires_at: int
    created_at: int | None
    used_at: int | None
    address: str | None
    origin: str  # how they came in: link, password, passkey, oidc:<provider>
    browser: str | None = None  # as it calls itself (User-Agent)

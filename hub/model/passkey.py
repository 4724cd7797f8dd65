from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passkey:
    """A person's passkey (WebAuthn), by its public half. Times are µs, UTC."""

    id: str  # what it is called here: the start of the digest of `credential`, in hex
    operator: str
    name: str  # by which its owner knows it
    credential: bytes  # what browsers call it
    public_key: bytes  # in COSE (RFC 9052)
    sign_count: int  # how often it was used, as it says; 0 where it does not count
    site: str  # the host for which browsers show it: WebAuthn's RP ID
    created_at: int
    last_used_at: int | None = None

"""Tokens of programs: `ht_<id>_<secret>`, of which a digest is kept, and JWTs, of which their id is known."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum

from hub.model import key as keys
from hub.model.principal import Grant, Right

PREFIX = "ht_"
_SHAPE = re.compile(rf"{PREFIX}([a-z0-9]{{{keys.KEY_ID_LENGTH}}})_([A-Za-z0-9]{{{keys.SECRET_LENGTH}}})")


class TokenKind(StrEnum):
    """How a token shows what it stands for."""

    OPAQUE = "opaque"  # the hub looks it up
    JWT = "jwt"  # it says so itself, signed: for an hour at most


@dataclass(frozen=True, slots=True)
class Token:
    """A token as it is kept. Times are µs, UTC."""

    id: str
    kind: TokenKind
    name: str
    grant: Grant
    rights: frozenset[Right] | None  # no more than these; None: those of its role
    owner: str  # who made it: an operator, or "local"
    created_at: int
    expires_at: int
    digest: bytes = field(default=b"", repr=False)  # BLAKE2b-256 of the secret; a JWT has none
    last_used_at: int | None = None
    last_used_from: str | None = None
    revoked_at: int | None = None


def make_opaque(choose: Callable[[str], str]) -> tuple[keys.Key, str]:
    """A new id and secret, and the token that they make. `choose` picks one character of a string."""
    made = keys.make(choose)
    return made, f"{PREFIX}{made.id}_{made.secret}"


def parse(text: str) -> keys.Key | None:
    """The id and secret in an opaque token; None if it is none."""
    found = _SHAPE.fullmatch(text)
    return None if found is None else keys.Key(found[1], found[2])

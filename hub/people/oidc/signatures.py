"""Whether a token was signed by a provider: JWS (RFC 7515) by the keys of its JWK set (RFC 7517)."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hub.formats.parsing import parse_json
from hub.people.oidc.faults import ProviderWrong, UnknownKey

TOKEN_MAX = 65_536  # characters
KEYS_MAX = 100  # of one set; further ones are not looked at
RSA_BITS_MIN = 2_048  # RFC 7518, 3.3

# By public keys alone (RFC 7518, 3.1; RFC 8037). Neither `none` nor HS256 is here: for HS256 the public key,
# which everybody has, would be the secret.
ALGORITHMS: Mapping[str, tuple[str, str | None]] = {
    **{f"{kind}{bits}": ("RSA", None) for kind in ("RS", "PS") for bits in (256, 384, 512)},
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
_PUBLIC = frozenset({"kty", "n", "e", "crv", "x", "y"})


@dataclass(frozen=True, slots=True)
class Signed:
    """What a token says, once its signature is right."""

    algorithm: str
    kind: str  # the header's typ, in small letters; "" if there is none
    claims: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class KeySet:
    """A provider's public keys."""

    keys: tuple[Mapping[str, Any], ...]

    @classmethod
    def read(cls, document: object) -> "KeySet":
        """A JWK set. What is in it and cannot be used is passed over (RFC 7517, 5). Raises ProviderWrong."""
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list):
            raise ProviderWrong("its keys are no JWK set")
        return cls(tuple(one for one in keys[:KEYS_MAX] if isinstance(one, dict)))

    def open(self, token: str) -> Signed:
        """What a token says. Raises UnknownKey, where newer keys may help, and ProviderWrong."""
        header, claims = _parts(token)
        algorithm = header.get("alg")
        if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
            raise ProviderWrong(f"the token is signed by {str(algorithm)[:20]!r}, which is not allowed")
        if "crit" in header:
            raise ProviderWrong("the token has a header that has to be understood, and is not")  # 4.1.11
        found = list(self._fitting(algorithm, header.get("kid")))
        if not found:
            raise UnknownKey("the token is signed by a key that the provider does not show")
        if len(found) > 1:
            raise ProviderWrong("the token does not say which of several keys it is signed by")
        _verify(token, found[0], algorithm)
        kind = header.get("typ")
        return Signed(algorithm, kind.lower() if isinstance(kind, str) else "", claims)

    def _fitting(self, algorithm: str, key_id: object) -> Iterator[Mapping[str, Any]]:
        """The keys that may have signed; without an id in the header there has to be one alone."""
        wanted, curve = ALGORITHMS[algorithm]
        for key in self.keys:
            fits = (
                (key_id is None or key.get("kid") == key_id)
                and key.get("kty") == wanted
                and (curve is None or key.get("crv") == curve)
                and key.get("use", "sig") == "sig"
                and key.get("alg", algorithm) == algorithm
            )
            if fits:
                yield key


def _verify(token: str, key: Mapping[str, Any], algorithm: str) -> None:
    import jwt  # here: see tests/test_lean.py
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

    try:
        public = jwt.PyJWK({name: key[name] for name in _PUBLIC & key.keys()}, algorithm)
        if isinstance(public.key, RSAPublicKey) and public.key.key_size < RSA_BITS_MIN:
            raise ProviderWrong(f"the provider's key has less than {RSA_BITS_MIN} bits")
        jwt.PyJWS().decode_complete(token, public, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise ProviderWrong(f"the token's signature is not right: {error}") from error


def _parts(token: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Header and claims of a token, signed or not. Raises ProviderWrong."""
    parts = token.split(".")
    if len(parts) != 3 or len(token) > TOKEN_MAX:
        raise ProviderWrong("the token is no signed JWT")
    return _object(parts[0]), _object(parts[1])


def _object(part: str) -> Mapping[str, Any]:
    try:
        raw = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
        found = parse_json(raw, constants=False)
    except (binascii.Error, ValueError) as error:
        raise ProviderWrong("the token is no signed JWT") from error
    if not isinstance(found, dict):
        raise ProviderWrong("the token is no signed JWT")
    return found

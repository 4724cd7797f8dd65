"""A provider's keys, and tokens signed by them in every way, right and wrong."""

import base64
import hashlib
import hmac
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

Claims = Mapping[str, Any]


@cache
def private_key(name: str) -> Any:
    """A key by its name, made once: `rsa…`, `short…`, `ec256…`, `ec384…`, `ed…`."""
    if name.startswith("ec"):
        return ec.generate_private_key(ec.SECP384R1() if name.startswith("ec384") else ec.SECP256R1())
    if name.startswith("ed"):
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(65_537, 1024 if name.startswith("short") else 2048)


def algorithm_of(name: str) -> str:
    starts = {"ec384": "ES384", "ec": "ES256", "ed": "EdDSA"}
    return next((found for start, found in starts.items() if name.startswith(start)), "RS256")


@dataclass(frozen=True)
class Key:
    """A key, by the name under which the provider shows it."""

    name: str

    def shown(self, **more: object) -> dict[str, Any]:
        """As in a JWK set."""
        made = jwt.get_algorithm_by_name(algorithm_of(self.name))
        public = made.to_jwk(private_key(self.name).public_key(), as_dict=True)
        public.pop("key_ops", None)
        return {**public, "kid": self.name, "use": "sig", **more}

    def sign(self, claims: Claims, algorithm: str = "", **headers: object) -> str:
        """A token; a header that is None is left out."""
        named = {"kid": self.name, **headers}
        kept = {name: value for name, value in named.items() if value is not None}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of keys that are too short
            return jwt.encode(
                dict(claims), private_key(self.name), algorithm or algorithm_of(self.name), headers=kept
            )

    def pem(self) -> bytes:
        """What everybody has of it."""
        public = private_key(self.name).public_key()
        return bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def by_none(claims: Claims, algorithm: str = "none") -> str:
    """Not signed at all."""
    return f"{part({'alg': algorithm, 'kid': 'rsa1'})}.{part(claims)}."


def by_public_key(claims: Claims, key: Key) -> str:
    """HS256 with the public key as the secret: who mixes the two up takes it for signed."""
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': key.name})}.{part(claims)}"
    digest = hmac.new(key.pem(), signed.encode(), hashlib.sha256).digest()
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def half_digest(token: str) -> str:
    """at_hash of SHA-256 (OpenID Connect Core 1.0, 3.1.3.6)."""
    return base64.urlsafe_b64encode(hashlib.sha256(token.encode()).digest()[:16]).rstrip(b"=").decode()

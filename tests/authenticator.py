"""A passkey's device in software: what a browser and the device in it do (WebAuthn level 2, ES256)."""

import hashlib
import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256

PRESENT, VERIFIED, HAS_CREDENTIAL = 0x01, 0x04, 0x40
Json = dict[str, Any]


@dataclass
class Authenticator:
    """Holds passkeys, one for each person of a site. `flags` and `step` are what a test makes wrong."""

    origin: str
    flags: int = PRESENT | VERIFIED
    step: int = 1  # by which its counter goes up with each use
    count: int = 0
    keys: dict[bytes, tuple[EllipticCurvePrivateKey, bytes]] = field(default_factory=dict)

    def make(self, options: Mapping[str, Any]) -> Json:
        """What `navigator.credentials.create` gives, as JSON."""
        key = generate_private_key(SECP256R1())
        credential_id = hashlib.sha256(str(len(self.keys)).encode() + self.origin.encode()).digest()
        self.keys[credential_id] = key, from_text(options["user"]["id"])
        numbers = key.public_key().public_numbers()
        public = {1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
        attested = bytes(16) + struct.pack(">H", len(credential_id)) + credential_id + cbor2.dumps(public)
        data = self._data(options["rp"]["id"], HAS_CREDENTIAL) + attested
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        response = {
            "clientDataJSON": to_text(client),
            "attestationObject": to_text(made),
            "transports": ["usb"],
        }
        return shown(credential_id, response)

    def show(self, options: Mapping[str, Any], credential_id: bytes | None = None) -> Json:
        """What `navigator.credentials.get` gives, as JSON, by the passkey made last."""
        credential_id = credential_id or list(self.keys)[-1]
        key, handle = self.keys[credential_id]
        self.count += self.step
        data = self._data(options["rpId"], 0)
        client = self._client("webauthn.get", options["challenge"])
        signature = key.sign(data + hashlib.sha256(client).digest(), ECDSA(SHA256()))
        response = {
            "clientDataJSON": to_text(client),
            "authenticatorData": to_text(data),
            "signature": to_text(signature),
            "userHandle": to_text(handle),
        }
        return shown(credential_id, response)

    def _data(self, site: str, flags: int) -> bytes:
        return hashlib.sha256(site.encode()).digest() + struct.pack(">BI", self.flags | flags, self.count)

    def _client(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()


def shown(credential_id: bytes, response: Json) -> Json:
    return {
        "id": to_text(credential_id),
        "rawId": to_text(credential_id),
        "type": "public-key",
        "response": response,
        "clientExtensionResults": {},
        "authenticatorAttachment": "platform",
    }


def at_localhost(url: str) -> str:
    """The same address by a name: browsers have no passkeys for bare numbers."""
    return f"http://localhost:{urlsplit(url).port}"


def to_text(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def from_text(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))

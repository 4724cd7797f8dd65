"""Keeping a provider's tokens so that a stolen registry opens nothing.

The key is made of the session's secret, which only the browser's cookie has: the hub can open what it keeps
while the session is used, and at no other time.
"""

import hashlib
from collections.abc import Callable

NONCE_BYTES = 12


def seal(secret: str, text: str, random_bytes: Callable[[int], bytes]) -> bytes:
    """The text, for who has the secret (AES-256-GCM)."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = random_bytes(NONCE_BYTES)
    return nonce + AESGCM(_key(secret)).encrypt(nonce, text.encode(), None)


def unseal(secret: str, sealed: bytes) -> str | None:
    """What was sealed with this secret; None for anything else."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(_key(secret)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()
    except (InvalidTag, ValueError):
        return None


def _key(secret: str) -> bytes:
    return hashlib.blake2b(secret.encode(), digest_size=32, person=b"hub oidc tokens").digest()

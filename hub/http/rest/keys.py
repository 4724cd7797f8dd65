"""REST: a device's API keys."""

from hub.errors import Invalid, Unreadable
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import KeyIn, KeyNew, KeyOut, KeysOut
from hub.http.rest.times import rfc3339
from hub.http.rooms import FLEET
from hub.model import ALL_KEY_RIGHTS, ApiKey
from hub.model.certificate import Certificate, read_pem
from hub.model.key import Key


async def list_keys(call: Call[Nothing, Nothing]) -> KeysOut:
    """List a device's keys, oldest first."""
    return KeysOut(keys=[_shown(key) for key in call.app[FLEET].keys.of(call.device())])


async def add_key(call: Call[Nothing, KeyIn]) -> KeyNew:
    """Make a key for a device, or add a certificate, also in place of another; a key is shown this once."""
    device, keys, body = call.device(), call.app[FLEET].keys, call.body
    certificate = None if body.certificate is None else _read_certificate(body.certificate)
    made: Key | ApiKey
    if body.replaces is not None:
        if body.rights is not None or body.ttl_s is not None:
            raise Invalid(
                "replaces: the new key has the rights of the old one; leave rights and ttl_s out", "replaces"
            )
        if certificate is None:
            made = await keys.rotate(device, body.replaces, body.overlap_s)
        else:
            made = await keys.rotate_to_certificate(device, body.replaces, body.overlap_s, certificate)
    else:
        rights = ALL_KEY_RIGHTS if body.rights is None else frozenset(body.rights)
        if certificate is None:
            made = await keys.add(device, rights, body.ttl_s)
        else:
            made = await keys.add_certificate(device, certificate, rights, body.ttl_s)
    [kept] = [key for key in keys.of(device) if key.id == made.id]
    return KeyNew(
        id=made.id,
        key=str(made) if isinstance(made, Key) else None,
        created_at=rfc3339(kept.created_at),
        expires_at=None if kept.expires_at is None else rfc3339(kept.expires_at),
        rights=sorted(kept.rights),
        certificate=_fingerprint(kept),
    )


def _read_certificate(pem: str) -> Certificate:
    try:
        return read_pem(pem)
    except Unreadable as error:
        raise Invalid(f"certificate: {error}", "certificate") from error


def _fingerprint(key: ApiKey) -> str | None:
    return None if key.certificate is None else key.certificate.hex()


async def revoke_key(call: Call[Nothing, Nothing]) -> None:
    """End a key for good, and the sessions that began with it."""
    await call.app[FLEET].keys.revoke(call.device(), call.request.match_info["key_id"])


def _shown(key: ApiKey) -> KeyOut:
    return KeyOut(
        id=key.id,
        created_at=rfc3339(key.created_at),
        last_used_at=None if key.last_used_at is None else rfc3339(key.last_used_at),
        last_used_from=key.last_used_from,
        revoked_at=None if key.revoked_at is None else rfc3339(key.revoked_at),
        expires_at=None if key.expires_at is None else rfc3339(key.expires_at),
        rights=sorted(key.rights),
        certificate=_fingerprint(key),
    )

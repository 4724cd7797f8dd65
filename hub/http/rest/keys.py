"""REST: a device's API keys."""

from hub.errors import Invalid
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import KeyIn, KeyNew, KeyOut, KeysOut
from hub.http.rest.times import rfc3339
from hub.http.rooms import FLEET
from hub.model import ALL_KEY_RIGHTS, ApiKey


async def list_keys(call: Call[Nothing, Nothing]) -> KeysOut:
    """List a device's keys, oldest first."""
    return KeysOut(keys=[_shown(key) for key in call.app[FLEET].keys.of(call.device())])


async def add_key(call: Call[Nothing, KeyIn]) -> KeyNew:
    """Make one more key for a device, or one in place of another; it is shown this once."""
    device, keys, body = call.device(), call.app[FLEET].keys, call.body
    if body.replaces is None:
        rights = ALL_KEY_RIGHTS if body.rights is None else frozenset(body.rights)
        made = await keys.add(device, rights, body.ttl_s)
    elif body.rights is None and body.ttl_s is None:
        made = await keys.rotate(device, body.replaces, body.overlap_s)
    else:
        raise Invalid(
            "replaces: the new key has the rights of the old one; leave rights and ttl_s out", "replaces"
        )
    [kept] = [key for key in keys.of(device) if key.id == made.id]
    return KeyNew(
        id=made.id,
        key=str(made),
        created_at=rfc3339(kept.created_at),
        expires_at=None if kept.expires_at is None else rfc3339(kept.expires_at),
        rights=sorted(kept.rights),
    )


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
    )

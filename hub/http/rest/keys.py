"""REST: a device's API keys."""

from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import KeyNew, KeyOut, KeysOut
from hub.http.rest.times import rfc3339
from hub.http.rooms import FLEET
from hub.model import ApiKey


async def list_keys(call: Call[Nothing, Nothing]) -> KeysOut:
    """List a device's keys, oldest first."""
    return KeysOut(keys=[_shown(key) for key in call.app[FLEET].keys.of(call.device())])


async def add_key(call: Call[Nothing, Nothing]) -> KeyNew:
    """Make one more key for a device; it is shown this once."""
    device = call.device()
    made = await call.app[FLEET].keys.add(device)
    [kept] = [key for key in call.app[FLEET].keys.of(device) if key.id == made.id]
    return KeyNew(id=made.id, key=str(made), created_at=rfc3339(kept.created_at))


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
    )

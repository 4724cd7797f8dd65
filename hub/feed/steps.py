"""What is told step by step beside readings, and waits for a slow viewer: bounded."""

from hub.feed.viewer import Subscription

# What may wait of one kind. More is dropped, and the viewer told to ask REST for the list.
WAITING_MAX = 100
WAITING_MAX_BYTES = 262_144


def queue_step(subscription: Subscription, family: str, kind: str, message: bytes, skipped: bytes) -> None:
    """Have the viewer sent this, after the other steps; it takes the place of an older one of its kind.

    Kinds of one family begin with its name. Where too much of them waits, `skipped` takes the place of all.
    """
    notices = subscription.notices
    notices.pop(kind, None)
    waiting = {name: len(notice) for name, notice in notices.items() if name.startswith(family)}
    if len(waiting) < WAITING_MAX and sum(waiting.values()) + len(message) <= WAITING_MAX_BYTES:
        notices[kind] = message
    else:
        for name in waiting:
            del notices[name]
        notices[f"{family}skipped"] = skipped
    subscription.viewer.wake(subscription)

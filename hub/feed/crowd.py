"""Who watches a device, and what they are told of each other."""

from collections import Counter
from collections.abc import Iterable, Mapping

import orjson

from hub.feed.viewer import Subscription

VIEWERS_NAMED = 20  # in one message, or as those who came and went; `count` counts all
_WHO = "who/"  # of notices


class Crowd:
    """Those who watch one channel. Whose token or grants are for some devices only does not learn of others:
    they see their own name alone.
    """

    __slots__ = ("_channel", "_count", "_names", "_told")

    def __init__(self, channel: str) -> None:
        self._channel = channel
        self._count = 0
        self._names: Counter[str] = Counter()
        self._told: frozenset[str] = frozenset()  # who was here when that was told last

    def enter(self, subscription: Subscription) -> None:
        """One more."""
        self._count += 1
        self._names[subscription.viewer.principal.name] += 1

    def leave(self, subscription: Subscription) -> None:
        """One less."""
        self._count -= 1
        self._names[subscription.viewer.principal.name] -= 1
        self._names += Counter()  # without those that are at 0

    def shown_to(self, subscription: Subscription) -> dict[str, object]:
        """How many watch, and who they are, as this one may know it."""
        return self._shown(_own_name(subscription))

    def _shown(self, own_name: str | None) -> dict[str, object]:
        if own_name is not None:
            return {"count": self._names[own_name], "names": [own_name]}
        return {"count": self._count, "names": sorted(self._names)[:VIEWERS_NAMED]}

    def tell(self, subscriptions: Iterable[Subscription]) -> None:
        """Say who came, who went, and who is here now."""
        changes = self._changes()
        made: dict[str | None, bytes] = {}
        for subscription in subscriptions:
            name = _own_name(subscription)
            if name not in made:
                head = {"type": "viewers", "channel": self._channel}
                made[name] = orjson.dumps({**head, **self._shown(name)})
            if name is None:
                _tell_changes(subscription, changes)
            subscription.notices["viewers"] = made[name]
            subscription.viewer.wake(subscription)

    def _changes(self) -> dict[str, bytes]:
        """By name what there is to tell of them; somebody with several dashboards comes and goes once."""
        now = frozenset(self._names)
        joined, left = sorted(now - self._told), sorted(self._told - now)
        self._told = now
        changes = [*((name, "joined") for name in joined), *((name, "left") for name in left)]
        return {
            name: orjson.dumps({"type": kind, "channel": self._channel, "who": name})
            for name, kind in changes[:VIEWERS_NAMED]
        }


def _tell_changes(subscription: Subscription, changes: Mapping[str, bytes]) -> None:
    """Of a crowd that comes and goes faster than the viewer reads, `viewers` has the sum."""
    for name, message in changes.items():
        if name == subscription.viewer.principal.name:
            continue
        waiting = sum(kind.startswith(_WHO) for kind in subscription.notices)
        if subscription.notices.pop(f"{_WHO}{name}", None) is not None or waiting < VIEWERS_NAMED:
            subscription.notices[f"{_WHO}{name}"] = message


def _own_name(subscription: Subscription) -> str | None:
    """The viewer's name, where it is all that it may know."""
    principal = subscription.viewer.principal
    return None if principal.scopes is None else principal.name

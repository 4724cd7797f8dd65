"""One alert, not forty: while what a rule depends on is down, its own alerts are held back.

What is down is a device that is offline or stale; of a label, that is a site, all of its devices. Alerts that
opened before anybody could know are marked as silenced by it. When it is back, its dependants have
RETURN_GRACE_US to be well again before what still fires is told.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hub.alerts.ledger import Ledger
from hub.alerts.post import Post
from hub.model import Device, Presence
from hub.model.alert import Silenced
from hub.model.rule import Which

RETURN_GRACE_US = 60_000_000
# Without its name: who sees the alert may not be let to see the gateway.
CUT_OFF = "what its rule depends on is down"
DOWN = (Presence.OFFLINE, Presence.STALE)


class _Support(NamedTuple):
    device: Device
    presence: Presence


class Dependence:
    """Knows the presence of every device. `back` is told of a post whose rule's support has been back."""

    def __init__(self, ledger: Ledger, back: Callable[[Post], None]) -> None:
        self._ledger = ledger
        self._back = back
        self._devices: dict[str, _Support] = {}
        self._held: dict[int, Post] = {}  # by their identity
        self._marked: dict[int, Post] = {}  # whose alert is silenced by this
        self.is_used = False  # whether any rule depends on something
        self._look_at: int | None = None  # when what came back is looked at again

    def known(self, device: Device, presence: Presence | None) -> None:
        """A device is there, or has changed."""
        before = self._devices.get(device.id)
        kept = before.presence if before else Presence.NEVER_SEEN
        self._devices[device.id] = _Support(device, presence or kept)

    def forget(self, device: Device) -> None:
        """A device is no more."""
        self._devices.pop(device.id, None)

    def presence_of(self, device_id: str) -> Presence:
        """As far as is known."""
        found = self._devices.get(device_id)
        return Presence.NEVER_SEEN if found is None else found.presence

    def is_down(self, post: Post) -> bool:
        """Whether what the post's rule depends on is down; the post is held then."""
        if self._is_cut_off(post):
            self._held[id(post)] = post
            return True
        return False

    def release(self, post: Post) -> None:
        """The post has nothing to tell any more."""
        self._held.pop(id(post), None)
        self._marked.pop(id(post), None)

    def changed(self, device: Device, presence: Presence, now: int) -> None:
        """A device came or went."""
        self.known(device, presence)
        if not self.is_used:
            return  # thousands of devices may go at once, with thousands of alerts open
        if presence in DOWN:
            for post in self._ledger.posts():
                alert = None if id(post) in self._marked else post.alert
                if alert is not None and alert.silenced is None and self._is_cut_off(post):
                    self._marked[id(post)] = post
                    self._ledger.silence(alert, Silenced(CUT_OFF), now)
        elif (self._held or self._marked) and self._look_at is None:
            self._look_at = now + RETURN_GRACE_US

    def tick(self, now: int) -> None:
        """Look at what was held back, a while after something came back."""
        if self._look_at is None or now < self._look_at:
            return
        self._look_at = None
        for post in list(self._held.values()):
            if not self._is_cut_off(post):
                del self._held[id(post)]
                self._back(post)
        for post in list(self._marked.values()):
            if not self._is_cut_off(post):
                del self._marked[id(post)]
                if post.alert is not None:
                    self._ledger.unsilence(post.alert, now)

    def _is_cut_off(self, post: Post) -> bool:
        which = post.rule.depends_on
        if which is None or which.covers(post.device.id, post.device.labels):
            return False  # what stands for itself is told of
        return self._are_down(which)

    def _are_down(self, which: Which) -> bool:
        if which.device is not None:
            return self.presence_of(which.device) in DOWN
        found = [one for one in self._devices.values() if _carries(which, one.device.labels)]
        return bool(found) and all(one.presence in DOWN for one in found)


def _carries(which: Which, labels: Mapping[str, str]) -> bool:
    return which.label is not None and labels.get(which.label[0]) == which.label[1]

"""A stream of several devices as those see it who may not see all of them."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from hashlib import blake2b

from hub.model import Scope

PLACES_MAX = 500  # handed out last; who comes back to an older one begins anew


class Sight:
    """What viewers of the same scopes have in common on one channel.

    `offset` counts what came (readings, or changes of alerts) of devices that these scopes covered when it
    came: by the channel's own offset they would learn how much the others send. `epoch` is of this count
    alone.
    """

    __slots__ = ("_places", "epoch", "keep_until_s", "offset", "scopes", "viewers")

    def __init__(self, scopes: frozenset[Scope], epoch: str) -> None:
        self.scopes = scopes
        self.epoch = epoch
        self.offset = 0
        self.viewers = 0
        self.keep_until_s = 0.0  # once nobody watches
        self._places: deque[tuple[int, int]] = deque(maxlen=PLACES_MAX)

    def hand_out(self, channel_offset: int) -> int:
        """The offset that stands for this one of the channel, for somebody who is told of it."""
        if not self._places or self._places[-1][0] != self.offset:
            self._places.append((self.offset, channel_offset))
        return self.offset

    def channel_offset(self, offset: int) -> int | None:
        """For which offset of the channel this one was handed out; None where that is not known any more."""
        return next((at for handed, at in reversed(self._places) if handed == offset), None)

    def covers(self, device_id: str, labels: Mapping[str, str]) -> bool:
        """Whether a device with these labels is in sight."""
        return any(scope.covers(device_id, labels) for scope in self.scopes)


class Sights:
    """Those of one channel. One that nobody watches by is kept for `resume_window_s`, as the log is."""

    def __init__(self, channel: str, resume_window_s: float, clock: Callable[[], float]) -> None:
        self._channel = channel  # its epoch, or another name that no other channel has in any run
        self._resume_window_s = resume_window_s
        self._clock = clock
        self._by_scopes: dict[frozenset[Scope], Sight] = {}
        self._made = 0

    def __len__(self) -> int:
        return len(self._by_scopes)

    def __iter__(self) -> Iterator[Sight]:
        return iter(self._by_scopes.values())

    def enter(self, scopes: frozenset[Scope]) -> Sight:
        """What a viewer who comes now sees, who has these scopes."""
        now_s = self._clock()
        self._by_scopes = {
            one: sight
            for one, sight in self._by_scopes.items()
            if sight.viewers or sight.keep_until_s > now_s or one == scopes
        }
        if scopes not in self._by_scopes:
            self._made += 1
            text = f"{self._channel} {self._made}".encode()
            self._by_scopes[scopes] = Sight(scopes, blake2b(text, digest_size=4).hexdigest())
        sight = self._by_scopes[scopes]
        sight.viewers += 1
        return sight

    def leave(self, sight: Sight) -> None:
        """One viewer less. Its count goes on a while: the viewer may come back."""
        sight.viewers -= 1
        sight.keep_until_s = self._clock() + self._resume_window_s

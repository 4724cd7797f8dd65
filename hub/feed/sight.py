"""A stream of several devices as those see it who may not see all of them."""

from collections import deque

from hub.model import Scope

PLACES_MAX = 500  # handed out last; who comes back to an older one begins anew


class Sight:
    """What viewers of the same scopes have in common on one channel.

    `offset` counts the readings of devices that these scopes covered when the readings came: by the channel's
    own offset they would learn how much the others send. `epoch` is of this count alone.
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

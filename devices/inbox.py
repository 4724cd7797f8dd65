"""What the hub sends to a device, until its program takes it."""

import asyncio
from collections import deque

from devices.wire import Incoming, Request, Wish

_ARRIVED_MAX = 100  # not yet read; when full a new command is not acknowledged, and so comes again later
_KNOWN_MAX = 1_000

Arrived = asyncio.Queue[Incoming]


class CommandInbox:
    """Commands and wishes. The hub sends a command again where it does not know that it arrived; here each
    comes once.
    """

    def __init__(self) -> None:
        self.arrived: Arrived = asyncio.Queue(_ARRIVED_MAX)
        self.commands: deque[Request] = deque()
        self.wishes: dict[str, object] = {}
        self._known: dict[str, None] = {}  # ids of commands that came, the newest last

    @property
    def has_room(self) -> bool:
        """Whether one more may be taken."""
        return len(self.commands) < _ARRIVED_MAX

    def take(self, incoming: Incoming) -> None:
        """Something arrived."""
        if isinstance(incoming, Wish):
            self.wishes |= incoming.values
        elif incoming.id not in self._known:
            self._known[incoming.id] = None
            if len(self._known) > _KNOWN_MAX:
                del self._known[next(iter(self._known))]
            self.commands.append(incoming)

    def next_wishes(self) -> dict[str, object]:
        """All that is wished for since the last time."""
        wishes, self.wishes = self.wishes, {}
        return wishes

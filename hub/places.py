"""The places of connections: how many may be open, from where, and how long one may say nothing.

Where all places are taken, the newcomer gets that of the connection which has waited longest without saying
anything useful. A stranger who opens many silent connections so pushes out his own.
"""

import asyncio
import ipaddress
import resource
from collections.abc import Callable
from enum import Enum

from hub.logs import Logger, RateLimitedLog

SPARE_FILES_MAX = 512  # left to the stores and to requests under way; an eighth, where the system allows few
ENDED_AT_ONCE = 32  # for their silence, about 20 µs each, before others have their turn of the loop

_log = Logger("listener")


class _PlaceState(Enum):
    SILENT = "has not said yet what it wants"
    BUSY = "is served"
    IDLE = "was served, and waits"


class ConnectionPlace:
    """One connection's place. It begins silent; its protocol says when it is served, when it waits, and when
    it is over.
    """

    __slots__ = ("_abort", "_places", "address", "due_s", "group", "state")

    def __init__(self, places: "ConnectionPlaces", address: str, group: str) -> None:
        self._places = places
        self._abort: Callable[[], object] | None = None
        self.address = address  # as accept told it: once the connection is gone, the system does not know it
        self.group = group
        self.due_s = 0.0
        self.state = _PlaceState.SILENT

    @property
    def is_idle(self) -> bool:
        """Whether it was served and waits."""
        return self.state is _PlaceState.IDLE

    @property
    def is_open(self) -> bool:
        """Whether it is still this connection's."""
        return self in self._places

    def ends_by(self, abort: Callable[[], object]) -> None:
        """How the connection is ended when another gets its place."""
        self._abort = abort

    def silent(self) -> None:
        """Something begins: it has to be whole in time."""
        self._places.move(self, _PlaceState.SILENT)

    def busy(self) -> None:
        """It is served; it keeps its place."""
        self._places.move(self, _PlaceState.BUSY)

    def idle(self) -> None:
        """It was served and may come again; others may have its place before."""
        self._places.move(self, _PlaceState.IDLE)

    def leave(self) -> None:
        """It is over."""
        self._places.leave(self)

    def end(self) -> None:
        """Another gets the place, or its time is over."""
        self._places.leave(self)
        if self._abort is not None:
            self._abort()


class ConnectionPlaces:
    """How many connections of one kind may be open: in all, and from one address. Silent ones end after
    `silent_s`.

    `name` is the section of the configuration that bounds them; `is_exempt` says of which addresses any
    number may come. Without `keeps_busy` a place is free as soon as its connection is served: the places are
    for silent ones.
    """

    def __init__(
        self,
        name: str,
        most: int,
        silent_s: float,
        *,
        per_address: int | None = None,
        is_exempt: Callable[[str], bool] = lambda _address: False,
        keeps_busy: bool = True,
    ) -> None:
        self._name = name
        self._keeps_busy = keeps_busy
        self._most = most
        self._per_address = per_address
        self._is_exempt = is_exempt
        self._silent_s = silent_s
        self._files_max = _files_max()
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._open: set[ConnectionPlace] = set()
        self._silent: dict[ConnectionPlace, None] = {}  # in the order of their time
        self._idle: dict[ConnectionPlace, None] = {}
        self._waiting: dict[str, dict[ConnectionPlace, None]] = {}  # silent and idle ones, by address
        self._counts: dict[str, int] = {}  # by address
        self._refusals = RateLimitedLog(_log)

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, place: ConnectionPlace) -> bool:
        return place in self._open

    def take(self, address: str, file: int) -> ConnectionPlace | None:
        """A place for a connection from `address` whose file has this number; None where none is free."""
        group = _group(address)
        if (
            self._per_address is not None
            and self._counts.get(group, 0) >= self._per_address
            and not self._is_exempt(address)
            and not self._end_one(self._waiting.get(group, {}))
        ):
            self._refusals.warning("too many connections from one address", address, limit=self._name)
            return None
        if (len(self._open) >= self._most or file >= self._files_max) and not (
            self._end_one(self._silent) or self._end_one(self._idle)
        ):
            self._refusals.warning("too many connections", address, limit=self._name)
            return None
        place = ConnectionPlace(self, address, group)
        self._open.add(place)
        self._counts[group] = self._counts.get(group, 0) + 1
        self._wait(place)
        return place

    @staticmethod
    def _end_one(waiting: dict[ConnectionPlace, None]) -> bool:
        """End the one that has waited longest; False where none waits."""
        oldest = next(iter(waiting), None)
        if oldest is not None:
            oldest.end()
        return oldest is not None

    def move(self, place: ConnectionPlace, state: _PlaceState) -> None:
        """The place is in another state now."""
        if state is _PlaceState.BUSY and not self._keeps_busy:
            self.leave(place)
        elif place in self._open:
            self._forget(place)
            place.state = state
            self._wait(place)

    def leave(self, place: ConnectionPlace) -> None:
        """The place is free."""
        if place not in self._open:
            return
        self._open.remove(place)
        self._forget(place)
        count = self._counts.pop(place.group) - 1
        if count:
            self._counts[place.group] = count

    def _wait(self, place: ConnectionPlace) -> None:
        if place.state is _PlaceState.BUSY:
            return
        self._waiting.setdefault(place.group, {})[place] = None
        if place.state is _PlaceState.IDLE:
            self._idle[place] = None
            return
        place.due_s = self._loop.time() + self._silent_s
        self._silent[place] = None
        if self._timer is None:
            self._timer = self._loop.call_at(place.due_s, self._end_silent)

    def _forget(self, place: ConnectionPlace) -> None:
        self._silent.pop(place, None)
        self._idle.pop(place, None)
        waiting = self._waiting.get(place.group)
        if waiting is not None:
            waiting.pop(place, None)
            if not waiting:
                del self._waiting[place.group]

    def _end_silent(self) -> None:
        self._timer = None
        now_s = self._loop.time()
        ended = 0
        while (first := next(iter(self._silent), None)) is not None:
            if first.due_s > now_s or ended == ENDED_AT_ONCE:
                self._timer = self._loop.call_at(first.due_s, self._end_silent)
                return
            first.end()
            ended += 1

    def close(self) -> None:
        """End the timers."""
        self._refusals.close()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _files_max() -> float:
    """From which number on a file is one of the last few."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return float("inf") if most == resource.RLIM_INFINITY else most - min(SPARE_FILES_MAX, most // 8)


def _group(address: str) -> str:
    """Whom an address stands for: with IPv6 one customer has 2^64 of them."""
    if ":" not in address:
        return address
    parsed = ipaddress.IPv6Address(address.partition("%")[0])
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))

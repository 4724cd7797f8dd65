"""Accepting connections, for every transport: how many, from where, and how long one may say nothing.

Theory. asyncio's own servers accept whatever comes and tell the protocol afterwards; with TLS only after the
handshake, and uvloop's close their listening socket for good when the process has no file left to open. So
the hub accepts by itself. It knows the address and the number of the file before anything is built for a
connection. A new file gets the lowest free number, so this number tells how many are open, whoever opened
them: the last few are left to the stores.

Where all places are taken, the newcomer gets that of the connection which has waited longest without saying
anything useful. A stranger who opens many silent connections so pushes out his own.
"""

import asyncio
import errno
import ipaddress
import resource
import socket
import ssl
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import Enum
from functools import partial
from pathlib import Path

from hub.logs import Logger, RateLimitedLog

BACKLOG = 1024  # that the system keeps while others are accepted; after a power cut all devices come at once
ACCEPTED_AT_ONCE = 64  # before others have their turn of the loop
PAUSE_S = 0.1  # before the next try, where the system has no file or memory for a connection
SPARE_FILES_MAX = 512  # left to the stores and to requests under way; an eighth, where the system allows few
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

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
        while (first := next(iter(self._silent), None)) is not None:
            if first.due_s > now_s:
                self._timer = self._loop.call_at(first.due_s, self._end_silent)
                return
            first.end()

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


class Listener:
    """Accepts on the sockets it is given, from `start` to `close`; `make` builds a connection's protocol, and
    `tls` gives the context of the next handshake.
    """

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        places: ConnectionPlaces,
        make: Callable[[ConnectionPlace], asyncio.BaseProtocol],
        *,
        tls: Callable[[], ssl.SSLContext] | None = None,
        handshake_s: float = 10.0,
    ) -> None:
        self._sockets = list(sockets)
        self._places = places
        self._make = make
        self._tls = tls
        self._handshake_s = handshake_s
        self._loop = asyncio.get_running_loop()
        self._opening: dict[asyncio.Task[None], ConnectionPlace] = {}
        self._paused: dict[socket.socket, asyncio.TimerHandle] = {}
        self._failures = RateLimitedLog(_log)

    @property
    def port(self) -> int:
        """Of the first socket, as bound."""
        bound: int = self._sockets[0].getsockname()[1]
        return bound

    def start(self) -> None:
        """Accept from now on."""
        for listening in self._sockets:
            listening.listen(BACKLOG)
            self._watch(listening)

    def _watch(self, listening: socket.socket) -> None:
        self._paused.pop(listening, None)
        self._loop.add_reader(listening, self._accept, listening)

    def _accept(self, listening: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                accepted, peer = listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                if error.errno not in _NO_ROOM:
                    continue  # that peer is gone already (accept(2), ECONNABORTED and network errors)
                # The system would say at once that there is something to accept, over and over.
                self._failures.warning("no connection can be accepted", "", why=error.strerror)
                self._loop.remove_reader(listening)
                self._paused[listening] = self._loop.call_later(PAUSE_S, self._watch, listening)
                return
            address = peer[0] if isinstance(peer, tuple) else "local"
            place = self._places.take(address, accepted.fileno())
            if place is None:
                accepted.close()
                continue
            accepted.settimeout(0)
            # uvloop loses the file of a connection whose opening is cancelled; shut down, it opens and ends.
            place.ends_by(partial(_shut, accepted))
            task = self._loop.create_task(self._open(accepted, place))
            self._opening[task] = place
            task.add_done_callback(self._opening.pop)

    async def _open(self, accepted: socket.socket, place: ConnectionPlace) -> None:
        """Give the connection to its protocol, with TLS after the handshake."""
        try:
            transport, _ = await self._loop.connect_accepted_socket(
                lambda: self._make(place),
                accepted,
                ssl=self._tls() if self._tls else None,
                ssl_handshake_timeout=self._handshake_s if self._tls else None,
            )
        except OSError as error:  # SSLError and TimeoutError are among these
            place.leave()
            accepted.close()
            self._failures.info("a connection could not be opened", place.address, why=str(error)[:200])
            return
        place.ends_by(transport.abort)
        if not place.is_open:
            transport.abort()

    def close(self) -> None:
        """Accept no more; connections that are open go on."""
        sockets, self._sockets = self._sockets, []
        for listening in sockets:
            paused = self._paused.pop(listening, None)
            if paused is not None:
                paused.cancel()
            self._loop.remove_reader(listening)
            listening.close()
        for place in list(self._opening.values()):
            place.end()
        self._places.close()
        self._failures.close()


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):  # the peer was quicker
        connection.shutdown(socket.SHUT_RDWR)


async def bind(host: str, port: int) -> list[socket.socket]:
    """Sockets on every address that `host` stands for, "" for all; nothing listens yet. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            sockets.append(one)
            one.settimeout(0)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
    except OSError:
        for one in sockets:
            one.close()
        raise
    return sockets


def bind_unix(path: Path) -> socket.socket:
    """A socket at `path` that its owner alone can open, in place of one that an earlier process left there.

    Raises OSError.
    """
    with suppress(FileNotFoundError):
        if stat.S_ISSOCK(path.stat().st_mode):
            path.unlink()
    one = socket.socket(socket.AF_UNIX)
    try:
        one.settimeout(0)
        one.bind(str(path))
        path.chmod(0o600)  # before anyone can connect: nothing listens yet
    except OSError:
        one.close()
        raise
    return one

"""Accepting connections, for every transport, as long as there is a place for them.

Theory. asyncio's own servers accept whatever comes and tell the protocol afterwards; with TLS only after the
handshake, and uvloop's close their listening socket for good when the process has no file left to open. So
the hub accepts by itself. It knows the address and the number of the file before anything is built for a
connection. A new file gets the lowest free number, so this number tells how many are open, whoever opened
them: the last few are left to the stores.

Nothing is built for a connection before it says something, for in each of these protocols the client speaks
first. A silent one costs an open file, and a flood of them a few µs each. Those that speak are opened a few
in each turn of the loop: the answers of everyone else take a handful of turns, and are not to wait for more.
"""

import asyncio
import errno
import socket
import ssl
import stat
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from hub.logs import Logger, RateLimitedLog
from hub.places import ConnectionPlace, ConnectionPlaces

BACKLOG = 1024  # that the system keeps while others are accepted; after a power cut all devices come at once
# Before others have their turn of the loop: accepted, about 20 µs each; opened, with the first of what they
# ask about 1 ms.
ACCEPTED_AT_ONCE = 32
OPENED_AT_ONCE = 4
PAUSE_S = 0.1  # before the next try, where the system has no file or memory for a connection
_NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

_log = Logger("listener")


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
        self._silent: dict[socket.socket, ConnectionPlace] = {}
        self._ready: deque[tuple[socket.socket, ConnectionPlace]] = deque()  # have spoken; bounded by places
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
            place.ends_by(partial(self._drop, accepted))
            self._silent[accepted] = place
            self._loop.add_reader(accepted, self._look, accepted)

    def _drop(self, silent: socket.socket) -> None:
        """It has said nothing, and does not get to."""
        del self._silent[silent]
        self._loop.remove_reader(silent)
        silent.close()

    def _look(self, accepted: socket.socket) -> None:
        """It says something, or is gone."""
        place = self._silent[accepted]
        try:
            if not accepted.recv(1, socket.MSG_PEEK):
                place.end()
                return
        except BlockingIOError:
            return
        except OSError:  # reset
            place.end()
            return
        del self._silent[accepted]
        self._loop.remove_reader(accepted)
        # uvloop loses the file of a connection whose opening is cancelled; shut down, it opens and ends.
        place.ends_by(partial(_shut, accepted))
        if not self._ready:
            self._loop.call_soon(self._open_some)
        self._ready.append((accepted, place))

    def _open_some(self) -> None:
        for _ in range(min(len(self._ready), OPENED_AT_ONCE)):
            accepted, place = self._ready.popleft()
            if not place.is_open:  # another has its place by now
                accepted.close()
                continue
            task = self._loop.create_task(self._open(accepted, place))
            self._opening[task] = place
            task.add_done_callback(self._opening.pop)
        if self._ready:
            self._loop.call_soon(self._open_some)

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
        for place in [*self._silent.values(), *self._opening.values()]:
            place.end()
        while self._ready:
            accepted, place = self._ready.popleft()
            place.end()
            accepted.close()
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

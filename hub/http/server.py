"""Serves an application: by TCP for everyone, and by a Unix socket for the owner of the process."""

import ssl
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from hub.config import HttpConfig
from hub.http.access import ACCESS
from hub.http.connection import HttpConnection
from hub.listener import Listener, bind, bind_unix
from hub.logs import Logger, RateLimitedLog
from hub.places import ConnectionPlace, ConnectionPlaces

LOCAL_MAX = 100  # connections by the Unix socket

_log = Logger("http")


class Server:
    """Serves `app` from `start` to `stop`. A connection has `silent_s` to send the head of its request."""

    def __init__(self, app: web.Application, config: HttpConfig, silent_s: float, stop_s: float) -> None:
        self._config = config
        self._silent_s = silent_s
        self._runner = web.AppRunner(app, shutdown_timeout=stop_s, handle_signals=False)
        self._access = app[ACCESS]
        self._listeners: list[Listener] = []
        self._refusals = RateLimitedLog(_log)

    async def start(self) -> None:
        """Get ready; nothing listens yet."""
        await self._runner.setup()

    async def listen(self, host: str, port: int, tls: Callable[[], ssl.SSLContext] | None = None) -> int:
        """Listen on TCP; the port that was bound. `tls` gives the context of the next handshake.

        Raises OSError.
        """
        places = ConnectionPlaces(
            "http.connections_max",
            self._config.connections_max,
            self._silent_s,
            per_address=self._config.connections_per_address_max,
            is_exempt=self._access.is_proxy,
        )
        listener = Listener(
            await bind(host, port), places, self._connection, tls=tls, handshake_s=self._silent_s
        )
        self._listeners.append(listener)
        listener.start()
        return listener.port

    async def listen_locally(self, path: Path) -> None:
        """Listen on a Unix socket that its owner alone can open. Raises OSError."""
        places = ConnectionPlaces("the Unix socket", LOCAL_MAX, self._silent_s)
        listener = Listener([bind_unix(path)], places, self._connection)
        self._listeners.append(listener)
        listener.start()

    def _connection(self, place: ConnectionPlace) -> HttpConnection:
        if self._runner.server is None:
            raise RuntimeError("start comes before listen")
        return HttpConnection(self._runner.server, place, self._refusals)

    async def stop(self) -> None:
        """Accept no more, tell all sockets, and see that what is under way ends in time."""
        for listener in self._listeners:
            listener.close()
        await self._runner.cleanup()
        self._refusals.close()

"""The way to a hub, which can be cut or stopped."""

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from tests.faults.proxy import Proxy
from tests.hub_process import HubProcess

DEADLINE_S = 30.0


class Network:
    """Stands before a hub, as what a browser visits or a device sends to instead: a proxy in a thread of its
    own.

    Chromium's own offline mode leaves open WebSockets alone, so connections are broken here.
    """

    def __init__(self, hub: HubProcess, port: int | None = None) -> None:
        """Before the hub's `port`, its page's if not given."""
        self._hub = hub
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="network")
        self._proxy = Proxy(port or int(hub.url.rsplit(":", 1)[1]))

    @property
    def url(self) -> str:
        """Of the page."""
        return f"http://127.0.0.1:{self._proxy.port}"

    @property
    def mqtt_port(self) -> int:
        """Where devices send to."""
        return self._proxy.port

    def login_link(self) -> str:
        """The hub's own: a cookie is for a host, whatever the port."""
        return self._hub.login_link()

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._proxy.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flow()
        self._run(self._proxy.__aexit__(kind, error, trace))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE_S)
        self._loop.close()

    def cut(self) -> None:
        """Break every connection, and each new one at once."""
        self._loop.call_soon_threadsafe(self._proxy.cut)

    def mend(self) -> None:
        """Let new connections through again."""
        self._loop.call_soon_threadsafe(self._proxy.mend)

    def stall(self) -> None:
        """Pass nothing on from the hub, with every connection left open."""
        self._loop.call_soon_threadsafe(self._proxy.flowing.clear)

    def flow(self) -> None:
        """Pass on again."""
        self._loop.call_soon_threadsafe(self._proxy.flowing.set)

    def _run(self, work: Coroutine[Any, Any, Any]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(DEADLINE_S)

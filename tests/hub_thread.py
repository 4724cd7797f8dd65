"""A real hub in a thread of the tests' own process: it starts in a fifth of the time that a process takes.

For tests that neither kill it, nor look at its process, its output or its exit code.
"""

import asyncio
import json
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvloop

from hub.compose import Surroundings
from hub.config import Config
from hub.config_faults import ENV_PREFIX
from hub.serve import Hub, running
from tests.history.disks import hanging_journal, refusing_file
from tests.hub_process import START_TIMEOUT_S, STOP_TIMEOUT_S, HubProcess


class HubThread(HubProcess):
    """As a HubProcess, with all its sockets and files real. Time and chance are those of `around`."""

    around = Surroundings()

    def start(self) -> "HubThread":
        """Start it and wait until it is ready."""
        ready = threading.Event()
        self._failure: list[BaseException] = []
        self._thread = threading.Thread(target=self._run, args=(ready,), name=f"hub {self.data_dir}")
        self._thread.start()
        assert ready.wait(START_TIMEOUT_S), "the hub did not start"
        if self._failure:
            self._thread.join()
            raise self._failure[0]
        return self

    def _run(self, ready: threading.Event) -> None:
        try:
            self.run_loop(self._serve(ready))
        except BaseException as error:  # noqa: BLE001  # told by `start` or `stop`, in the tests' own thread
            self._failure.append(error)
        finally:
            ready.set()

    def run_loop(self, work: Coroutine[object, object, None]) -> None:
        """Run the hub to its end."""
        uvloop.run(work)

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        async with running(_config(self._settings), around=self.around) as hub:
            self._rooms = hub.rooms
            self._keep_ports(hub)
            ready.set()
            await self._stopped.wait()

    def _keep_ports(self, hub: Hub) -> None:
        """Listen on the same ones when started again."""
        self.url = hub.url
        self._settings["HUB__HTTP__PORT"] = hub.url.rsplit(":", 1)[1]
        if hub.mqtt_port:
            self.mqtt_port = hub.mqtt_port
            self._settings["HUB__MQTT__PORT"] = str(hub.mqtt_port)

    def stop(self) -> int:
        """As SIGTERM does. Without effect when it is not running."""
        thread: threading.Thread | None = getattr(self, "_thread", None)
        if thread is not None and thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
            thread.join(STOP_TIMEOUT_S)
            assert not thread.is_alive(), "the hub did not stop"
            if self._failure:
                raise self._failure[0]
        return 0

    @contextmanager
    def hanging_disk(self) -> Iterator[None]:
        """As a disk that does not answer: no commit ends, and none fails, until the block ends."""
        with hanging_journal(self._rooms.history):
            yield

    @contextmanager
    def refusing_history(self) -> Iterator[None]:
        """The history's file cannot be written, and the journal can, until the block ends."""
        with refusing_file(self._rooms.history):
            yield

    def kill(self) -> None:
        """A thread cannot be killed: a test that wants this starts a process."""
        raise NotImplementedError("use hub_process")


def _config(settings: dict[str, str]) -> Config:
    """What the environment would make of these, without setting it for others."""
    sections: dict[str, dict[str, Any]] = {}
    for name, value in settings.items():
        section, key = name.removeprefix(ENV_PREFIX).lower().split("__")
        sections.setdefault(section, {})[key] = _value(value)
    return Config.model_validate(sections)


def _value(text: str) -> object:
    return json.loads(text) if text.startswith("[") else text

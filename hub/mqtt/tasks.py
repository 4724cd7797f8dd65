"""What runs beside the connections: each task has its place in the server's group, and an end."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import NamedTuple

from hub.errors import HubError
from hub.flow import Hold, Holds
from hub.logs import Logger

WAITING_MAX = 64  # jobs of one connection that wait; more, and it is not read from

_log = Logger("mqtt")


class Tasks:
    """Runs what the connections start, from `begin` to `finish`."""

    def __init__(self) -> None:
        self._group: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, group: asyncio.TaskGroup) -> None:
        """From now on there is a group to run in."""
        self._group = group

    @property
    def running(self) -> bool:
        """Whether there is a group to run in."""
        return self._group is not None

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Run in the group. `work` handles its own errors: one that escapes stops the server."""
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, timeout_s: float) -> None:
        """Let the running tasks end; those that take longer are cancelled. None starts after this."""
        self._group = None
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=timeout_s)
            for task in late:
                task.cancel()


class _Job(NamedTuple):
    work: Coroutine[None, None, None]
    failed: Callable[[], None]  # called where it cannot be done


class Jobs:
    """What one connection asked for, done one after another. While many wait the connection is not read from.

    They are done to the end after the connection is gone: what came before the end was asked for.
    """

    __slots__ = ("_holds", "_spawn", "_waiting", "_working")

    def __init__(self, spawn: Callable[[Coroutine[None, None, None]], None], holds: Holds) -> None:
        self._spawn = spawn
        self._holds = holds
        self._waiting: list[_Job] = []  # at most about WAITING_MAX
        self._working = False

    def add(self, work: Coroutine[None, None, None], failed: Callable[[], None]) -> None:
        """Do this after what was added before."""
        self._waiting.append(_Job(work, failed))
        if len(self._waiting) >= WAITING_MAX:
            self._holds.hold(Hold.WORK)
        if not self._working:
            self._working = True
            self._spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._waiting:
                job = self._waiting.pop(0)
                try:
                    await job.work
                except HubError as error:
                    _log.warning("a job of a connection failed", why=str(error))
                    job.failed()
                except Exception:  # noqa: BLE001  # one connection's fault must not end the others
                    _log.exception("a job of a connection failed")
                    job.failed()
                if len(self._waiting) < WAITING_MAX:
                    self._holds.release(Hold.WORK)
        finally:
            self._working = False
            for job in self._waiting:
                job.work.close()

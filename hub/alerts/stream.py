"""What happens to alerts, for whoever notifies people: in order, each once, restarts included.

The changes are numbered and kept (registry: alert_changes). One consumer is given them one after the other.
Up to which it was given them is kept, too: after a restart it goes on there. A consumer that is killed
between taking a change and the note of it is given that change again, so it has to know the numbers it has
taken.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from hub.alerts.ledger import Ledger
from hub.errors import StoreError
from hub.logs import Logger
from hub.model import AlertChange
from hub.registry.alerts import StoredAlerts

AT_ONCE = 100
RETRY_S = 5.0
NEXT = "alert change to be told next"

_log = Logger("alerts")


class Consumer(Protocol):
    """Who is to know of changes. What it does not want to tell (`alert.late`, `alert.silenced`, not
    `alert.notify`) it leaves out itself.
    """

    async def take(self, change: AlertChange) -> None:
        """Take a change over: when it returns, it is the consumer's. Raises StoreError to be asked again."""


class ChangeStream:
    """Hands changes on. `noted` and `note` keep a number over restarts, by name."""

    def __init__(
        self,
        stored: StoredAlerts,
        ledger: Ledger,
        consumer: Consumer,
        noted: Callable[[str], Awaitable[int]],
        note: Callable[[str, int], Awaitable[None]],
    ) -> None:
        self._stored = stored
        self._ledger = ledger
        self._consumer = consumer
        self._noted = noted
        self._note = note

    async def run(self) -> None:
        """Hand on what happens, until cancelled."""
        while True:
            try:
                await self.hand_on()
            except StoreError as error:
                _log.error("what happens to alerts cannot be handed on; retrying", why=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            await self._ledger.written.wait()

    async def hand_on(self) -> None:
        """Hand on all that there is. Raises StoreError."""
        following = await self._noted(NEXT)
        if not following:  # nobody was told of anything before: what there is already is not news
            following = self._ledger.first_change
            await self._note(NEXT, following)
        self._ledger.written.clear()
        while changes := await self._stored.changes(following - 1, AT_ONCE):
            for change in changes:
                await self._consumer.take(change)
                following = change.number + 1
                await self._note(NEXT, following)

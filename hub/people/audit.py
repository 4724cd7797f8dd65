"""What people and programs did, and what was refused them, noted for good.

What is done is written at once. What is refused strangers can cause as often as they like: each kind of it is
written once, and then counted for a while. So a flood makes a few rows, and none of them costs the request
that caused it any time: by that a name that somebody has could be told from one that nobody has.
"""

from collections.abc import Callable
from dataclasses import replace

from hub.clock import HubClock
from hub.config import AuthConfig
from hub.errors import StoreError
from hub.logs import Logger
from hub.model import AuditEntry
from hub.registry.audit import AuditFilter, StoredAudit
from hub.timers import aligned_sleep

WRITE_INTERVAL_S = 1.0
COUNTED_S = 600.0
KINDS_MAX = 100  # of refusals counted apart; further ones together, by their result
TRIM_INTERVAL_S = 3600.0
OTHERS = "(others)"
DAY_US = 86_400_000_000

_log = Logger("audit")
_Kind = tuple[str, str, str, str, str]  # who, credential, address, what, result


class Audit:
    """The notes. `clock` gives µs UTC, `steady_s` steady seconds."""

    def __init__(
        self, stored: StoredAudit, auth: AuthConfig, clock: HubClock, steady_s: Callable[[], float]
    ) -> None:
        self._stored = stored
        self._auth = auth
        self._clock = clock
        self._steady_s = steady_s
        self._waiting: list[AuditEntry] = []  # refusals to be written
        self._counted: dict[_Kind, tuple[AuditEntry, int]] = {}  # the last of each kind, and how many more
        self._counted_since_s = steady_s()
        self._trimmed_at_s: float | None = None

    async def note(self, entry: AuditEntry) -> None:
        """Note what was done. It is done already: where that cannot be written, the log has it."""
        try:
            await self._stored.add(entry)
        except StoreError as error:
            _log.error("cannot note what was done", why=str(error), who=entry.who, what=entry.what)

    def note_refused(self, entry: AuditEntry) -> None:
        """Note what was refused, within a second."""
        kind = (entry.who, entry.credential, entry.address, entry.what, entry.result)
        if kind not in self._counted and len(self._counted) >= KINDS_MAX:
            kind = ("", "", OTHERS, OTHERS, entry.result)
            entry = replace(entry, who="", credential="", address=OTHERS, what=OTHERS, device=None, detail="")
        if kind in self._counted:
            self._counted[kind] = (entry, self._counted[kind][1] + 1)
        else:
            self._counted[kind] = (entry, 0)
            self._waiting.append(entry)

    async def find(self, wanted: AuditFilter, limit: int) -> list[AuditEntry]:
        """Entries, newest first. Raises StoreError."""
        return await self._stored.find(wanted, limit)

    # Beside all that

    async def run(self) -> None:
        """Write refusals, and take away what is old, until cancelled; then write once more."""
        try:
            while True:
                await aligned_sleep(WRITE_INTERVAL_S)
                await self.look()
        finally:
            self._gather_counts()
            await self._write()

    async def look(self) -> None:
        """One turn of the loop."""
        now_s = self._steady_s()
        if now_s - self._counted_since_s >= COUNTED_S:
            self._counted_since_s = now_s
            self._gather_counts()
        await self._write()
        if self._trimmed_at_s is None or now_s - self._trimmed_at_s >= TRIM_INTERVAL_S:
            self._trimmed_at_s = now_s
            await self._trim()

    def _gather_counts(self) -> None:
        """What came again is written; what did not is forgotten."""
        again = {kind: (entry, more) for kind, (entry, more) in self._counted.items() if more}
        self._waiting += [replace(entry, count=more) for entry, more in again.values()]
        self._counted = {kind: (entry, 0) for kind, (entry, _) in again.items()}

    async def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            await self._stored.add(*waiting)
        except StoreError as error:  # those that can be counted again are; the rest the log has
            _log.error("cannot note what was refused", why=str(error), entries=len(waiting))

    async def _trim(self) -> None:
        """Nothing goes by age while the clock may be wrong."""
        kept_us = round(self._auth.audit_keep_days * DAY_US)
        before = self._clock() - kept_us if kept_us and self._clock.is_trusted else None
        try:
            while await self._stored.trim(before, self._auth.audit_rows_max):
                pass
        except StoreError as error:
            _log.error("cannot take away what was noted long ago", why=str(error))

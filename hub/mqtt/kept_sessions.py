"""The sessions without a connection, and the wills they leave (MQTT 4.1, 3.1.3.2.2). No I/O."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from hub.model import Device
from hub.mqtt.codec.packets import Will
from hub.mqtt.session_state import Key, SessionState

PER_DEVICE_MAX = 8
"""How many sessions of one device are kept; the one left longest ago makes room.

So no device drives out another's.
"""


@dataclass(slots=True)
class _KeptSession:
    session: SessionState
    ends_at_s: float
    will: Will | None
    will_at_s: float = math.inf


Bequest = tuple[Device, Will]


class KeptSessions:
    """The sessions without a connection, in memory, at most `sessions_max`.

    Times in seconds by one steady clock.

    What comes due hands back wills: publishing them is the caller's. `over` is told of sessions that end.
    """

    def __init__(
        self,
        sessions_max: int,
        queued_max: int,
        clock_s: Callable[[], float],
        over: Callable[[SessionState], None],
    ) -> None:
        self._over = over
        self._max = sessions_max
        self._queued_max = queued_max
        self._clock_s = clock_s
        self._kept: dict[Key, _KeptSession] = {}  # the one left longest ago first
        self._of_device: dict[int, int] = {}  # how many are kept, by Device.number

    def __len__(self) -> int:
        return len(self._kept)

    def open(
        self, device: Device, client_id: str, *, clean: bool
    ) -> tuple[SessionState, bool, list[Bequest]]:
        """The session for a new connection, whether it was there before, and the wills due by its coming.

        A session taken up again cancels its will; one replaced by a clean start ends, and so its will is due
        (3.1.3.2.2).
        """
        kept = self._remove((device.number, client_id))
        if kept is None:
            return SessionState(device, client_id, self._queued_max), False, []
        if clean or kept.ends_at_s <= self._clock_s():
            self._over(kept.session)
            return SessionState(device, client_id, self._queued_max), False, _bequests(kept)
        kept.session.reconnected()
        return kept.session, True, []

    def leave(self, session: SessionState, will: Will | None) -> list[Bequest]:
        """Its connection is gone; the wills due now. Kept for `expiry_s`, if there is room."""
        now_s = self._clock_s()
        kept = _KeptSession(session, now_s + session.expiry_s, will)
        if will is not None:
            kept.will_at_s = now_s + min(will.properties.will_delay_interval or 0, session.expiry_s)
        if session.expiry_s == 0:
            self._over(session)
            return _bequests(kept)
        due = []
        if self._of_device.get(session.device.number, 0) >= PER_DEVICE_MAX:
            oldest = next(key for key in self._kept if key[0] == session.device.number)
            due += self._end(oldest)
        if len(self._kept) >= self._max:
            self._over(session)
            return due + _bequests(kept)  # full of other devices' sessions: this one ends with its connection
        self._kept[session.key] = kept
        self._of_device[session.device.number] = self._of_device.get(session.device.number, 0) + 1
        if kept.will_at_s <= now_s:
            due += _bequests(kept)
            kept.will, kept.will_at_s = None, math.inf
        return due

    def due(self) -> list[Bequest]:
        """End the sessions whose time is over; the wills due by now. Call it about once a second."""
        now_s = self._clock_s()
        bequests: list[Bequest] = []
        for key in [key for key, kept in self._kept.items() if kept.ends_at_s <= now_s]:
            bequests += self._end(key)
        for kept in self._kept.values():
            if kept.will_at_s <= now_s:
                bequests += _bequests(kept)
                kept.will, kept.will_at_s = None, math.inf
        return bequests

    def end_all(self) -> list[Bequest]:
        """End every kept session, because none outlives the hub; all their wills, whatever their delay."""
        bequests = [bequest for kept in self._kept.values() for bequest in _bequests(kept)]
        self._kept.clear()
        self._of_device.clear()
        return bequests

    def forget(self, device: Device) -> None:
        """The device was removed: its sessions and their wills go too."""
        for key in [key for key in self._kept if key[0] == device.number]:
            self._remove(key)

    def _end(self, key: Key) -> list[Bequest]:
        kept = self._remove(key)
        if kept is None:
            return []
        self._over(kept.session)
        return _bequests(kept)

    def _remove(self, key: Key) -> _KeptSession | None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._of_device[key[0]] -= 1
            if not self._of_device[key[0]]:
                del self._of_device[key[0]]
        return kept


def _bequests(kept: _KeptSession) -> list[Bequest]:
    return [] if kept.will is None else [(kept.session.device, kept.will)]

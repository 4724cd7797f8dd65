"""Commands on the channel of their device: each step is told as it happens, and told to who comes back."""

from collections.abc import Callable
from typing import NamedTuple

import orjson

from hub.feed.channel import DeviceChannel, wire_ms
from hub.feed.steps import queue_step
from hub.feed.viewer import Subscription
from hub.model import Command, Principal

ENDED_KEPT = 20  # of one device, for those who come back; the open ones are bounded where they are sent
_KIND = "command/"

MayReadRaw = Callable[[Principal, str], bool]
"""Whether somebody may see what is in the commands of the device with this id."""


def shown(command: Command, *, is_whole: bool) -> dict[str, object]:
    """A command as the wire has it; what is in it only where it is shown whole."""
    return {
        "id": command.id,
        "method": command.method,
        "params": command.params if is_whole else None,
        "state": command.state.value,
        "created_at": wire_ms(command.created_at),
        "expires_at": wire_ms(command.expires_at),
        "sent_at": _ms(command.sent_at),
        "delivered_at": _ms(command.delivered_at),
        "ended_at": _ms(command.ended_at),
        "response": command.response if is_whole else None,
        "batch": command.batch,
    }


def _ms(time: int | None) -> int | float | None:
    return None if time is None else wire_ms(time)


class _CommandStep(NamedTuple):
    command: Command
    offset: int  # of the channel's readings at that moment
    at_s: float


class RecentCommands:
    """The commands of one device that are open, and those that ended within `window_s`, at their last step.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self,
        channel: DeviceChannel,
        window_s: float,
        clock: Callable[[], float],
        may_read_raw: MayReadRaw,
    ) -> None:
        self._channel = channel
        self._window_s = window_s
        self._clock = clock
        self._may_read_raw = may_read_raw
        self._steps: dict[int, _CommandStep] = {}  # by id, that which changed last at the end

    def take(self, command: Command) -> None:
        """A command came a step further: tell those who watch."""
        self._steps.pop(command.id, None)
        self._steps[command.id] = _CommandStep(command, self._channel.offset, self._clock())
        self._forget()
        made: dict[bool, bytes] = {}
        for subscription in self._channel.subscriptions:
            is_whole = self._is_whole(subscription)
            if is_whole not in made:
                made[is_whole] = self._message({"command": shown(command, is_whole=is_whole)})
            kind = f"{_KIND}{command.id}/{command.state}"
            queue_step(subscription, _KIND, kind, made[is_whole], self._message({"skipped": True}))

    def _is_whole(self, subscription: Subscription) -> bool:
        return self._may_read_raw(subscription.viewer.principal, self._channel.device_id)

    def _message(self, said: dict[str, object]) -> bytes:
        return orjson.dumps({"type": "command", "channel": self._channel.name, **said})

    def since(self, subscription: Subscription, offset: int | None) -> list[dict[str, object]]:
        """What changed from this offset on, as this viewer may see it; all where that is None.

        A step at the offset itself is among it: the viewer may have missed it, and to be told twice changes
        nothing.
        """
        self._forget()
        is_whole = self._is_whole(subscription)
        return [
            shown(step.command, is_whole=is_whole)
            for step in self._steps.values()
            if offset is None or step.offset >= offset
        ]

    def _forget(self) -> None:
        oldest_s = self._clock() - self._window_s
        ended = [one for one, step in self._steps.items() if not step.command.state.is_open]
        for place, command_id in enumerate(reversed(ended)):
            if place >= ENDED_KEPT or self._steps[command_id].at_s < oldest_s:
                del self._steps[command_id]

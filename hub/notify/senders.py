"""How a message leaves the hub."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hub.model import InboxAlert
from hub.model.target import AlertTarget
from hub.notify.texts import Notice


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a try. `why` is "" where it was taken. `retry_after_s` is the receiver's own wish. `told`
    goes into a person's inbox together with the end of the delivery.
    """

    why: str = ""
    is_final: bool = False  # another try would do no better
    retry_after_s: float | None = None
    told: InboxAlert | None = None

    @property
    def is_sent(self) -> bool:
        """Whether it was taken."""
        return not self.why


SENT = Outcome()


@dataclass(frozen=True, slots=True)
class Letter:
    """A message for one target. `body` is what webhooks get, JSON values by name; `key` stays the same for
    every try.
    """

    target: AlertTarget
    key: str
    message: Notice
    body: Mapping[str, object]


class Sender(Protocol):
    """One way out. It never raises for what the other side does."""

    async def send(self, letter: Letter) -> Outcome:
        """Try once, within a bounded time."""

    async def close(self) -> None:
        """End what is under way."""

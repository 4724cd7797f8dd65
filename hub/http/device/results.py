"""What a device is told of its messages: how many readings were accepted, and which were refused."""

from collections.abc import Sequence
from typing import NamedTuple

from hub.http.device.messages import ReadingsMessage
from hub.model import Refusal

REFUSED_MAX = 100  # told in one answer; all of them are in the device's rejections


class ReadingsResult(NamedTuple):
    """`refusals` are in the order of the message: positions count its elements, -1 is the message itself."""

    accepted: int
    refusals: Sequence[Refusal]

    def refused(self) -> list[dict[str, object]]:
        """The refusals as both transports tell them, the first REFUSED_MAX."""
        return [
            {
                "position": refusal.position,
                "code": refusal.code,
                "message": refusal.message,
                **({} if refusal.metric is None else {"metric": refusal.metric}),
            }
            for refusal in self.refusals[:REFUSED_MAX]
        ]


def results(messages: Sequence[ReadingsMessage], refused: Sequence[Refusal]) -> list[ReadingsResult]:
    """Each message's share of what the intake refused: positions in `refused` count through all messages."""
    if not refused:
        return [ReadingsResult(len(message.readings), message.refusals) for message in messages]
    found = []
    start = 0
    waiting = iter(refused)
    refusal = next(waiting, None)
    for message in messages:
        end = start + len(message.readings)
        mine: list[Refusal] = []
        while refusal is not None and refusal.position < end:
            mine.append(refusal._replace(position=refusal.position - start))
            refusal = next(waiting, None)
        accepted = len(message.readings) - sum(refusal.metric is None for refusal in mine)
        found.append(ReadingsResult(accepted, _in_order(message, mine)))
        start = end
    return found


def _in_order(message: ReadingsMessage, refused: Sequence[Refusal]) -> Sequence[Refusal]:
    """The format's refusals and the intake's, by their place in the message.

    The intake counts only what the format could read, so its positions skip what the format refused.
    """
    if not message.refusals or not refused:
        return message.refusals or refused
    unread = {refusal.position for refusal in message.refusals if refusal.metric is None}
    places = [place for place in range(len(message.readings) + len(unread)) if place not in unread]
    moved = [refusal._replace(position=places[refusal.position]) for refusal in refused]
    return sorted([*message.refusals, *moved], key=lambda refusal: refusal.position)

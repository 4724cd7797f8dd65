from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

RAW_MAX = 2048
"""How many bytes of a refused message are kept."""

FAULTS_MAX = 20  # values of one reading that are told of one by one
_JOINED_MAX = 3  # faults in one sentence


class Refusal(NamedTuple):
    """Why a value, a reading or a message was refused: a stable `code`, a sentence for people, and where.

    `position` counts the readings handed to the same call; -1 means the whole message.
    `raw` holds the bytes refused, cut to `RAW_MAX` bytes.
    `metric` names the one value that was refused, when the rest of the reading was taken; None: nothing was.
    """

    position: int
    code: str
    message: str
    raw: bytes
    metric: str | None = None


class Fault(NamedTuple):
    """What is wrong with one value of a reading."""

    metric: str
    code: str
    message: str
    raw: bytes


def refusals_of(position: int, faults: Sequence[Fault]) -> list[Refusal]:
    """The faults of a reading whose other values were taken, each as a refusal.

    Beyond FAULTS_MAX they are counted.
    """
    told = [
        Refusal(position, fault.code, fault.message, fault.raw[:RAW_MAX], fault.metric)
        for fault in faults[:FAULTS_MAX]
    ]
    if len(faults) > FAULTS_MAX:
        more = f"{len(faults) - FAULTS_MAX} more values of this reading were refused"
        told.append(Refusal(position, "too_many", more, b"", faults[FAULTS_MAX].metric))
    return told


def refusal_of(position: int, faults: Sequence[Fault], raw: bytes) -> Refusal:
    """The faults of a reading of which nothing was taken, as one refusal."""
    told = "; ".join(fault.message for fault in faults[:_JOINED_MAX])
    if len(faults) > _JOINED_MAX:
        told += f"; and {len(faults) - _JOINED_MAX} more"
    return Refusal(position, faults[0].code, told, raw[:RAW_MAX])


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal as it is kept: whose it was, when it came and by which transport."""

    device: int  # Device.number
    received_at: int  # µs, UTC
    code: str
    message: str
    source: str  # "mqtt", "websocket", "http" or "broker"
    raw: bytes

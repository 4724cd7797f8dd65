from dataclasses import dataclass
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why one reading or message was refused: a stable `code`, a sentence for people, and where it was found.

    `position` counts the readings handed to the same call; -1 means the whole message.
    `raw` holds the bytes refused, cut to `RAW_MAX` bytes.
    """

    position: int
    code: str
    message: str
    raw: bytes


RAW_MAX = 2048
"""How many bytes of a refused message are kept."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A refusal as it is kept: whose it was, when it came and by which transport."""

    device: int  # Device.number
    received_at: int  # µs, UTC
    code: str
    message: str
    source: str  # "mqtt", "websocket", "http" or "broker"
    raw: bytes

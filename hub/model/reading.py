from collections.abc import Sequence
from typing import NamedTuple

from hub.model.value import Value


class Reading(NamedTuple):
    """What a device reported for one instant.

    `time` is µs UTC by the device's clock, None where the device gave none and the hub stamps it.
    `values` maps metric names to values and is never empty. `seq` only ever rises within a device.
    A NamedTuple, because one is made for every message: 0.2 µs, against 0.8 for a frozen dataclass.
    """

    time: int | None
    values: dict[str, Value]
    seq: int | None = None


class Run(NamedTuple):
    """Readings of one device that were taken together, side by side.

    `alike`: all have the same metrics, and the last is the newest.
    """

    times: Sequence[int]  # µs, UTC
    values: Sequence[dict[str, Value]]
    alike: bool = False


class Sample(NamedTuple):
    """The latest value of one metric, with its time in µs UTC."""

    time: int
    value: Value

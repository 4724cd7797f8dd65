"""Failures that simulated machines have on purpose, so that one sees what comes of them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

OVERHEAT, DROPOUT = "overheat", "dropout"
LASTS_S = {OVERHEAT: 30.0, DROPOUT: 30.0}
RISE_S = 5.0  # until a machine that overheats is at its hottest
HOTTER_BY = 40.0  # °C
_SHAPE = re.compile(r"(\w+)@(\d+(?:\.\d+)?)s?(?:\+(\d+(?:\.\d+)?)s?)?")


class Failure(NamedTuple):
    """What happens, when after the start, and for how long."""

    kind: str
    begins_s: float
    lasts_s: float

    def is_on(self, time_s: float) -> bool:
        """Whether it happens now."""
        return self.begins_s <= time_s < self.begins_s + self.lasts_s


def read_failures(text: str) -> list[Failure]:
    """`overheat@60s,dropout@90s+20s`: 60 s after the start, and after 90 s for 20 s. Raises ValueError."""
    found = []
    for part in filter(None, (one.strip() for one in text.split(","))):
        shape = _SHAPE.fullmatch(part)
        if shape is None or shape[1] not in LASTS_S:
            raise ValueError(
                f"{part!r}: a failure is overheat@60s or dropout@90s, with +20s how long it lasts"
            )
        found.append(Failure(shape[1], float(shape[2]), float(shape[3] or LASTS_S[shape[1]])))
    return found


Values = dict[str, float | str | bool]


def failing(values: Values | None, time_s: float, failures: Sequence[Failure]) -> Values | None:
    """What a machine measures while it fails: more heat, or nothing."""
    for failure in failures:
        if not failure.is_on(time_s):
            continue
        if failure.kind == DROPOUT:
            return None
        temperature = None if values is None else values.get("temperature")
        if values is not None and isinstance(temperature, float):
            risen = min(1.0, (time_s - failure.begins_s) / RISE_S)
            values = {**values, "temperature": round(temperature + HOTTER_BY * risen, 2)}
    return values

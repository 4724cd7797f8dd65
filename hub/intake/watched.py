"""What looks at a device's readings once they are taken in: its rules. They lie above the intake, and are
handed in; the intake tells them what becomes of the device and its metrics as well.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hub.model import Device, Metric, Run


class Watched(Protocol):
    """One device, as its rules see it."""

    @property
    def series(self) -> Mapping[str, object]:
        """The metrics that any rule looks at, by name: mostly none."""

    def take(self, run: Run, now: int, spans: Sequence[tuple[float, float]]) -> None:
        """Readings that were accepted, at `now` by the hub's clock (µs, UTC). Of those that are alike `spans`
        has the least and greatest of each metric, in the order of the first reading.
        """

    def learn(self, metric: Metric) -> None:
        """A metric is new, or it changed."""

    def forget(self, name: str, why: str) -> None:
        """A metric is no more, or is called something else."""

    def update(self, device: Device) -> None:
        """The device has other labels, or another name."""

    def close(self) -> None:
        """The device was removed."""


class Unwatched:
    """A device that no rule looks at: of an intake without rules."""

    series: Mapping[str, object] = {}

    def __init__(self, device: Device) -> None:
        del device

    def take(self, run: Run, now: int, spans: Sequence[tuple[float, float]]) -> None:
        """Nothing comes of it."""

    def learn(self, metric: Metric) -> None:
        """Nothing comes of it."""

    def forget(self, name: str, why: str) -> None:
        """Nothing comes of it."""

    def update(self, device: Device) -> None:
        """Nothing comes of it."""

    def close(self) -> None:
        """Nothing comes of it."""


Watch = Callable[[Device], Watched]
"""Is told of a device that is there; gives what looks at its readings."""

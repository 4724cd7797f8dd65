"""What a hub's live channels say, read into values."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple


class LiveReading(NamedTuple):
    """What one device reported for one instant, as the hub passed it on.

    `time_ms` is ms since 1970 UTC. `tier` is "live", or for what was filled in from the history the tier it
    came from: "raw" is as it was sent, anything else an average.
    """

    device: str
    time_ms: float
    values: dict[str, Any]
    tier: str = "live"


@dataclass(frozen=True, slots=True)
class Gap:
    """Readings of one device that did not come: after `after_ms`, up to `until_ms`; all before if that is
    None.

    `skipped` is how many, where the hub said: this program was slow. None: it was away for too long.
    """

    device: str
    after_ms: float | None
    until_ms: float
    skipped: int | None = None


class Place(NamedTuple):
    """Where a channel's stream was."""

    epoch: str
    offset: int


def readings_of(message: Mapping[str, Any]) -> Iterator[LiveReading]:
    """The readings in a message of `device/<id>`, or of `label/<key>=<value>`, where they stand by device."""
    found = message.get("readings")
    by_device = found if isinstance(found, dict) else {device_of(message): found or []}
    for device, rows in by_device.items():
        for time_ms, values in rows:
            yield LiveReading(device, time_ms, values)


def device_of(message: Mapping[str, Any]) -> str:
    """The device of a message on its own channel."""
    return str(message["channel"]).removeprefix("device/")


def newest_of(message: Mapping[str, Any]) -> dict[str, float]:
    """Of a `subscribed` message: by device, the time of the newest value that the hub has; without those that
    have none.
    """
    devices = message.get("devices")
    if devices is None:
        devices = {device_of(message): message}
    return {
        device: max(time_ms for time_ms, _ in part["snapshot"].values())
        for device, part in devices.items()
        if part.get("snapshot")
    }

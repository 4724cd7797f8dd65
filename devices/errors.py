"""What can go wrong on the way to a hub.

    DeviceError
    ├── KeyRefused     the hub does not take this key: trying again will not help
    ├── Closed         the client was used after its `async with` block
    ├── SpoolError     the file of unsent readings cannot be used
    ├── TooLarge       the hub takes no message of this size: smaller ones may pass
    ├── Busy           right, but not now; the connection stays
    └── LinkLost       the connection is gone, or was never made

A program using `DeviceClient` sees the first four. It deals with the others itself.
"""


class DeviceError(Exception):
    """The root: catch it to catch everything this library raises on purpose."""


class KeyRefused(DeviceError):
    """The hub does not take this key: it is wrong, or was revoked."""


class Closed(DeviceError):
    """The client was used outside its `async with` block."""


class SpoolError(DeviceError):
    """The file of unsent readings cannot be used: another program has it, it is no spool, or the disk is
    full.
    """


class TooLarge(DeviceError):
    """The hub takes no message of this size."""


class Busy(DeviceError):
    """Right, but not now. `retry_after_s` is how long the hub asked to wait, None where it did not say."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class LinkLost(DeviceError):
    """The connection is gone, or was never made. `retry_after_s` as in `Busy`."""

    def __init__(self, message: str, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


def flat(group: BaseExceptionGroup[DeviceError]) -> list[DeviceError]:
    """The errors in a group, and in groups in it."""
    found: list[DeviceError] = []
    for error in group.exceptions:
        found.extend(flat(error) if isinstance(error, BaseExceptionGroup) else [error])
    return found


def rank(error: DeviceError) -> int:
    """Which of several errors tells most: what stops the client, then what changes how it goes on."""
    if isinstance(error, KeyRefused) or not isinstance(error, TooLarge | LinkLost | Busy):
        return 0
    if isinstance(error, TooLarge):
        return 1
    return 2 if getattr(error, "retry_after_s", None) is not None else 3

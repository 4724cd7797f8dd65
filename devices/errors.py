"""What can go wrong on the way to a hub.

    DeviceError
    ├── KeyRefused     the hub does not take this key: trying again will not help
    ├── Closed         the client was used after its `async with` block
    ├── Unsupported    this transport cannot do that
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


class Unsupported(DeviceError):
    """This transport cannot do that."""


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

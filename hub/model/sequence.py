from typing import NamedTuple


class SequenceState(NamedTuple):
    """How far a device has counted its readings. `repeated` came since `repeated_since` (µs, UTC) and nothing
    else did: they were acknowledged and dropped.
    """

    highest: int | None  # stored; None where the device does not number its readings
    lost: int  # numbers that were jumped over
    repeated: int
    repeated_since: int | None
    restarts: int  # how often the device was found to count again, since the hub began

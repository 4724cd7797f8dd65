from typing import NamedTuple


class SequenceMark(NamedTuple):
    """How far a device has counted, as it is stored. `lost` numbers were jumped over. If it began to count
    again, `old_highest` ended the count before, of what was measured until `old_until` (µs, UTC); else both
    are -1.
    """

    highest: int
    lost: int
    old_highest: int = -1
    old_until: int = -1


NOT_COUNTED = SequenceMark(-1, 0)


class SequenceState(NamedTuple):
    """How far a device has counted its readings. `repeated` came since `repeated_since` (µs, UTC) and nothing
    else did: they were acknowledged and dropped.
    """

    highest: int | None  # stored; None where the device does not number its readings
    lost: int  # numbers that were jumped over
    repeated: int
    repeated_since: int | None
    restarts: int  # how often the device was found to count again, since the hub began

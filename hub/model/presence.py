from enum import StrEnum


class Presence(StrEnum):
    """Whether a device can be believed to be alive. Shown everywhere by word, never by colour alone."""

    ONLINE = "online"
    STALE = "stale"
    OFFLINE = "offline"
    NEVER_SEEN = "never_seen"

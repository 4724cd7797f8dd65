"""The topics of one device. Each has two names:

`v1/devices/me/…`, as in ThingsBoard, and `devices/{its id}/…`.

telemetry                 up         readings
attributes                up, down   facts about the device; what operators set
attributes/request/{n}    up         asks for attributes …
attributes/response/{n}   down       … and is answered
rpc/request/{n}           down       a command …
rpc/response/{n}          up         … and its answer
"""

from enum import Enum
from typing import NamedTuple

from hub.errors import Forbidden, Invalid
from hub.model import KeyRight

ME = "v1/devices/me/"
DOWN = ("attributes", "attributes/response/+", "rpc/request/+")
"""What the hub sends, below the device's name."""
_NUMBER_MAX = 2**63 - 1


class TopicKind(Enum):
    """What a device may publish."""

    TELEMETRY = "telemetry"
    ATTRIBUTES = "attributes"
    ATTRIBUTES_REQUEST = "attributes/request/"
    RPC_RESPONSE = "rpc/response/"

    @property
    def right(self) -> KeyRight:
        """What a key has to allow for it."""
        return _RIGHTS[self]


_RIGHTS = {
    TopicKind.TELEMETRY: KeyRight.TELEMETRY,
    TopicKind.ATTRIBUTES: KeyRight.ATTRIBUTES,
    TopicKind.ATTRIBUTES_REQUEST: KeyRight.ATTRIBUTES,
    TopicKind.RPC_RESPONSE: KeyRight.COMMANDS,
}


class Up(NamedTuple):
    """A topic a device published to.

    `prefix` is the name it calls itself by; `number` is 0 where there is none.
    """

    kind: TopicKind
    prefix: str
    number: int = 0


def prefixes(device_id: str) -> tuple[str, str]:
    """The two names of a device's topics."""
    return ME, f"devices/{device_id}/"


def upward(topic: str, device_id: str) -> Up:
    """What publishing to `topic` means.

    Raises Forbidden for a topic of others, Invalid for one without a meaning.
    """
    prefix = _prefix(topic, device_id)
    if prefix is None:
        raise Forbidden(f"{topic!r:.200} is not a topic of this device; publish to {ME}telemetry")
    rest = topic[len(prefix) :]
    for kind in (TopicKind.TELEMETRY, TopicKind.ATTRIBUTES):
        if rest == kind.value:
            return Up(kind, prefix)
    for kind in (TopicKind.ATTRIBUTES_REQUEST, TopicKind.RPC_RESPONSE):
        digits = rest.removeprefix(kind.value)
        if digits != rest and digits.isascii() and digits.isdigit() and int(digits[:20]) <= _NUMBER_MAX:
            return Up(kind, prefix, int(digits[:20]))
    raise Invalid(
        f"{topic!r:.200} means nothing; there are telemetry, attributes, attributes/request/N, rpc/response/N"
    )


def is_own(topic_filter: str, device_id: str) -> bool:
    """Whether a filter can match nothing but this device's topics."""
    return _prefix(topic_filter, device_id) is not None


def may_receive(topic_filter: str, device_id: str) -> bool:
    """Whether the hub ever sends anything that one of the device's own filters asks for."""
    return any(
        _overlap(topic_filter.split("/"), (prefix + below).split("/"))
        for prefix in prefixes(device_id)
        for below in DOWN
    )


def _overlap(one: list[str], other: list[str]) -> bool:
    """Whether a topic matches both filters; `#` stands in the first of them alone."""
    for place, level in enumerate(one):
        if level == "#":
            return True
        if place >= len(other) or (level != other[place] and "+" not in {level, other[place]}):
            return False
    return len(one) == len(other)


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a message to `topic` is for one who asked for `topic_filter` (4.7)."""
    wanted, levels = topic_filter.split("/"), topic.split("/")
    for place, level in enumerate(wanted):
        if level == "#":
            return True
        if place >= len(levels) or level not in {"+", levels[place]}:
            return False
    return len(wanted) == len(levels)


def _prefix(topic: str, device_id: str) -> str | None:
    return next((prefix for prefix in prefixes(device_id) if topic.startswith(prefix)), None)

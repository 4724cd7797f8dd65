"""Which reason codes a packet may carry (MQTT 5: 2.4 and chapter 3; 3.1.1: 3.2.2.3 and 3.9.3)."""

from collections.abc import Mapping
from types import MappingProxyType

from hub.mqtt.codec.fields import PropertyPlace
from hub.mqtt.codec.packets import CodecError, Reason, Version

_TO_PUBLISH = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})
_TO_ID = frozenset({0x00, 0x92})

_V5: Mapping[PropertyPlace, frozenset[int]] = MappingProxyType(
    {
        PropertyPlace.CONNACK: frozenset(
            {0x00, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, *range(0x9A, 0x9E), 0x9F}
        ),
        PropertyPlace.PUBACK: _TO_PUBLISH,
        PropertyPlace.PUBREC: _TO_PUBLISH,
        PropertyPlace.PUBREL: _TO_ID,
        PropertyPlace.PUBCOMP: _TO_ID,
        PropertyPlace.SUBACK: frozenset(
            {0x00, 0x01, 0x02, 0x80, 0x83, 0x87, 0x8F, 0x91, 0x97, 0x9E, 0xA1, 0xA2}
        ),
        PropertyPlace.UNSUBACK: frozenset({0x00, 0x11, 0x80, 0x83, 0x87, 0x8F, 0x91}),
        PropertyPlace.DISCONNECT: frozenset(
            {0x00, 0x04, *range(0x80, 0x84), 0x87, 0x89, 0x8B, *range(0x8D, 0x91), *range(0x93, 0xA3)}
        ),
        PropertyPlace.AUTH: frozenset({0x00, 0x18, 0x19}),
    }
)
_V311: Mapping[PropertyPlace, frozenset[int]] = MappingProxyType(
    {PropertyPlace.CONNACK: frozenset(range(6)), PropertyPlace.SUBACK: frozenset({0x00, 0x01, 0x02, 0x80})}
)
_OF_CLIENTS: Mapping[PropertyPlace, frozenset[int]] = MappingProxyType(
    {
        PropertyPlace.DISCONNECT: frozenset({0x00, 0x04, *range(0x80, 0x84), 0x90, *range(0x93, 0x9A)}),
        PropertyPlace.AUTH: frozenset({0x18, 0x19}),
    }
)


def allowed(place: PropertyPlace, version: Version) -> frozenset[int]:
    """What the packet may carry, whoever sends it; empty where it has no reason code."""
    return (_V5 if version is Version.V5 else _V311).get(place, frozenset())


def of_clients(place: PropertyPlace) -> frozenset[int]:
    """What it may carry when a client sends it, by MQTT 5."""
    return _OF_CLIENTS.get(place, _V5[place])


def check(reason: int, place: PropertyPlace, version: Version) -> int:
    """The reason itself. Raises CodecError for one that this packet never carries."""
    if reason not in allowed(place, version):
        raise CodecError(
            Reason.PROTOCOL_ERROR, f"{place.name} never has the reason code 0x{reason:02X} (2.4)"
        )
    return reason

"""Packets as one client takes them: in its version, not too long, and with explanations if it wants them."""

from collections.abc import Callable
from dataclasses import replace

from hub.mqtt.codec.encode import encode
from hub.mqtt.codec.packets import NONE, Packet, Properties, Version

PACKET_MAX = 268_435_460  # what the standard allows in any case: five bytes of header and the longest body
REASON_CHARS = 1000  # of an explanation


class PacketWriter:
    """Encodes packets for one client and hands them to `write`.

    CONNECT says how: until then it is one of 3.1.1.
    """

    __slots__ = ("explains", "packet_max", "version", "write")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.write = write
        self.version = Version.V311
        self.packet_max = PACKET_MAX  # the longest packet the client takes
        self.explains = True  # the client wants reason strings (3.1.2.11.7)

    @property
    def says_reasons(self) -> bool:
        """Whether acknowledgements have room for a reason."""
        return self.version is Version.V5

    def send(self, packet: Packet) -> bool:
        """Write a packet; False when it is longer than the client takes, even without its explanations."""
        raw = self.form(packet)
        if raw:
            self.write(raw)
        return bool(raw)

    def form(self, packet: Packet) -> bytes:
        """The packet as bytes, without its explanations if they do not fit; b"" if it never fits."""
        raw = encode(packet, self.version)
        if len(raw) > self.packet_max:
            bare = _unexplained(packet)
            raw = b"" if bare is None else encode(bare, self.version)
        return raw if len(raw) <= self.packet_max else b""

    def because(self, message: str) -> Properties:
        """A reason string for any packet but CONNACK and DISCONNECT, if the client wants it."""
        return explained(message) if self.explains and message else NONE


def explained(message: str) -> Properties:
    """A reason string."""
    return Properties(reason_string=message[:REASON_CHARS])


def _unexplained(packet: Packet) -> Packet | None:
    """The packet without reason string and user properties; None if it has no properties to lose."""
    properties: Properties | None = getattr(packet, "properties", None)
    if properties is None or (properties.reason_string is None and not properties.user_property):
        return None
    bare = replace(properties, reason_string=None, user_property=())
    return replace(packet, properties=bare)  # type: ignore[arg-type]

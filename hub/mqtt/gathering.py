"""Readings on their way up: what one chunk of the network brought is gathered, then accepted in one call."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import repeat
from typing import Protocol

from hub.flow import Acknowledgements
from hub.formats.json import decode, decode_run
from hub.intake.receipts import Receipt
from hub.model import RAW_MAX, Device, Reading, Refusal
from hub.mqtt.codec.packets import Puback, Publish, Pubrec, Reason
from hub.mqtt.packet_writer import PacketWriter
from hub.mqtt.session_state import SessionState

SOURCE = "mqtt"
_PUBACK = b"\x40\x02"
_PUBREC = b"\x50\x02"


class Accept(Protocol):
    """The intake's `accept`."""

    def __call__(
        self,
        device: Device,
        readings: Sequence[Reading],
        source: str,
        refused: Sequence[Refusal],
        *,
        size: int = 0,
    ) -> Receipt:
        """Take in readings of one device that came in `size` bytes."""


class Gathering:
    """Gathers publishes, in order, until `settle` hands all to the intake and queues their acknowledgements.

    The parts of a message stand side by side in lists: `_heads` its acknowledgement as bytes (b"" for QoS 0)
    and `_ends` how many readings there are up to its last.
    """

    __slots__ = (
        "_accept", "_acks", "_device", "_ends", "_faults", "_heads", "_messages", "_readings",
        "_refused", "_state", "_twice", "_writer", "size",
    )  # fmt: skip

    def __init__(
        self,
        device: Device,
        state: SessionState,
        accept: Accept,
        writer: PacketWriter,
        acks: Acknowledgements[bytes],
    ) -> None:
        self._device = device
        self._state = state
        self._accept = accept
        self._writer = writer
        self._acks = acks
        self.size = 0  # bytes that came since the last `settle`
        self._clear()

    def _clear(self) -> None:
        self._heads: list[bytes] = []
        self._ends: list[int] = []
        self._readings: list[Reading] = []
        self._refused: list[Refusal] = []
        self._faults: dict[int, list[Refusal]] = {}  # of messages, by their place
        self._twice: list[int] = []  # packet ids of QoS 2
        self._messages = 0  # of QoS 1

    @property
    def unsettled(self) -> int:
        """How many messages of QoS 1 and 2 are gathered."""
        return self._messages + len(self._twice)

    def take_run(self, ids: list[bytes], payloads: list[bytes]) -> None:
        """Gather plain publishes of readings, QoS 1, or without ids QoS 0: the path of every message.

        With the intake, but without the network, 1.5 µs a message with two values at 250 a chunk, measured;
        0.6 of it is `decode_run`. At one message a chunk it is 9.
        """
        alike = decode_run(payloads)
        if alike is None:
            for raw in payloads:
                self._readings_of(raw)
        else:
            before = len(self._readings)
            self._readings += alike
            self._ends.extend(range(before + 1, len(self._readings) + 1))
        self._heads.extend(map(_PUBACK.__add__, ids) if ids else repeat(b"", len(payloads)))
        self._messages += len(ids)

    def take(self, publish: Publish) -> None:
        """Gather one publish of readings, of any QoS."""
        self._readings_of(publish.payload)
        self._head(publish)

    def refuse(self, publish: Publish, code: str, message: str) -> None:
        """Gather a publish that is refused as a whole, to be kept as a rejection."""
        self._ends.append(len(self._readings))
        self._refuse(len(self._ends) - 1, [Refusal(-1, code, message, publish.payload[:RAW_MAX])])
        self._head(publish)

    def holds(self, packet_id: int) -> bool:
        """Whether a QoS 2 message of this id is gathered already."""
        return packet_id in self._twice

    def _readings_of(self, raw: bytes) -> None:
        found, refused = decode(raw)
        self._readings += found
        self._ends.append(len(self._readings))
        if refused:
            self._refuse(len(self._ends) - 1, refused)

    def _refuse(self, place: int, refused: Sequence[Refusal]) -> None:
        self._faults.setdefault(place, []).extend(refused)
        self._refused += refused

    def _head(self, publish: Publish) -> None:
        if publish.qos == 0:
            self._heads.append(b"")
            return
        head = _PUBACK if publish.qos == 1 else _PUBREC
        self._heads.append(head + publish.packet_id.to_bytes(2))
        if publish.qos == 1:
            self._messages += 1
        else:
            self._twice.append(publish.packet_id)

    def settle(self) -> float:
        """Hand over what was gathered; how many seconds to wait before reading more.

        Raises NotFound (the device is no more).
        """
        if not self._ends:
            return 0.0
        size, self.size = self.size, 0
        receipt = self._accept(self._device, self._readings, SOURCE, self._refused, size=size)
        for refusal in receipt.refusals:
            self._faults.setdefault(bisect_right(self._ends, refusal.position), []).append(refusal)
        for packet_id in self._twice:
            self._state.received[packet_id] = receipt.stored
        if self._faults and self._writer.says_reasons:
            for place, refusals in self._faults.items():
                self._explain(place, refusals)
        if receipt.wait_s > 0 and self._writer.says_reasons:
            self._say_limit(receipt)
        raw, messages = b"".join(self._heads), self._messages
        self._clear()
        if raw:
            self._acks.add(receipt.stored, raw, messages)
        return receipt.wait_s

    def _say_limit(self, receipt: Receipt) -> None:
        """Say with the last acknowledgement, where that is a PUBACK of success, why no more is read now."""
        head = self._heads[-1]
        if len(head) == len(_PUBACK) + 2 and head.startswith(_PUBACK):
            because = self._writer.because(
                f"taken; over its rate ({receipt.limit}), so nothing is read for {receipt.wait_s:.1f} s"
            )
            self._heads[-1] = self._writer.form(Puback(int.from_bytes(head[2:]), Reason.SUCCESS, because))

    def _explain(self, place: int, refusals: list[Refusal]) -> None:
        """Put reason and reason string into a message's acknowledgement.

        A refused QoS 2 exchange ends there (4.3.3).
        """
        head = self._heads[place]
        if not head:
            return
        packet_id = int.from_bytes(head[2:])
        told = "; ".join(refusal.message for refusal in refusals[:3])
        because = self._writer.because(
            told if len(refusals) <= 3 else f"{told}; and {len(refusals) - 3} more"
        )
        reason = reason_of(refusals[0])
        if head.startswith(_PUBACK):
            self._heads[place] = self._writer.form(Puback(packet_id, reason, because))
        else:
            self._heads[place] = self._writer.form(Pubrec(packet_id, reason, because))
            self._state.received.pop(packet_id, None)


_REASONS = {
    "unreadable": Reason.PAYLOAD_FORMAT_INVALID,
    "forbidden": Reason.NOT_AUTHORIZED,
    "topic": Reason.TOPIC_NAME_INVALID,
}


def reason_of(refusal: Refusal) -> Reason:
    """The reason code of a refusal (3.4.2.1).

    What is readable but not allowed is "not willing to accept", 0x83.
    """
    return _REASONS.get(refusal.code, Reason.IMPLEMENTATION_SPECIFIC_ERROR)

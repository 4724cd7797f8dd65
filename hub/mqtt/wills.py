"""What is published for a client that is gone (MQTT 5, 3.1.2.5)."""

from collections.abc import Callable, Coroutine, Iterable, Sequence

from hub.errors import HubError, Refused
from hub.fleet.devices import Devices
from hub.formats.json import decode
from hub.intake.accept import Ingest
from hub.logs import Logger
from hub.model import RAW_MAX, Device, Reading, Refusal
from hub.mqtt.codec.packets import Will
from hub.mqtt.gathering import SOURCE
from hub.mqtt.kept_sessions import Bequest
from hub.mqtt.requests import Requests
from hub.mqtt.topics import TopicKind, upward

_log = Logger("mqtt")


class Wills:
    """Publishes wills. `spawn` runs what takes a while."""

    def __init__(
        self,
        devices: Devices,
        ingest: Ingest,
        requests: Requests,
        spawn: Callable[[Coroutine[None, None, None]], None],
    ) -> None:
        self._devices = devices
        self._ingest = ingest
        self._requests = requests
        self._spawn = spawn

    def publish(self, wills: Iterable[Bequest]) -> None:
        """Publish wills that are due; nothing of a device that was removed."""
        for device, will in wills:
            try:
                if self._devices.find(device.id).number == device.number:
                    self._take_in(device, will)
            except HubError as error:
                _log.warning("a will was not kept", device=device.id, why=str(error))

    def _take_in(self, device: Device, will: Will) -> None:
        """A will is a publish like any other: readings, attributes, or a rejection."""
        readings: Sequence[Reading] = ()
        refused: Sequence[Refusal] = ()
        try:
            up = upward(will.topic, device.id)
            if up.kind is TopicKind.ATTRIBUTES:
                self._spawn(self._report(device, will.payload))
                return
            if up.kind is TopicKind.TELEMETRY:
                readings, refused = decode(will.payload)
            else:
                refused = (Refusal(-1, "topic", f"a will is not for {will.topic}", will.payload[:RAW_MAX]),)
        except Refused as error:
            refused = (Refusal(-1, error.code, f"will: {error}", will.payload[:RAW_MAX]),)
        self._ingest.accept(device, readings, SOURCE, refused, present=False)

    async def _report(self, device: Device, body: bytes) -> None:
        try:
            await self._requests.report(device, body)
        except Refused as error:
            refusal = Refusal(-1, error.code, f"will: {error}", body[:RAW_MAX])
            self._ingest.accept(device, (), SOURCE, (refusal,), present=False)
        except HubError as error:
            _log.warning("a will was not kept", device=device.id, why=str(error))

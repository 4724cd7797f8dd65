"""All channels, by name."""

from collections.abc import Callable

from hub.config import LiveConfig
from hub.errors import NotFound
from hub.feed.channel import DeviceChannel
from hub.feed.overview import OverviewChannel
from hub.model import Presence

DEVICE_PREFIX = "device/"


class Feed:
    """The channels. `epoch` names this run of the hub; `clock` gives monotonic seconds."""

    def __init__(self, config: LiveConfig, epoch: str, clock: Callable[[], float]) -> None:
        self._config = config
        self._epoch = epoch
        self._removals = 0
        self._clock = clock
        self._devices: dict[str, DeviceChannel] = {}
        self.overview = OverviewChannel(epoch, config, self._devices)

    def add(self, device_id: str) -> DeviceChannel:
        """The channel of a new device.

        After a removal its epoch is another one: the id may have been used before, and offsets count from 0 again.
        """
        epoch = f"{self._epoch}-{self._removals}" if self._removals else self._epoch
        channel = DeviceChannel(device_id, epoch, self._config, self._clock)
        channel.changed = {} if self.overview.viewers else None
        self._devices[device_id] = channel
        self.overview.presence_changed(device_id)
        return channel

    def remove(self, device_id: str) -> None:
        """The device is gone; its channel ends."""
        channel = self._devices.pop(device_id)
        self._removals += 1
        channel.set_presence(Presence.OFFLINE, channel.since)
        self.overview.removed(device_id)

    def device(self, device_id: str) -> DeviceChannel:
        """The channel of a device. Raises NotFound."""
        try:
            return self._devices[device_id]
        except KeyError:
            raise NotFound(f"there is no device {device_id!r}") from None

    def set_presence(self, device_id: str, presence: Presence, since: int | None) -> None:
        """Tell those who watch the device, and the overview."""
        self.device(device_id).set_presence(presence, since)
        self.overview.presence_changed(device_id)

    def channel(self, name: str) -> DeviceChannel | OverviewChannel:
        """A channel by its name on the wire: `overview` or `device/<id>`. Raises NotFound."""
        if name == OverviewChannel.name:
            return self.overview
        if name.startswith(DEVICE_PREFIX):
            return self.device(name.removeprefix(DEVICE_PREFIX))
        raise NotFound(f"there is no channel {name!r}; channels are overview and device/<id>")

"""All channels, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from hub.config import LiveConfig
from hub.errors import NotFound
from hub.feed.alerts import AlertsChannel
from hub.feed.channel import DeviceChannel
from hub.feed.commands import RecentCommands
from hub.feed.label import PREFIX as LABEL_PREFIX
from hub.feed.label import Label, LabelChannel
from hub.feed.notes import RecentNotes
from hub.feed.overview import OverviewChannel
from hub.feed.persons import Persons
from hub.feed.viewer import Channel
from hub.model import Command, Note, NoteEvent, Presence, Principal

DEVICE_PREFIX = "device/"
# Label channels that nobody watches, kept for those who come back; the oldest go.
LABELS_IDLE_MAX = 100


class LabelledDevice(NamedTuple):
    """A device's id and labels."""

    id: str
    labels: Mapping[str, str]


@dataclass(slots=True)
class FeedCounts:
    """Who watches over live connections, and how many frames were handed to them since the start."""

    viewers: int = 0
    frames: int = 0


def _nobody(principal: Principal, device: LabelledDevice) -> bool:
    del principal, device
    return False


class Feed:
    """The channels. `epoch` names this run of the hub; `clock` gives monotonic seconds. `may_read_raw` says
    who sees what is in the commands of a device.
    """

    def __init__(
        self,
        config: LiveConfig,
        epoch: str,
        clock: Callable[[], float],
        may_read_raw: Callable[[Principal, LabelledDevice], bool] = _nobody,
    ) -> None:
        self._config = config
        self._may_read_raw = may_read_raw
        self._epoch = epoch
        self._turns = 0  # how often a device was removed or renewed
        self._clock = clock
        self._devices: dict[str, DeviceChannel] = {}
        self._commands: dict[str, RecentCommands] = {}  # of the devices that were sent any
        self._notes: dict[str, RecentNotes] = {}  # of the devices of which any changed
        self._recent_notes: set[RecentNotes] = set()  # of these, those that hold something
        self.persons = Persons()
        self._sources: dict[str, DeviceChannel] = {}  # not counted among the devices: in no overview
        self.counts = FeedCounts()
        self._carried: dict[str, Mapping[str, str]] = {}  # the labels of every device and source
        self._labels: dict[Label, LabelChannel] = {}  # watched now, or a short while ago
        self._labels_made = 0
        self._crowds: set[DeviceChannel] = set()  # whose viewers came or went since the last tick
        self.overview = OverviewChannel(epoch, self._devices, self._carried)
        self.alerts = AlertsChannel(epoch, config, clock, self._carried)

    def add(self, device_id: str, *, counted: bool = True) -> DeviceChannel:
        """The channel of a new device; where it is not `counted`, of a source that the overview leaves out.

        After a removal its epoch is another one: the id may have been used before, and offsets count from 0
        again.
        """
        channel = DeviceChannel(device_id, self._device_epoch(), self._config, self._clock, self._crowds)
        self._carried[device_id] = {}
        if not counted:
            self._sources[device_id] = channel
            return channel
        channel.changed = {} if self.overview.viewers else None
        self._devices[device_id] = channel
        self.overview.presence_changed(device_id)
        return channel

    def _device_epoch(self) -> str:
        return f"{self._epoch}-{self._turns}" if self._turns else self._epoch

    def renew(self, device_id: str) -> None:
        """The device has other metrics than it had: all who watch it begin again. Raises NotFound."""
        self._turns += 1
        self.device(device_id).renew(self._device_epoch())
        if device_id in self._devices:
            self.overview.renewed(device_id)

    def set_labels(self, device_id: str, labels: Mapping[str, str]) -> None:
        """The device carries these labels from now on. Raises NotFound."""
        channel, before = self.device(device_id), self._carried[device_id]
        if labels == before:
            return
        self._carried[device_id] = dict(labels)
        self._tell_labels(channel, before, labels)
        channel.relabelled(labels)
        self.alerts.relabelled(device_id, before)
        if device_id in self._devices:
            self.overview.presence_changed(device_id)  # some may have got or lost sight of it

    def _tell_labels(
        self, channel: DeviceChannel, before: Mapping[str, str], labels: Mapping[str, str]
    ) -> None:
        for label in (Label(*one) for one in before.items() | labels.items()):
            watched = self._labels.get(label)
            if watched is None:
                continue
            if labels.get(label.key) != label.value:
                watched.leave(channel, before)
            elif before.get(label.key) != label.value:
                watched.join(channel, before)
            else:
                watched.relabelled(channel, before)

    def known(self, device_id: str) -> LabelledDevice | None:
        """A device as far as the rule of access has to know it; None where there is none."""
        labels = self._carried.get(device_id)
        return None if labels is None else LabelledDevice(device_id, labels)

    def labels_of(self, device_id: str) -> Mapping[str, str]:
        """The labels of a device; none of one that is gone."""
        return self._carried.get(device_id, {})

    def remove(self, device_id: str) -> None:
        """The device is gone; its channel ends."""
        channel = self._devices.pop(device_id)
        self._commands.pop(device_id, None)
        if device_id in self._notes:
            self._recent_notes.discard(self._notes.pop(device_id))
        before = self._carried.pop(device_id)
        self._tell_labels(channel, before, {})
        self.alerts.relabelled(device_id, before)
        self._turns += 1
        channel.set_presence(Presence.OFFLINE, channel.since)
        self.overview.removed(device_id)

    def device(self, device_id: str) -> DeviceChannel:
        """The channel of a device. Raises NotFound."""
        channel = self._devices.get(device_id) or self._sources.get(device_id)
        if channel is None:
            raise NotFound(f"there is no device {device_id!r}")
        return channel

    def set_presence(self, device_id: str, presence: Presence, since: int | None) -> None:
        """Tell those who watch the device, and the overview."""
        self.device(device_id).set_presence(presence, since)
        if device_id in self._devices:
            self.overview.presence_changed(device_id)

    def command_changed(self, device_id: str, command: Command) -> None:
        """A command came a step further: tell those who watch its device. Raises NotFound."""
        recent = self._commands.get(device_id)
        if recent is None:
            channel = self.device(device_id)
            recent = RecentCommands(channel, self._config.resume_window_s, self._clock, self._sees_raw)
            self._commands[device_id] = channel.commands = recent
        recent.take(command)

    def note_changed(self, device_id: str, event: NoteEvent, note: Note) -> None:
        """A note was written, edited or deleted: tell those who watch its device. Raises NotFound."""
        recent = self._notes.get(device_id)
        if recent is None:
            channel = self.device(device_id)
            recent = RecentNotes(channel, self._config.resume_window_s, self._clock)
            self._notes[device_id] = channel.notes = recent
        recent.take(event, note)
        self._recent_notes.add(recent)

    def _sees_raw(self, principal: Principal, device_id: str) -> bool:
        device = self.known(device_id)
        return device is not None and self._may_read_raw(principal, device)

    def channel(self, name: str) -> Channel:
        """A channel by its name on the wire. Raises NotFound."""
        if name == OverviewChannel.name:
            return self.overview
        if name == AlertsChannel.name:
            return self.alerts
        if name.startswith(DEVICE_PREFIX):
            return self.device(name.removeprefix(DEVICE_PREFIX))
        key, equals, value = name.removeprefix(LABEL_PREFIX).partition("=")
        if name.startswith(LABEL_PREFIX) and key and equals:
            return self._label(Label(key, value))
        raise NotFound(
            f"there is no channel {name!r}; channels are overview, alerts, device/<id> "
            "and label/<key>=<value>"
        )

    def _label(self, label: Label) -> LabelChannel:
        """The label's channel, made if need be: a label that no device carries yet can be watched too."""
        channel = self._labels.get(label)
        if channel is None:
            self._labels_made += 1
            epoch = f"{self._epoch}-l{self._labels_made}"
            channel = LabelChannel(label, epoch, self._config, self._clock, self._carried)
            self._labels[label] = channel
            for device_id, labels in self._carried.items():
                if labels.get(label.key) == label.value:
                    channel.join(self._devices[device_id], labels)
        return channel

    def tick(self) -> None:
        """Tell what is told a few times a second. Called every `overview_interval_s`."""
        self.overview.tick()
        for channel in self._crowds:
            channel.tell_viewers()
        self._crowds.clear()
        self._forget_notes()
        idle = [label for label in self._labels.values() if not label.viewers]
        idle.sort(key=lambda label: label.keep_until_s, reverse=True)
        now_s = self._clock()
        for place, label in enumerate(idle):
            if place >= LABELS_IDLE_MAX or label.keep_until_s <= now_s:
                label.close()
                del self._labels[label.label]

    def _forget_notes(self) -> None:
        """Nobody comes back to what was changed long ago."""
        for recent in list(self._recent_notes):
            recent.forget()
            if not recent:
                self._recent_notes.discard(recent)

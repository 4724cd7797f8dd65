"""The live feed: channels, those who watch them, resume and conflation. Pure: no I/O, no clock of its own.

Theory. A channel is a log of encoded readings with an offset; a subscription is only a cursor into it. What a
viewer has not got yet is what lies between its cursor and the end, so one bounded log serves every viewer and
every resume, a reading is encoded once whoever watches, and a slow viewer costs nothing: when its cursor
falls out of the log (or too far behind) it gets the latest of each metric and the number of readings it
missed. Frames between the same two offsets are the same bytes, so they too are made once.

    feed       Feed: the channels by name
    log        Log: the newest entries of a channel, encoded
    channel    DeviceChannel: log, snapshot, presence and viewers of one device
    crowd      Crowd: who watches one device
    commands   RecentCommands: the commands of one device, each step of them
    notes      RecentNotes: what changed of the notes on one device
    steps      what of these waits for a slow viewer
    persons    Persons: the dashboards of each person
    label      LabelChannel: the readings of all devices that carry a label, as one stream
    alerts     AlertsChannel: alerts, whole and in order
    overview   OverviewChannel: the latest of all devices, a few times a second
    viewer     Viewer: one dashboard's subscriptions, and what is pending on them as one frame
"""

from hub.feed.alerts import AlertsChannel
from hub.feed.channel import DeviceChannel
from hub.feed.feed import Feed
from hub.feed.label import LabelChannel
from hub.feed.log import Resume
from hub.feed.overview import OverviewChannel
from hub.feed.viewer import Viewer

__all__ = ["AlertsChannel", "DeviceChannel", "Feed", "LabelChannel", "OverviewChannel", "Resume", "Viewer"]

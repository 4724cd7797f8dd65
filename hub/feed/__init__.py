"""The live feed: channels, those who watch them, resume and conflation. Pure: no I/O, no clock of its own.

Theory. A channel is a log of encoded readings with an offset; a subscription is only a cursor into it. What a
viewer has not got yet is what lies between its cursor and the end, so one bounded log serves every viewer and
every resume, a reading is encoded once whoever watches, and a slow viewer costs nothing: when its cursor falls
out of the log (or too far behind) it gets the latest of each metric and the number of readings it missed. Frames between the
same two offsets are the same bytes, so they too are made once.

    Feed       the channels by name; one a device, and `overview`
    channel    DeviceChannel: log, snapshot, presence of one device
    overview   OverviewChannel: the latest of all devices, a few times a second
    viewer     Viewer: one dashboard's subscriptions, and what is pending on them as one frame
"""

from hub.feed.channel import DeviceChannel, Resume
from hub.feed.feed import Feed
from hub.feed.overview import OverviewChannel
from hub.feed.viewer import Viewer

__all__ = ["DeviceChannel", "Feed", "OverviewChannel", "Resume", "Viewer"]

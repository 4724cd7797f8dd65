"""The other side of the wire: what runs on a device, or pretends to. Imports nothing from `hub`.

errors, wire             what can go wrong; readings as bytes, the same on every transport
backoff                  how long to wait before the next try
backlog, spool           readings not yet acknowledged: in memory, or in a file that survives a kill
transports               one connection to a hub: mqtt, websocket, http
inbox                    commands and wishes, until the program takes them
client                   DeviceClient: queue, send, resend, reconnect, commands
live, live_messages      LiveClient: what the hub sees, as it happens, for programs that integrate with it
live_history             gaps of that filled from the hub's history
signals, machines        pure generators; the machines made of them
obeying                  commands a device declares and answers, attributes it takes on
simulate, host, replay   what sends: simulated machines, this machine, a recording
provision, console, cli  making devices through REST; the terminal; `python -m devices`
"""

from devices.client import Command, DeviceClient
from devices.errors import Busy, DeviceError, KeyRefused, LinkLost, SpoolError

__all__ = [
    "Busy",
    "Command",
    "DeviceClient",
    "DeviceError",
    "KeyRefused",
    "LinkLost",
    "SpoolError",
]

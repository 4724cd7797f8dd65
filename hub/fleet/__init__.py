"""The fleet: every device with its keys, who is there, and the commands on their way.

fleet       Fleet: devices come and go, each with all that is its own
devices     every device in memory; changed by one at a time
keys        who a key lets in
attributes  slow-changing facts about a device
session     a connected device, as a transport offers it
presence    who is online, stale, offline
intervals   how often devices report, kept for the next run
commands    the commands on their way
polls       devices that wait for commands by HTTP
batches     a command to all devices with a label
methods     the commands that a device knows
parameters  what these take, in a part of JSON Schema
removal     a device leaves with all that is its own
checks      what operators may set of devices and metrics
"""

"""The fleet: every device with its keys, who is there, and the commands on their way.

fleet      devices and keys in memory, attributes, metrics
presence   who is online, stale, offline
commands   the life of a command
checks     what operators may set of devices and metrics
"""

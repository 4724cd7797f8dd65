"""Where dashboards watch.

socket    the live socket: requests, and how a connection begins and ends
writer    what is pending, written to all live sockets in turn
sse       the same as Server-Sent Events
viewers   all who watch, whichever way: how many may, and what all are told
"""

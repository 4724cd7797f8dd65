"""WebSocket (RFC 6455) for all who speak it: below the transports, which say what the messages mean.

frames    bytes -> frames -> messages, and back; sans I/O
upgrade   the handshake, by aiohttp
socket    one connection, its messages and its end
peers     pings, and who is gone
tcp       what the system knows of a peer
"""

"""WebSocket (RFC 6455) for all who speak it: below the transports, which say what the messages mean.

frames      bytes -> frames -> messages, and back; sans I/O
extensions  what a client offers beyond that, read; sans I/O
upgrade     the handshake, by aiohttp
socket      one connection: its states, its messages and its end
peers       everyone who is connected: pings, and the end of all
tcp         what the system knows of a peer
"""

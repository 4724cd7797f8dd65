"""What TCP tells of a peer, and may be told. Where the system lacks an option, connections do without it.

The options are Linux's: TCP_NOTSENT_LOWAT since 3.12, TCP_INFO since 2.4, TCP_RTO_MAX_MS since 6.15
(uapi/linux/tcp.h).
"""

import asyncio
import socket
import struct
import sys
from contextlib import suppress

UNSENT_MAX_BYTES = 65_536  # in the system's buffer of one connection
GAP_MIN_S, GAP_MAX_S = 1.0, 120.0  # that the system takes

# struct tcp_info: retransmits and probes count what has not been answered, the last is since when, in ms.
_TCP_INFO = struct.Struct("=xxBB52xI")
_TCP_RTO_MAX_MS = 44


def _may_ask_often() -> bool:
    if sys.platform != "linux":
        return False
    with socket.socket() as connection, suppress(OSError):
        connection.getsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS)
        return True
    return False


_MAY_ASK_OFTEN = _may_ask_often()
# How many in succession may get lost. Where it takes minutes until the next, one that is lost tells nothing.
_LOST_MAX = 0 if _MAY_ASK_OFTEN else 2


def keep_fresh(transport: asyncio.BaseTransport) -> None:
    """Let the system keep little that is not sent: what waits here can still be replaced by something newer.

    Otherwise it takes megabytes. A slow viewer gets them when they are old, and they hide whether it reads.
    """
    connection = _connection(transport)
    option = getattr(socket, "TCP_NOTSENT_LOWAT", None)
    if connection is not None and option is not None:
        with suppress(OSError):  # it is gone already
            connection.setsockopt(socket.IPPROTO_TCP, option, UNSENT_MAX_BYTES)


def ask_often(transport: asyncio.BaseTransport, gap_s: float) -> None:
    """Let the system send again what is not acknowledged, and ask a peer that takes nothing, so often.

    Otherwise it doubles the gap each time, up to two minutes, and nobody knows whether the peer is there.
    """
    connection = _connection(transport)
    if connection is not None and _MAY_ASK_OFTEN:
        gap_ms = round(min(max(gap_s, GAP_MIN_S), GAP_MAX_S) * 1000)
        with suppress(OSError):  # it is gone already
            connection.setsockopt(socket.IPPROTO_TCP, _TCP_RTO_MAX_MS, gap_ms)


def answers(transport: asyncio.BaseTransport, within_s: float) -> bool:
    """Whether the peer's system leaves no more unanswered than may get lost, or has just answered.

    A viewer that does not read answers no ping either, because it does not come to it. But its system
    acknowledges what comes, or answers the probes of a closed window. The system of a peer that is gone does
    neither. "Just" is within `within_s`. Where the system does not tell, the answer is no.
    """
    connection = _connection(transport)
    if connection is None or not hasattr(socket, "TCP_INFO"):
        return False
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    except OSError:
        return False
    retransmits, probes, answered_ms = _TCP_INFO.unpack(told)
    return bool(retransmits + probes <= _LOST_MAX or answered_ms < within_s * 1000)


def _connection(transport: asyncio.BaseTransport) -> socket.socket | None:
    """The socket beneath, if it is one of TCP."""
    connection = transport.get_extra_info("socket")
    is_tcp = connection is not None and connection.family in (socket.AF_INET, socket.AF_INET6)
    return connection if is_tcp else None

"""What is asked and told of a peer's TCP connection, when the peer is gone before it is asked."""

import asyncio
from collections.abc import Callable

import pytest

from hub.websocket.tcp import answers, ask_often, keep_fresh


@pytest.mark.parametrize(
    ("ask", "told"),
    [
        (keep_fresh, None),
        (lambda transport: ask_often(transport, 5.0), None),
        (lambda transport: answers(transport, 1.0), False),
    ],
)
async def test_of_a_peer_that_is_gone_nothing_is_wanted_and_nothing_raised(
    ask: Callable[[asyncio.BaseTransport], bool | None], told: bool | None
) -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        address = server.sockets[0].getsockname()
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, *address)
        transport.abort()
        connection = transport.get_extra_info("socket")
        async with asyncio.timeout(10):
            while connection.fileno() >= 0:
                await asyncio.sleep(0)
        assert ask(transport) is told

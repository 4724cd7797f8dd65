"""That a client of HTTP has closed all it opened."""

import aiohttp


def left_open(client: aiohttp.ClientSession) -> str:
    """What is wrong where a response or a socket of this client was not closed; else nothing.

    Such a connection warns when it is collected, which may be many tests later.
    """
    connector = client.connector
    assert connector is not None
    count = len(connector._acquired)
    return f"{count} responses or sockets were left open: `async with` closes them" if count else ""

"""Reading a request's body: bounded in size and time."""

import asyncio

from aiohttp import web

from hub.errors import Unreadable
from hub.http.problems import TooLarge
from hub.model import RAW_MAX

TIMEOUT_S = 30.0


async def read_body(request: web.Request, max_bytes: int) -> bytes:
    """The whole body. Raises TooLarge, Unreadable when it does not come in time."""
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(TIMEOUT_S):
            async for chunk in request.content.iter_any():
                chunks.append(chunk)
                size += len(chunk)
                if size > max_bytes:
                    raise TooLarge(
                        f"the body is over {max_bytes} bytes (http.max_body_bytes)",
                        b"".join(chunks)[:RAW_MAX],
                    )
    except TimeoutError as error:
        raise Unreadable(f"the body did not come within {TIMEOUT_S:.0f} s") from error
    return b"".join(chunks)

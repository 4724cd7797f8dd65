"""HTTP as bytes on a socket: what no client library would send, and all that comes back."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

DEADLINE_S = 10.0


@dataclass(frozen=True)
class Answer:
    """One response as it came."""

    status: int
    headers: dict[str, str]  # names in lower case
    content: bytes

    def problem(self) -> dict[str, Any]:
        """Its problem details; fails where it is none."""
        assert self.headers["content-type"] == "application/problem+json", (self.headers, self.content)
        found: dict[str, Any] = json.loads(self.content)
        assert found["status"] == self.status
        return found


async def exchange(url: str, sent: bytes, then: bytes = b"") -> list[Answer]:
    """All answers to these bytes, with the body of the last one, until the hub closes or has said all it will
    say.

    `then` is sent after the first answer. A hub that leaves the connection open is not waited for.
    """
    host, port = url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    answers: list[Answer] = []
    try:
        async with asyncio.timeout(DEADLINE_S):
            writer.write(sent)
            while (answer := await _answer(reader)) is not None:
                answers.append(answer)
                if then:
                    writer.write(then)
                    then = b""
                elif answer.headers.get("connection") != "close" and answer.status >= 200:
                    break
    except ConnectionResetError:
        pass
    finally:
        writer.close()
    return answers


async def _answer(reader: asyncio.StreamReader) -> Answer | None:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    status = int(first.split()[1])
    content = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(status, headers, content)

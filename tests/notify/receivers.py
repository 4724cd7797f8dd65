"""Real receivers on 127.0.0.1: of webhooks and ntfy, and of mail."""

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, Envelope, Session

SECRET = "s3cret of the plant"


@dataclass
class Got:
    """One request."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def key(self) -> str:
        return self.headers["Idempotency-Key"]

    @property
    def is_signed(self) -> bool:
        digest = hmac.new(SECRET.encode(), self.body, hashlib.sha256).hexdigest()
        return hmac.compare_digest(self.headers.get("X-Hub-Signature-256", ""), f"sha256={digest}")


@dataclass
class HttpReceiver:
    """Answers what `answers` has, one after the other, then 200. While `is_held` it does not answer."""

    got: list[Got] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    free: asyncio.Event = field(default_factory=asyncio.Event)
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self.got]

    @property
    def events(self) -> list[tuple[str, str]]:
        """What was told of which device."""
        return [(one.json["event"], one.json["alert"]["device"]) for one in self.got]

    async def handle(self, request: web.Request) -> web.Response:
        self.got.append(Got(request.path_qs, dict(request.headers), await request.read()))
        await self.free.wait()
        status, headers = self.answers.pop(0) if self.answers else (200, {})
        return web.json_response({}, status=status, headers=headers)


@asynccontextmanager
async def http_receiver(port: int = 0) -> AsyncIterator[HttpReceiver]:
    receiver = HttpReceiver()
    receiver.free.set()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", port)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        receiver.free.set()
        await runner.cleanup()


@dataclass
class MailReceiver:
    """Takes every mail."""

    mails: list[Message] = field(default_factory=list)
    port: int = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        assert isinstance(envelope.content, bytes)
        self.mails.append(message_from_bytes(envelope.content))
        return "250 OK"


@asynccontextmanager
async def mail_receiver() -> AsyncIterator[MailReceiver]:
    receiver = MailReceiver()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(receiver, hostname="test", loop=loop), "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        await server.wait_closed()

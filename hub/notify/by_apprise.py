"""Messages by Apprise: mail, Slack, Teams, Telegram, ntfy, Pushover and some hundred others.

Apprise is loaded when the first message goes by it, and blocks: each of its messages has a thread. It says
why a message failed only in its log, so that is listened to; what may be a secret is taken out.
"""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from hub.model.target import AlertTarget, TargetKind
from hub.notify.addresses import AllowedAddresses, refusal
from hub.notify.senders import SENT, Letter, Outcome

THREADS_MAX = 100  # one for each target that there may be
WHY_MAX = 200
_BETWEEN = re.compile(r"[:/@?&=#,;\s]+")
_DIGITS_OF_PORT = 5


class AppriseSender:
    """Sends by Apprise's URLs. See Sender."""

    def __init__(self, addresses: AllowedAddresses) -> None:
        self._addresses = addresses
        self._threads: ThreadPoolExecutor | None = None

    async def send(self, letter: Letter) -> Outcome:
        """Try once: within the bounds of Apprise's own timeouts, of some seconds for each step."""
        if self._threads is None:
            self._threads = ThreadPoolExecutor(THREADS_MAX, "apprise")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._send, letter)

    async def close(self) -> None:
        """Threads that wait for a slow receiver end by themselves."""
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def _send(self, letter: Letter) -> Outcome:
        apprise = _apprise()
        with _said() as said:
            service = _service(letter.target.address)
            if service is None:
                why = _without_secrets(said, letter.target) or "Apprise does not know such a URL"
                return Outcome(f"the URL is not right: {why}", is_final=True)
            refused = self._refused(service)
            if refused:
                return refused
            try:
                is_sent = service.notify(
                    title=letter.message.title,
                    body=letter.message.body,
                    notify_type=apprise.NotifyType.WARNING,
                    body_format=apprise.NotifyFormat.TEXT,
                )
            except Exception as error:  # noqa: BLE001  # some hundred services, each by somebody else
                return Outcome(f"Apprise failed: {type(error).__name__}")
        if is_sent:
            return SENT
        return Outcome(_without_secrets(said, letter.target) or "the service did not take it")

    def _refused(self, service: Any) -> Outcome | None:
        """Look where it would go, as far as the URL says so; nobody is followed elsewhere."""
        # Those of a vendor have no port, and in place of a host the key of an account.
        if "port" not in service.template_tokens:
            return None
        named = {getattr(service, name, None) for name in ("host", "smtp_host")}
        for host in sorted(one for one in named if one and isinstance(one, str)):
            try:
                found = {str(one[4][0]) for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
            except OSError:
                return Outcome("its host is not known")
            for address in sorted(found):
                if not self._addresses.allow(address):
                    return Outcome(refusal(address), is_final=True)
        return None


def check_url(address: str) -> str:
    """Why Apprise does not take a URL; "" where it does. Blocks."""
    target = AlertTarget(0, "", TargetKind.URL, address)
    with _said() as said:
        if _service(address) is not None:
            return ""
    return _without_secrets(said, target) or "Apprise knows no service of that kind"


@cache
def _apprise() -> Any:
    import apprise  # here: 45 MB, and a quarter of a second

    return apprise


def _service(address: str) -> Any:
    apprise = _apprise()
    return apprise.Apprise.instantiate(address, asset=apprise.AppriseAsset(http_redirects=False))


class _AppriseLog(logging.Handler):
    """What is logged in this thread."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._thread = threading.get_ident()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines.append(record.getMessage())


@contextmanager
def _said() -> Iterator[list[str]]:
    """What Apprise logs goes here and nowhere else: it has keys of accounts in it."""
    _apprise()
    listener, log = _AppriseLog(), logging.getLogger("apprise")
    log.propagate = False
    log.setLevel(logging.WARNING)
    logging.getLogger("urllib3").setLevel(logging.INFO)
    log.addHandler(listener)
    try:
        yield listener.lines
    finally:
        log.removeHandler(listener)


def _without_secrets(said: list[str], target: AlertTarget) -> str:
    """What Apprise said last, without any part of the URL."""
    if not said:
        return ""
    text = " ".join(said[-1].split())
    _, _, rest = target.address.partition("://")
    for part in sorted(set(_BETWEEN.split(rest)), key=len, reverse=True):
        if len(part) >= 3 and not (part.isdigit() and len(part) <= _DIGITS_OF_PORT):
            text = text.replace(part, "…")
    return text[:WHY_MAX]

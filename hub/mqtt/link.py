"""What the protocol asks of its connection, so that neither imports the other."""

from typing import Protocol

from hub.mqtt.requests import Request


class ClientLink(Protocol):
    """What moves the bytes, as the protocol sees it."""

    def write(self, raw: bytes) -> None:
        """Send this."""

    def close(self) -> None:
        """Close once what was written has left."""

    def ask(self, request: Request) -> None:
        """Have this answered, after what was asked before."""

    def fewer_wait(self) -> None:
        """Acknowledgements were sent, so that more may be read."""

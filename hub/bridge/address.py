from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hub.errors import Invalid

PORTS = {"mqtt": 1883, "mqtts": 8883}


class Address(NamedTuple):
    """Where the broker is, and as whom the hub goes there."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """The address in `mqtt://user:password@host:1883` or `mqtts://…`.

        Raises Invalid, which never repeats the url.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise Invalid(f"broker.url: {error}", "broker.url") from error
        if parts.scheme not in PORTS:
            raise Invalid("broker.url: begins with mqtt:// or mqtts://", "broker.url")
        if not parts.hostname:
            raise Invalid("broker.url: names no host; mqtt://host:1883 is wanted", "broker.url")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise Invalid(
                "broker.url: ends after the port; topics go into broker.topics, and / ? # within a password "
                "are written %2F %3F %23",
                "broker.url",
            )
        return cls(
            parts.hostname,
            port or PORTS[parts.scheme],
            parts.scheme == "mqtts",
            None if parts.username is None else unquote(parts.username),
            None if parts.password is None else unquote(parts.password),
        )

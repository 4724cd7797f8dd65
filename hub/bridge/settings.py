"""What `[broker]` says, checked and in the form the broker's client works with. Pure."""

import re
from collections.abc import Sequence
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from hub.config import BrokerConfig
from hub.errors import Invalid

ID = "{id}"
PORTS = {"mqtt": 1883, "mqtts": 8883}
_SHAPES = {ID: "([^/]+)", "+": "[^/]*", "#": "(?s:.*)"}


class Address(NamedTuple):
    """Where the broker is, and as whom the hub goes there."""

    host: str
    port: int
    tls: bool
    username: str | None
    password: str | None

    @classmethod
    def parse(cls, url: str) -> "Address":
        """The address in `mqtt://user:password@host:1883` or `mqtts://…`. Raises Invalid, which never repeats the url."""
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


class Template:
    """A topic with the level that holds the device's id, such as `devices/{id}/telemetry`. Raises Invalid.

    The other levels are literal, or `+`, or a last `#`, as in a topic filter (MQTT 5, 4.7.1).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.levels = text.split("/")
        if self.levels.count(ID) != 1:
            raise _wrong(text, f"one level, and only one, is {ID}, as in devices/{ID}/telemetry")
        for place, level in enumerate(self.levels):
            last = place == len(self.levels) - 1
            if level != ID and ("{" in level or "}" in level):
                raise _wrong(
                    text, f"{level!r}: {ID} stands for a whole level, and there is no other placeholder"
                )
            if ("+" in level and level != "+") or ("#" in level and not (level == "#" and last)):
                raise _wrong(text, f"{level!r}: + stands for a whole level, # for all levels at the end")
        if text.startswith("$") or "\0" in text or len(text.encode()) > 60_000:
            raise _wrong(text, "a topic of devices begins without $, has no NUL and less than 60,000 bytes")
        self.filter = text.replace(ID, "+")
        self._shape = re.compile("/".join(_SHAPES.get(level, re.escape(level)) for level in self.levels))

    def device_id(self, topic: str) -> str | None:
        """The device's id in a topic; None if the topic is not of this template."""
        found = self._shape.fullmatch(topic)
        return found[1] if found else None

    def overlaps(self, other: "Template") -> bool:
        """Whether one topic can match both: it would arrive, and be stored, twice."""
        for mine, its in zip(self.levels, other.levels, strict=False):
            if "#" in (mine, its):
                return True
            if mine != its and not {mine, its} & {"+", ID}:
                return False
        longer, shorter = sorted((self.levels, other.levels), key=len, reverse=True)
        return len(longer) == len(shorter) or longer[len(shorter) :] == ["#"]


def _wrong(text: str, why: str) -> Invalid:
    return Invalid(f"broker.topics: {text!r:.200}: {why}", "broker.topics")


class Settings(NamedTuple):
    """All that is needed to connect and subscribe."""

    address: Address
    client_id: str
    templates: Sequence[Template]
    filters: Sequence[str]  # one a template

    @classmethod
    def read(cls, config: BrokerConfig, identity: str) -> "Settings":
        """The settings in `config`; `identity` is this hub's own, the same at every start. Raises Invalid.

        Hubs of one group are told apart by it: two clients of one id would throw each other out for ever, and a new id
        at each start would leave what waits for the old one at the broker.

        With a group the subscriptions are shared (MQTT 5, 4.8.2). Without one they are plain, which some brokers keep more
        safely: Mosquitto 2.0.11 restores them when it starts again, and shared ones only when the hub is back.
        """
        if set(config.group) & set("/+#\0"):
            raise Invalid("broker.group: a name without / + #, or empty for a hub alone", "broker.group")
        if not config.topics:
            raise Invalid(f"broker.topics: at least one, such as devices/{ID}/telemetry", "broker.topics")
        templates = [Template(text) for text in config.topics]
        for place, template in enumerate(templates):
            for other in templates[:place]:
                if template.overlaps(other):
                    raise _wrong(
                        template.text, f"a message can match {other.text!r} too, and would come twice"
                    )
        share = f"$share/{config.group}/" if config.group else ""
        return cls(
            Address.parse(config.url),
            f"{config.client_id}-{identity}",
            templates,
            [f"{share}{template.filter}" for template in templates],
        )

import re

from hub.errors import Invalid

ID = "{id}"
_SHAPES = {ID: "([^/]+)", "+": "[^/]*", "#": "(?s:.*)"}


class TopicTemplate:
    """A topic with the level that holds the device's id, such as `devices/{id}/telemetry`. Raises Invalid.

    The other levels are literal, or `+`, or a last `#`, as in a topic filter (MQTT 5, 4.7.1).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.levels = text.split("/")
        if self.levels.count(ID) != 1:
            raise wrong_topics(text, f"one level, and only one, is {ID}, as in devices/{ID}/telemetry")
        for place, level in enumerate(self.levels):
            last = place == len(self.levels) - 1
            if level != ID and ("{" in level or "}" in level):
                raise wrong_topics(
                    text, f"{level!r}: {ID} stands for a whole level, and there is no other placeholder"
                )
            if ("+" in level and level != "+") or ("#" in level and not (level == "#" and last)):
                raise wrong_topics(
                    text, f"{level!r}: + stands for a whole level, # for all levels at the end"
                )
        if text.startswith("$") or "\0" in text or len(text.encode()) > 60_000:
            raise wrong_topics(
                text, "a topic of devices begins without $, has no NUL and less than 60,000 bytes"
            )
        self.filter = text.replace(ID, "+")
        self._shape = re.compile("/".join(_SHAPES.get(level, re.escape(level)) for level in self.levels))

    def device_id(self, topic: str) -> str | None:
        """The device's id in a topic; None if the topic is not of this template."""
        found = self._shape.fullmatch(topic)
        return found[1] if found else None

    def overlaps(self, other: "TopicTemplate") -> bool:
        """Whether one topic can match both: it would arrive, and be stored, twice."""
        for mine, its in zip(self.levels, other.levels, strict=False):
            if "#" in (mine, its):
                return True
            if mine != its and not {mine, its} & {"+", ID}:
                return False
        longer, shorter = sorted((self.levels, other.levels), key=len, reverse=True)
        return len(longer) == len(shorter) or longer[len(shorter) :] == ["#"]


def wrong_topics(text: str, why: str) -> Invalid:
    """The error for a topic of the configuration."""
    return Invalid(f"broker.topics: {text!r:.200}: {why}", "broker.topics")

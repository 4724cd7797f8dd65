from collections.abc import Sequence
from typing import NamedTuple

from hub.bridge.address import Address
from hub.bridge.topics import ID, TopicTemplate, wrong_topics
from hub.config import BrokerConfig
from hub.errors import Invalid


class Target(NamedTuple):
    """Which broker, as whom, and what is subscribed to there: `[broker]` of the configuration, checked."""

    address: Address
    client_id: str
    templates: Sequence[TopicTemplate]
    filters: Sequence[str]  # one a template

    @classmethod
    def read(cls, config: BrokerConfig, identity: str) -> "Target":
        """What `config` says; `identity` is this hub's own, the same at every start. Raises Invalid.

        Hubs of one group are told apart by it: two clients of one id would throw each other out for ever,
        and a new id at each start would leave what waits for the old one at the broker.

        With a group the subscriptions are shared (MQTT 5, 4.8.2). Without one they are plain, which some
        brokers keep more safely: Mosquitto 2.0.11 restores them when it starts again, and shared ones only
        when the hub is back.
        """
        if set(config.group) & set("/+#\0"):
            raise Invalid("broker.group: a name without / + #, or empty for a hub alone", "broker.group")
        if not config.topics:
            raise Invalid(f"broker.topics: at least one, such as devices/{ID}/telemetry", "broker.topics")
        templates = [TopicTemplate(text) for text in config.topics]
        for place, template in enumerate(templates):
            for other in templates[:place]:
                if template.overlaps(other):
                    raise wrong_topics(
                        template.text, f"a message can match {other.text!r} too, and would come twice"
                    )
        share = f"$share/{config.group}/" if config.group else ""
        return cls(
            Address.parse(config.url),
            f"{config.client_id}-{identity}",
            templates,
            [f"{share}{template.filter}" for template in templates],
        )

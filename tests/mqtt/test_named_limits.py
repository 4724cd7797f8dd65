"""Every limit says its name where it bites, in the reason string of MQTT 5."""

from pathlib import Path

from hub.config import MqttConfig
from hub.mqtt.codec.packets import Disconnect, Properties, Publish, Version
from tests.mqtt.client import TELEMETRY
from tests.mqtt.rooms import boiler, rooms


async def test_mqtt_says_which_limit_ends_a_connection(tmp_path: Path) -> None:
    mqtt = MqttConfig(port=0, max_packet_bytes=2_000, receive_max=2, topic_alias_max=1)
    async with rooms(tmp_path, mqtt=mqtt) as hub:
        await hub.add("boiler")
        for packets, limit in (
            ((Publish(TELEMETRY, b"x" * 3_000, 1, 1),), "mqtt.max_packet_bytes"),
            (tuple(Publish(TELEMETRY, b'{"t":1}', 2, number) for number in (1, 2, 3)), "mqtt.receive_max"),
            (
                (Publish(TELEMETRY, b"{}", 1, 1, properties=Properties(topic_alias=2)),),
                "mqtt.topic_alias_max",
            ),
        ):
            async with boiler(hub, Version.V5) as client:
                client.send(*packets)
                while not isinstance(said := await client.receive(), Disconnect):
                    assert said is not None
                assert limit in (said.properties.reason_string or "")

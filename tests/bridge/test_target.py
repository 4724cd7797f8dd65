"""What [broker] may say."""

import pytest

from hub.bridge.address import Address
from hub.bridge.target import Target
from hub.bridge.topics import TopicTemplate
from hub.config import BrokerConfig
from hub.errors import Invalid


@pytest.mark.parametrize(
    ("template", "topic_filter", "topic", "device_id"),
    [
        ("devices/{id}/telemetry", "devices/+/telemetry", "devices/boiler-1/telemetry", "boiler-1"),
        ("devices/{id}/telemetry", "devices/+/telemetry", "devices//telemetry", None),
        ("devices/{id}/telemetry", "devices/+/telemetry", "devices/a/b/telemetry", None),
        ("devices/{id}/telemetry", "devices/+/telemetry", "xdevices/a/telemetry", None),
        ("{id}", "+", "boiler-1", "boiler-1"),
        ("plant/hall.2/{id}/up/json", "plant/hall.2/+/up/json", "plant/hall.2/m7/up/json", "m7"),
        ("plant/hall.2/{id}/up/json", "plant/hall.2/+/up/json", "plant/hallx2/m7/up/json", None),
        ("+/{id}/state", "+/+/state", "kitchen/lamp/state", "lamp"),
        ("tele/{id}/#", "tele/+/#", "tele/plug/SENSOR/deep", "plug"),
        ("tele/{id}/#", "tele/+/#", "tele/plug/", "plug"),
    ],
)
def test_a_template_is_a_filter_that_also_finds_the_device(
    template: str, topic_filter: str, topic: str, device_id: str | None
) -> None:
    read = TopicTemplate(template)

    assert topic_filter == read.filter
    assert device_id == read.device_id(topic)


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("devices/telemetry", "one level, and only one"),
        ("devices/{id}/{id}", "one level, and only one"),
        ("devices/dev-{id}/telemetry", "one level, and only one"),
        ("{site}/{id}", "no other placeholder"),
        ("a+/{id}", r"\+ stands for a whole level"),
        ("a/#/{id}", "# for all levels at the end"),
        ("$share/hub/{id}", r"begins without \$"),
        ("", "one level, and only one"),
    ],
)
def test_a_template_that_cannot_work_is_refused_with_the_reason(template: str, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        TopicTemplate(template)


@pytest.mark.parametrize(
    ("one", "other", "overlap"),
    [
        ("devices/{id}/telemetry", "devices/{id}/+", True),
        ("devices/{id}/telemetry", "+/{id}/telemetry", True),
        ("devices/{id}/telemetry", "devices/{id}/#", True),
        ("devices/{id}", "devices/{id}/#", True),
        ("devices/{id}/telemetry", "devices/{id}/state", False),
        ("devices/{id}/telemetry", "devices/{id}", False),
        ("a/{id}/#", "b/{id}/#", False),
    ],
)
def test_two_templates_overlap_when_one_topic_can_match_both(one: str, other: str, overlap: bool) -> None:
    assert overlap == TopicTemplate(one).overlaps(TopicTemplate(other))
    assert overlap == TopicTemplate(other).overlaps(TopicTemplate(one))


def test_overlapping_templates_are_refused_because_messages_would_be_stored_twice() -> None:
    config = BrokerConfig(url="mqtt://h", topics=("devices/{id}/telemetry", "devices/{id}/#"))

    with pytest.raises(Invalid, match="come twice"):
        Target.read(config, "one")


def test_settings_share_the_subscription_and_tell_the_hubs_of_a_group_apart() -> None:
    config = BrokerConfig(url="mqtt://h", group="plant", topics=("a/{id}", "b/{id}/x"))

    settings = Target.read(config, "5f3a")

    assert settings.filters == ["$share/plant/a/+", "$share/plant/b/+/x"]
    assert settings.client_id == "sensor-hub-5f3a"
    assert Target.read(config, "77aa").client_id != settings.client_id


def test_without_a_group_the_subscription_is_the_hubs_own() -> None:
    settings = Target.read(BrokerConfig(url="mqtt://h", group=""), "one")

    assert settings.filters == ["devices/+/telemetry"]


@pytest.mark.parametrize("group", ["a/b", "+", "#"])
def test_a_group_is_one_plain_name(group: str) -> None:
    with pytest.raises(Invalid, match=r"broker\.group"):
        Target.read(BrokerConfig(url="mqtt://h", group=group), "one")


def test_no_topics_at_all_are_refused() -> None:
    with pytest.raises(Invalid, match="at least one"):
        Target.read(BrokerConfig(url="mqtt://h", topics=()), "one")


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("mqtt://h", Address("h", 1883, tls=False, username=None, password=None)),
        ("mqtt://h:99/", Address("h", 99, tls=False, username=None, password=None)),
        ("mqtts://h", Address("h", 8883, tls=True, username=None, password=None)),
        ("mqtt://me:p%40ss%2F@h", Address("h", 1883, tls=False, username="me", password="p@ss/")),
        ("mqtt://[::1]:5", Address("::1", 5, tls=False, username=None, password=None)),
    ],
)
def test_an_address_holds_where_and_as_whom(url: str, address: Address) -> None:
    assert address == Address.parse(url)


@pytest.mark.parametrize(
    "url", ["http://h", "h:1883", "mqtt://", "mqtt://:s3cret@", "mqtt://u:s3cret@h:x", "mqtt://u:s3cret@h/t"]
)
def test_a_wrong_address_is_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(Invalid, match=r"broker\.url") as refused:
        Address.parse(url)

    assert "s3cret" not in str(refused.value)

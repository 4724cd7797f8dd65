"""Which subscriptions a device is granted: those to topics of its own that the hub sends to. Pure."""

from collections.abc import Sequence
from typing import NamedTuple

from hub.model import RAW_MAX, Refusal
from hub.mqtt.codec.packets import Reason, Subscribe, TopicFilter
from hub.mqtt.session_state import Granted, SessionState
from hub.mqtt.topics import ME, is_own, matches, may_receive, prefixes

FILTER_MAX = 256  # characters; a session keeps its filters, and no topic of a device is longer
LISTED_MAX = 10  # filters named in one refusal
LISTED_CHARS = 500


class SubscriptionAnswer(NamedTuple):
    """What became of a SUBSCRIBE: a reason code a filter, why some were refused, and the rejection.

    `is_of_attributes`: among what was granted are the attributes that operators set.
    """

    reasons: Sequence[int]
    why: str = ""
    refusal: Refusal | None = None
    is_of_attributes: bool = False


def subscribe(packet: Subscribe, state: SessionState) -> SubscriptionAnswer:
    """Grant what may be granted, at QoS 1 at most (3.8.4)."""
    identifier = next(iter(packet.properties.subscription_identifier), None)
    reasons = [_grant(wanted, identifier, state) for wanted in packet.subscriptions]
    forbidden = [
        wanted.topic_filter
        for wanted, reason in zip(packet.subscriptions, reasons, strict=True)
        if reason == Reason.NOT_AUTHORIZED
    ]
    is_of_attributes = any(
        matches(wanted.topic_filter, prefix + "attributes")
        for wanted, reason in zip(packet.subscriptions, reasons, strict=True)
        for prefix in prefixes(state.device.id)
        if reason < Reason.UNSPECIFIED_ERROR
    )
    if not forbidden:
        return SubscriptionAnswer(reasons, is_of_attributes=is_of_attributes)
    listed = ", ".join(forbidden[:LISTED_MAX])
    text = f"nothing is sent to this device there: {listed:.{LISTED_CHARS}}"
    why = f"a device subscribes to {ME}attributes, attributes/response/+ and rpc/request/+ only"
    return SubscriptionAnswer(
        reasons, why, Refusal(-1, "forbidden", text, listed.encode()[:RAW_MAX]), is_of_attributes
    )


def _grant(wanted: TopicFilter, identifier: int | None, state: SessionState) -> int:
    """The reason code of one filter."""
    topic_filter = wanted.topic_filter
    if topic_filter.startswith("$share/"):
        return Reason.SHARED_SUBSCRIPTIONS_NOT_SUPPORTED
    if not is_own(topic_filter, state.device.id):
        return Reason.NOT_AUTHORIZED
    if len(topic_filter) > FILTER_MAX:
        return Reason.TOPIC_FILTER_INVALID
    if not may_receive(topic_filter, state.device.id):
        return Reason.NOT_AUTHORIZED
    qos = min(wanted.qos, 1)
    return qos if state.subscribe(topic_filter, Granted(qos, identifier)) else Reason.QUOTA_EXCEEDED

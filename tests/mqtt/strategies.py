"""Every packet of both versions, as hypothesis makes them."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from hub.mqtt.codec.fields import VARINT_MAX, PropertyPlace
from hub.mqtt.codec.packets import (
    NONE,
    Auth,
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Properties,
    Puback,
    Pubcomp,
    Publish,
    Pubrec,
    Pubrel,
    Suback,
    Subscribe,
    TopicFilter,
    Unsuback,
    Unsubscribe,
    Version,
    Will,
)
from hub.mqtt.codec.reasons import allowed, of_clients

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
names = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#"), min_size=1, max_size=12)
levels = st.one_of(
    st.just("+"), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0+#/"), max_size=6)
)
filters = st.builds(
    lambda parts, last: "/".join([*parts, last]),
    st.lists(levels, max_size=3),
    st.one_of(st.just("#"), st.just("+"), st.text("abc", min_size=1, max_size=4)),
)
blobs = st.binary(max_size=300)
ids = st.integers(1, 65_535)
flags = st.integers(0, 1)
u16 = st.integers(0, 65_535)
u32 = st.integers(0, 2**32 - 1)
users = st.lists(st.tuples(texts, texts), max_size=3).map(tuple)

_MESSAGE: dict[str, st.SearchStrategy[Any]] = {
    "payload_format_indicator": flags,
    "message_expiry_interval": u32,
    "content_type": texts,
    "response_topic": names,
    "correlation_data": blobs,
}
_REASON: dict[str, st.SearchStrategy[Any]] = {"reason_string": texts}
_FIELDS: dict[PropertyPlace, dict[str, st.SearchStrategy[Any]]] = {
    PropertyPlace.CONNECT: {
        "session_expiry_interval": u32,
        "authentication_method": texts,
        "request_problem_information": flags,
        "request_response_information": flags,
        "receive_maximum": ids,
        "topic_alias_maximum": u16,
        "maximum_packet_size": st.integers(1, 2**32 - 1),
    },
    PropertyPlace.CONNACK: {
        **_REASON,
        "session_expiry_interval": u32,
        "assigned_client_identifier": texts,
        "server_keep_alive": u16,
        "receive_maximum": ids,
        "topic_alias_maximum": u16,
        "maximum_qos": flags,
        "retain_available": flags,
        "maximum_packet_size": st.integers(1, 2**32 - 1),
        "wildcard_subscription_available": flags,
        "subscription_identifier_available": flags,
        "shared_subscription_available": flags,
    },
    PropertyPlace.PUBLISH: {
        **_MESSAGE,
        "topic_alias": ids,
        "subscription_identifier": st.lists(st.integers(1, VARINT_MAX), min_size=1, max_size=3).map(tuple),
    },
    PropertyPlace.WILL: {**_MESSAGE, "will_delay_interval": u32},
    PropertyPlace.SUBSCRIBE: {"subscription_identifier": st.integers(1, VARINT_MAX).map(lambda n: (n,))},
    PropertyPlace.DISCONNECT: {**_REASON, "session_expiry_interval": u32, "server_reference": texts},
    PropertyPlace.AUTH: {**_REASON, "authentication_method": texts, "authentication_data": blobs},
}


def properties(version: Version, place: PropertyPlace) -> st.SearchStrategy[Properties]:
    """Any that may stand there; none in 3.1.1."""
    if version is Version.V311:
        return st.just(NONE)
    optional = _FIELDS.get(place, {} if place is PropertyPlace.UNSUBSCRIBE else _REASON)
    some = st.fixed_dictionaries({}, optional={**optional, "user_property": users})
    return st.one_of(st.just(NONE), some.map(lambda found: Properties(**found)))


def _normal_properties(held: Properties) -> Properties:
    return NONE if held == NONE else held


def _normal(packet: Packet) -> Packet:
    """One way to write an absent set of properties: NONE itself."""
    held = getattr(packet, "properties", NONE)
    if held != NONE or held is NONE:
        return packet
    return replace(packet, properties=NONE)  # type: ignore[arg-type]  # those without never get here


def connects(version: Version) -> st.SearchStrategy[Connect]:
    wills = st.builds(
        Will, names, blobs, st.integers(0, 2), st.booleans(), properties(version, PropertyPlace.WILL)
    )
    build = st.builds(
        Connect,
        st.just(version),
        texts,
        st.booleans(),
        u16,
        st.none() | texts,
        st.none() | blobs,
        st.none() | wills,
        properties(version, PropertyPlace.CONNECT),
    )
    if version is Version.V311:
        return build.map(lambda it: replace(it, password=None) if it.username is None else it)
    return build


def reasons_of(place: PropertyPlace, version: Version) -> st.SearchStrategy[int]:
    """Any that the packet may carry; 0 where it carries none."""
    return st.sampled_from(sorted(allowed(place, version)) or [0])


def publishes(version: Version, *, by_server: bool) -> st.SearchStrategy[Publish]:
    carried = properties(version, PropertyPlace.PUBLISH)
    if not by_server:
        carried = carried.map(lambda it: _normal_properties(replace(it, subscription_identifier=())))
    loud = st.builds(Publish, names, blobs, st.integers(1, 2), ids, st.booleans(), st.booleans(), carried)
    quiet = st.builds(Publish, names, blobs, st.just(0), st.just(0), st.booleans(), st.just(False), carried)
    return loud | quiet


def _acks(version: Version) -> st.SearchStrategy[Packet]:
    kinds = (
        (Puback, PropertyPlace.PUBACK),
        (Pubrec, PropertyPlace.PUBREC),
        (Pubrel, PropertyPlace.PUBREL),
        (Pubcomp, PropertyPlace.PUBCOMP),
    )
    return st.one_of(
        *(
            st.builds(kind, ids, reasons_of(place, version), properties(version, place))
            for kind, place in kinds
        )
    )


def subscriptions(version: Version) -> st.SearchStrategy[TopicFilter]:
    qos = st.integers(0, 2)
    if version is Version.V311:
        return st.builds(TopicFilter, filters, qos)
    return st.builds(TopicFilter, filters, qos, st.booleans(), st.booleans(), st.integers(0, 2))


def from_client(version: Version) -> st.SearchStrategy[Packet]:
    """What may follow a CONNECT, except the DISCONNECT that ends the stream."""
    some = st.lists(subscriptions(version), min_size=1, max_size=3).map(tuple)
    topics = st.lists(filters, min_size=1, max_size=3).map(tuple)
    kinds: list[st.SearchStrategy[Any]] = [
        publishes(version, by_server=False),
        _acks(version),
        st.builds(Subscribe, ids, some, properties(version, PropertyPlace.SUBSCRIBE)),
        st.builds(Unsubscribe, ids, topics, properties(version, PropertyPlace.UNSUBSCRIBE)),
        st.just(Pingreq()),
    ]
    if version is Version.V5:
        kinds.append(
            st.builds(
                Auth,
                st.sampled_from(sorted(of_clients(PropertyPlace.AUTH))),
                properties(version, PropertyPlace.AUTH),
            )
        )
    return st.one_of(*kinds).map(_normal)


def from_server(version: Version) -> st.SearchStrategy[Packet]:
    """What may follow a CONNACK, except the DISCONNECT that ends the stream."""
    reasons = st.lists(reasons_of(PropertyPlace.SUBACK, version), min_size=1, max_size=3).map(tuple)
    some = st.lists(reasons_of(PropertyPlace.UNSUBACK, version), min_size=1, max_size=3).map(tuple)
    none = some if version is Version.V5 else st.just(())
    kinds: list[st.SearchStrategy[Any]] = [
        publishes(version, by_server=True),
        _acks(version),
        st.builds(Suback, ids, reasons, properties(version, PropertyPlace.SUBACK)),
        st.builds(Unsuback, ids, none, properties(version, PropertyPlace.UNSUBACK)),
        st.just(Pingresp()),
    ]
    return st.one_of(*kinds).map(_normal)


def disconnects(version: Version) -> st.SearchStrategy[Packet]:
    if version is Version.V311:
        return st.just(Disconnect())
    return st.builds(
        Disconnect,
        st.sampled_from(sorted(of_clients(PropertyPlace.DISCONNECT))),
        properties(version, PropertyPlace.DISCONNECT),
    ).map(_normal)


def client_streams(version: Version) -> st.SearchStrategy[list[Packet]]:
    """A whole conversation, as the client says it."""
    return st.builds(
        lambda first, middle, last: [first, *middle, *last],
        connects(version),
        st.lists(from_client(version), max_size=6),
        st.lists(disconnects(version), max_size=1),
    )


def server_streams(version: Version) -> st.SearchStrategy[list[Packet]]:
    """A whole conversation, as the server says it."""
    connacks = st.builds(
        Connack,
        st.booleans(),
        reasons_of(PropertyPlace.CONNACK, version),
        properties(version, PropertyPlace.CONNACK),
    )
    return st.builds(
        lambda first, middle: [first, *middle],
        connacks.map(_normal),
        st.lists(from_server(version), max_size=6),
    )


versions = st.sampled_from(Version)

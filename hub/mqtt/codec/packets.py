"""The packets of MQTT as frozen values, named as the standards name them (MQTT 3.1.1 and 5.0, chapter 3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from hub.errors import Unreadable


class Version(IntEnum):
    """The protocol level a CONNECT carries."""

    V311 = 4
    V5 = 5


class Reason(IntEnum):
    """The reason codes of MQTT 5 (section 2.4), by the standard's names."""

    SUCCESS = 0x00  # also "normal disconnection" and "granted QoS 0"
    GRANTED_QOS_1 = 0x01
    GRANTED_QOS_2 = 0x02
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    CONTINUE_AUTHENTICATION = 0x18
    REAUTHENTICATE = 0x19
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    RETAIN_NOT_SUPPORTED = 0x9A
    QOS_NOT_SUPPORTED = 0x9B
    USE_ANOTHER_SERVER = 0x9C
    SERVER_MOVED = 0x9D
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F
    MAXIMUM_CONNECT_TIME = 0xA0
    SUBSCRIPTION_IDENTIFIERS_NOT_SUPPORTED = 0xA1
    WILDCARD_SUBSCRIPTIONS_NOT_SUPPORTED = 0xA2


class CodecError(Unreadable):
    """Bytes that are not MQTT, or not MQTT here and now. `reason` is what a DISCONNECT would say.

    `level` is the protocol level of a CONNECT refused for it: the answer has to be in that client's form.
    """

    code = "mqtt"

    def __init__(self, reason: Reason, message: str, level: int | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.level = level


@dataclass(frozen=True, slots=True)
class Properties:
    """The properties of an MQTT 5 packet (section 2.2.2); None where absent.

    Units as in the standard: seconds, bytes.
    """

    payload_format_indicator: int | None = None
    message_expiry_interval: int | None = None
    content_type: str | None = None
    response_topic: str | None = None
    correlation_data: bytes | None = None
    subscription_identifier: tuple[int, ...] = ()
    session_expiry_interval: int | None = None
    assigned_client_identifier: str | None = None
    server_keep_alive: int | None = None
    authentication_method: str | None = None
    authentication_data: bytes | None = None
    request_problem_information: int | None = None
    will_delay_interval: int | None = None
    request_response_information: int | None = None
    response_information: str | None = None
    server_reference: str | None = None
    reason_string: str | None = None
    receive_maximum: int | None = None
    topic_alias_maximum: int | None = None
    topic_alias: int | None = None
    maximum_qos: int | None = None
    retain_available: int | None = None
    user_property: tuple[tuple[str, str], ...] = ()
    maximum_packet_size: int | None = None
    wildcard_subscription_available: int | None = None
    subscription_identifier_available: int | None = None
    shared_subscription_available: int | None = None


NONE = Properties()
"""No properties: one value for all, since most packets carry none."""


@dataclass(frozen=True, slots=True)
class Will:
    """What a client asks to be published when it goes without saying so (3.1.3.2 to 3.1.3.4)."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Connect:
    """3.1. `clean_start` is called Clean Session in 3.1.1."""

    version: Version
    client_id: str
    clean_start: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Connack:
    """3.2. In 3.1.1 `reason` is one of the return codes 0 to 5, in 5.0 a Reason."""

    session_present: bool
    reason: int
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Publish:
    """3.3. `packet_id` is 0 with QoS 0 alone; `topic` may be empty in 5.0 beside a topic alias."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    retain: bool = False
    dup: bool = False
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What the four acknowledging packets share (3.4 to 3.7). In 3.1.1 `reason` is always 0."""

    packet_id: int
    reason: int = 0
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Puback(Acknowledgement):
    """3.4, ends a QoS 1 exchange."""


@dataclass(frozen=True, slots=True)
class Pubrec(Acknowledgement):
    """3.5, QoS 2: the message has come."""


@dataclass(frozen=True, slots=True)
class Pubrel(Acknowledgement):
    """3.6, QoS 2: its packet id may be forgotten."""


@dataclass(frozen=True, slots=True)
class Pubcomp(Acknowledgement):
    """3.7, ends a QoS 2 exchange."""


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """One topic filter of a SUBSCRIBE with its options (3.8.3.1); 3.1.1 knows `qos` alone."""

    topic_filter: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


@dataclass(frozen=True, slots=True)
class Subscribe:
    """3.8."""

    packet_id: int
    subscriptions: Sequence[TopicFilter]
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Suback:
    """3.9, one reason a filter: the granted QoS, or 0x80 and above."""

    packet_id: int
    reasons: Sequence[int]
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """3.10."""

    packet_id: int
    topic_filters: Sequence[str]
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Unsuback:
    """3.11, one reason a filter in 5.0, none in 3.1.1."""

    packet_id: int
    reasons: Sequence[int] = ()
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Pingreq:
    """3.12."""


@dataclass(frozen=True, slots=True)
class Pingresp:
    """3.13."""


@dataclass(frozen=True, slots=True)
class Disconnect:
    """3.14. In 3.1.1 the client alone sends it, without a reason."""

    reason: int = 0
    properties: Properties = NONE


@dataclass(frozen=True, slots=True)
class Auth:
    """3.15, 5.0 only."""

    reason: int = 0
    properties: Properties = NONE


Packet = (
    Connect
    | Connack
    | Publish
    | Puback
    | Pubrec
    | Pubrel
    | Pubcomp
    | Subscribe
    | Suback
    | Unsubscribe
    | Unsuback
    | Pingreq
    | Pingresp
    | Disconnect
    | Auth
)

"""What a CONNECT asks for, and what is agreed on (MQTT 3.1 and 3.2). Pure."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from hub.config import MqttConfig
from hub.errors import Forbidden, HubError, Refused
from hub.fleet.keys import Login
from hub.mqtt.codec.packets import Connack, Connect, Properties, Reason, Version
from hub.mqtt.packet_writer import PacketWriter, explained
from hub.mqtt.session_state import SessionState
from hub.mqtt.topics import upward

CLIENT_ID_MAX = 256  # characters

# 3.1.1, 3.2.2.3: it has six return codes, 5.0 says the same with more.
_RETURN_CODES: Mapping[Reason, int] = MappingProxyType(
    {
        Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
        Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
        Reason.SERVER_UNAVAILABLE: 3,
        Reason.QUOTA_EXCEEDED: 3,
        Reason.CONNECTION_RATE_EXCEEDED: 3,
        Reason.BAD_USER_NAME_OR_PASSWORD: 4,
        Reason.NOT_AUTHORIZED: 5,
    }
)


class Declined(HubError):
    """The client may not come in; `reason` says why in its CONNACK."""

    code = "declined"

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Credentials(NamedTuple):
    """What the client shows. Without `device_id` the key alone says whose it is. The key may be empty."""

    key: str
    device_id: str | None


def credentials(connect: Connect) -> Credentials:
    """User name = key, or user name = device id and password = key. Raises Declined."""
    if connect.properties.authentication_method is not None:
        raise Declined(
            Reason.BAD_AUTHENTICATION_METHOD,
            "there is no enhanced authentication here; show a key as user name",
        )
    try:
        password = (connect.password or b"").decode()
    except UnicodeDecodeError:
        raise Declined(
            Reason.BAD_USER_NAME_OR_PASSWORD, "the password is not UTF-8, so it is no key"
        ) from None
    username = connect.username or ""
    return Credentials(password, username or None) if password else Credentials(username, None)


def client_id(connect: Connect, fresh_id: Callable[[], str]) -> str:
    """The client's own id, or a fresh one where it leaves that to the server (3.1.3.1). Raises Declined."""
    if len(connect.client_id) > CLIENT_ID_MAX:
        raise Declined(
            Reason.CLIENT_IDENTIFIER_NOT_VALID, f"a client id has at most {CLIENT_ID_MAX} characters"
        )
    if connect.client_id:
        return connect.client_id
    if connect.version is Version.V311 and not connect.clean_start:
        raise Declined(Reason.CLIENT_IDENTIFIER_NOT_VALID, "a session to be kept needs a client id")
    return fresh_id()


def check_will(connect: Connect, login: Login) -> None:
    """Raises Declined for a will that the key does not allow; a wrong topic is refused when it is due."""
    if connect.will is None:
        return
    try:
        right = upward(connect.will.topic, login.device.id).kind.right
    except Refused:
        return
    try:
        login.refuse_without(right)
    except Forbidden as error:
        raise Declined(Reason.NOT_AUTHORIZED, f"the will: {error}") from error


def expiry_s(connect: Connect, config: MqttConfig) -> int:
    """How long the client wants its session kept: 5.0 says it; in 3.1.1 it is for good unless clean."""
    if connect.version is Version.V5:
        return connect.properties.session_expiry_interval or 0
    return 0 if connect.clean_start else config.session_expiry_max_s


def welcome(connect: Connect, state: SessionState, config: MqttConfig, *, present: bool) -> Connack:
    """The CONNACK that lets the client in, with all that the hub sets otherwise than the client asked."""
    agreed = Properties(
        session_expiry_interval=state.expiry_s if state.expiry_s != expiry_s(connect, config) else None,
        receive_maximum=config.receive_max,
        maximum_packet_size=config.max_packet_bytes,
        topic_alias_maximum=config.topic_alias_max,
        assigned_client_identifier=state.client_id if not connect.client_id else None,
        shared_subscription_available=0,
    )
    return Connack(session_present=present, reason=Reason.SUCCESS, properties=agreed)


def decline(writer: PacketWriter, reason: Reason, message: str) -> None:
    """Refuse with a CONNACK in the client's own form."""
    if writer.version is Version.V5:
        writer.send(Connack(session_present=False, reason=reason, properties=explained(message)))
    elif reason in _RETURN_CODES:
        writer.send(Connack(session_present=False, reason=_RETURN_CODES[reason]))

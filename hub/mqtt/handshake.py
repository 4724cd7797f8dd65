"""From CONNECT to CONNACK: who is it, may it come in, and what is agreed on (MQTT 3.1 and 3.2)."""

from hub.errors import Busy, HubError, StoreError, Unauthenticated
from hub.fleet.keys import Login
from hub.fleet.session import EndReason
from hub.mqtt.codec.packets import Connack, Connect, Properties, Reason, Version
from hub.mqtt.conversation import Conversation
from hub.mqtt.shared import Shared
from hub.mqtt.wire import PACKET_MAX, Wire

CLIENT_ID_MAX = 256  # characters

# 3.1.1, 3.2.2.3: it has six return codes, 5.0 says the same with more.
_RETURN_CODES = {
    Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.SERVER_UNAVAILABLE: 3,
    Reason.QUOTA_EXCEEDED: 3,
    Reason.CONNECTION_RATE_EXCEEDED: 3,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
    Reason.NOT_AUTHORIZED: 5,
}


class Declined(HubError):
    """The client may not come in; `reason` says why in its CONNACK."""

    code = "declined"

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def decline(wire: Wire, reason: Reason, message: str) -> None:
    """Refuse with a CONNACK in the client's own form, and close."""
    if wire.version is Version.V5:
        wire.send(
            Connack(session_present=False, reason=reason, properties=Properties(reason_string=message[:1000]))
        )
    elif reason in _RETURN_CODES:
        wire.send(Connack(session_present=False, reason=_RETURN_CODES[reason]))
    wire.shut()


async def admit(connect: Connect, wire: Wire, shared: Shared) -> Conversation:
    """Check the client and answer it: on return CONNACK has been sent. Raises Declined."""
    _agree(connect, wire)
    client_id = _client_id(connect, shared)
    login = await _login(connect, wire, shared)
    if wire.closing:
        raise Declined(Reason.UNSPECIFIED_ERROR, "the client went while its key was checked")
    key = (login.device.number, client_id)
    earlier = shared.live.get(key)
    if earlier is not None:
        earlier.end(EndReason.TAKEN_OVER)
    elif len(shared.live) >= shared.limits.connections_max:
        raise Declined(
            Reason.QUOTA_EXCEEDED,
            f"{shared.limits.connections_max} connections are open (limits.connections_max)",
        )
    session, present, wills = shared.sessions.open(login.device, client_id, clean=connect.clean_start)
    shared.bequeath(wills)
    wanted_s = _expiry_s(connect, shared)
    session.expiry_s = min(wanted_s, shared.config.session_expiry_max_s)
    conversation = Conversation(login, session, connect, wire, shared)
    agreed = Properties(
        session_expiry_interval=session.expiry_s if session.expiry_s != wanted_s else None,
        receive_maximum=shared.config.receive_max,
        maximum_packet_size=shared.config.max_packet_bytes,
        topic_alias_maximum=shared.config.topic_alias_max,
        assigned_client_identifier=client_id if not connect.client_id else None,
        shared_subscription_available=0,
    )
    if not wire.send(Connack(session_present=present, reason=Reason.SUCCESS, properties=agreed)):
        raise Declined(Reason.PACKET_TOO_LARGE, f"{wire.packet_max} bytes are too few for a CONNACK")
    wire.connected = True
    conversation.begin()
    return conversation


def _agree(connect: Connect, wire: Wire) -> None:
    """Take over what the client says of itself."""
    wire.packet_max = connect.properties.maximum_packet_size or PACKET_MAX
    wire.explains = connect.properties.request_problem_information != 0
    if connect.properties.authentication_method is not None:
        raise Declined(
            Reason.BAD_AUTHENTICATION_METHOD,
            "there is no enhanced authentication here; show a key as user name",
        )


def _client_id(connect: Connect, shared: Shared) -> str:
    """The client's own id, or a fresh one where it leaves that to the server (3.1.3.1)."""
    if len(connect.client_id) > CLIENT_ID_MAX:
        raise Declined(
            Reason.CLIENT_IDENTIFIER_NOT_VALID, f"a client id has at most {CLIENT_ID_MAX} characters"
        )
    if connect.client_id:
        return connect.client_id
    if connect.version is Version.V311 and not connect.clean_start:
        raise Declined(Reason.CLIENT_IDENTIFIER_NOT_VALID, "a session to be kept needs a client id")
    return shared.fresh_id()


async def _login(connect: Connect, wire: Wire, shared: Shared) -> Login:
    """User name = key, or user name = device id and password = key."""
    try:
        password = (connect.password or b"").decode()
    except UnicodeDecodeError:
        raise Declined(
            Reason.BAD_USER_NAME_OR_PASSWORD, "the password is not UTF-8, so it is no key"
        ) from None
    username = connect.username or ""
    key, device_id = (password, username or None) if password else (username, None)
    if not key:
        raise Declined(
            Reason.NOT_AUTHORIZED, "show a key as user name, or as password with the device's id as user name"
        )
    try:
        return await shared.fleet.keys.authenticate(key, wire.address, device_id)
    except Unauthenticated as error:
        raise Declined(Reason.NOT_AUTHORIZED, str(error)) from error
    except Busy as error:
        raise Declined(Reason.CONNECTION_RATE_EXCEEDED, str(error)) from error
    except StoreError as error:
        raise Declined(Reason.SERVER_UNAVAILABLE, str(error)) from error


def _expiry_s(connect: Connect, shared: Shared) -> int:
    """How long the client wants its session kept: 5.0 says so, 3.1.1 means for good when not clean (3.1.2.4)."""
    if connect.version is Version.V5:
        return connect.properties.session_expiry_interval or 0
    return 0 if connect.clean_start else shared.config.session_expiry_max_s

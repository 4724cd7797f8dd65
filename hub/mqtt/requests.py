"""What a device asks for that takes a while: its key to be checked, attributes, the answers to commands."""

from asyncio import Future
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from hub.config import ClientCertificates
from hub.errors import Busy, StoreError, Unauthenticated, Unreadable
from hub.fleet.commands import Commands
from hub.fleet.fleet import Fleet
from hub.fleet.keys import Login
from hub.fleet.session import DeviceSession, SharedAttributes
from hub.formats.parsing import parse_json
from hub.model import Command, Device
from hub.model.certificate import PeerCertificate
from hub.model.key import PREFIX
from hub.mqtt.admission import Credentials, Declined
from hub.mqtt.codec.packets import Publish, Reason
from hub.mqtt.session_state import Downlink
from hub.mqtt.topics import TopicKind, Up


@dataclass(frozen=True, slots=True)
class CheckKey:
    """Whose key is this? To be answered by `admit` or `decline`."""

    credentials: Credentials


@dataclass(frozen=True, slots=True)
class CarryOut:
    """Do what this publish asks for. To be answered by `carried_out`, `refused` or `failed`."""

    publish: Publish
    up: Up
    done: "Future[bytes]"  # gives the acknowledgement


@dataclass(frozen=True, slots=True)
class SendPending:
    """The client asked for attributes: send what operators wish and it has not reported back."""


Request = CheckKey | CarryOut | SendPending


class Requests:
    """Answers them."""

    def __init__(self, fleet: Fleet, commands: Commands, client_certs: ClientCertificates) -> None:
        self._fleet = fleet
        self._needs_certificate = client_certs is ClientCertificates.REQUIRED
        self._commands = commands

    async def check_key(
        self, shown: Credentials, address: str, certificate: PeerCertificate | None = None
    ) -> Login:
        """Who the client is. Raises Declined."""
        key, device_id = shown
        if certificate is None:
            if self._needs_certificate:
                raise Declined(
                    Reason.NOT_AUTHORIZED, "a certificate is required of devices (mqtt.client_certs)"
                )
            if not key:
                raise Declined(
                    Reason.NOT_AUTHORIZED,
                    "show a key as user name, or as password with the device's id as user name",
                )
        elif key and device_id is None and not key.startswith(PREFIX):
            key, device_id = "", key  # the certificate takes the key's place, so the user name is an id
        try:
            return await self._fleet.keys.authenticate(key, address, device_id, certificate)
        except Unauthenticated as error:
            raise Declined(Reason.NOT_AUTHORIZED, str(error)) from error
        except Busy as error:
            raise Declined(Reason.CONNECTION_RATE_EXCEEDED, str(error)) from error
        except StoreError as error:
            raise Declined(Reason.SERVER_UNAVAILABLE, str(error)) from error

    async def carry_out(self, device: Device, up: Up, body: bytes) -> Downlink | None:
        """Do what a publish other than readings asks for; the message to send in answer, if any.

        Raises Unreadable, Invalid, and NotFound or Conflict for an answer to a command that waits for none.
        """
        if up.kind is TopicKind.ATTRIBUTES:
            await self.report(device, body)
            return None
        if up.kind is TopicKind.RPC_RESPONSE:
            await self._commands.answer(device, up.number, _json(body) if body else None)
            return None
        wanted = _object(body) if body else {}
        kept = await self._fleet.attributes.of(device)
        named = kept.named(_names(wanted, "clientKeys"), _names(wanted, "sharedKeys"))
        return Downlink(f"{up.prefix}attributes/response/{up.number}", orjson.dumps(named))

    def may_be_pending(self, device: Device) -> bool:
        """Whether it is worth asking which attributes are pending."""
        return self._fleet.attributes.may_be_pending(device)

    async def send_pending(self, session: DeviceSession) -> None:
        """Send the attributes that are pending. Raises NotFound."""
        await self._fleet.attributes.deliver_pending(session)

    async def report(self, device: Device, body: bytes) -> None:
        """Take in the attributes a device reports; on disk when it returns. Raises Unreadable, Invalid."""
        await self._fleet.attributes.report(device, _object(body))


def topic_of(message: Command | SharedAttributes) -> str:
    """Where a message to a device goes, below its prefix."""
    return f"rpc/request/{message.id}" if isinstance(message, Command) else "attributes"


def body_of(message: Command | SharedAttributes) -> bytes:
    """What is sent there."""
    if isinstance(message, Command):
        return orjson.dumps({"method": message.method, "params": message.params})
    return orjson.dumps(message.values)


def _names(wanted: Mapping[str, object], field: str) -> list[str]:
    listed = wanted.get(field, "")
    if not isinstance(listed, str):
        raise Unreadable(f"{field}: names separated by commas are wanted")
    return [name.strip() for name in listed.split(",") if name.strip()]


def _json(body: bytes) -> object:
    try:
        return parse_json(body)
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from error


def _object(body: bytes) -> dict[str, object]:
    found = _json(body)
    if not isinstance(found, dict):
        raise Unreadable("a JSON object is wanted")
    return found

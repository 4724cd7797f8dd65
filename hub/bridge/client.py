"""One connection to a broker, by aiomqtt over MQTT 5."""

import asyncio
import logging
import ssl
from collections.abc import Iterable
from typing import Self

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from hub.bridge.target import Target
from hub.config import BrokerConfig

PACKET_MAX_BYTES = 262_144  # the broker is told; it keeps larger messages to itself (MQTT 5, 3.1.2.11.4)
INBOX_MAX = 70_000  # messages; the receive maximum is less
TURN_MAX = 100  # messages taken in before others have their turn of the loop: about 10 ms
CONNECT_TIMEOUT_S = 3.0
KEEPALIVE_S = 30


class Inbox(asyncio.Queue[aiomqtt.Message]):
    """What came and was not taken yet; bounded, because paho reads whatever comes."""

    dropped = 0

    def put_nowait(self, message: aiomqtt.Message) -> None:
        """Keep a message.

        Raises MqttError, which ends the connection, for one of QoS 1 that should not have been sent.
        """
        if self.qsize() < INBOX_MAX:
            super().put_nowait(message)
        elif message.qos == 0:
            self.dropped += 1
        else:
            raise aiomqtt.MqttError(
                f"the broker sent {INBOX_MAX} messages unacknowledged, against the receive maximum"
            )


class BrokerClient(aiomqtt.Client):
    """One connection. The one place that reaches through aiomqtt to paho's client below it.

    aiomqtt acknowledges a message when it is received, and has no other way yet (its issue 345); paho has:
    `manual_ack_set` and `ack`, reached here as that issue proposes.
    """

    def __init__(self, target: Target, config: BrokerConfig) -> None:
        # paho's is not annotated.
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = config.session_expiry_s
        properties.ReceiveMaximum = config.receive_max
        properties.MaximumPacketSize = PACKET_MAX_BYTES
        address = target.address
        quiet = logging.getLogger("hub.bridge.client.paho")
        quiet.setLevel(logging.CRITICAL)  # what matters of it is raised, and logged by Bridge
        super().__init__(
            address.host,
            address.port,
            username=address.username,
            password=address.password,
            identifier=target.client_id,
            protocol=aiomqtt.ProtocolVersion.V5,
            logger=quiet,
            clean_start=False,  # the session at the broker holds what came while the hub was away
            keepalive=KEEPALIVE_S,
            properties=properties,
            queue_type=Inbox,
            tls_context=ssl.create_default_context() if address.tls else None,
        )
        self._client.manual_ack_set(on=True)
        self._client.connect_timeout = CONNECT_TIMEOUT_S
        self._turn_max = min(TURN_MAX, config.receive_max)

    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except BaseException:
            self._client.disconnect()  # aiomqtt would leave a socket open on which no CONNACK came
            raise

    @property
    def dropped(self) -> int:
        """QoS 0 messages dropped."""
        return self._queue.dropped if isinstance(self._queue, Inbox) else 0

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands."""
        return self._client.is_connected()

    def leave(self) -> None:
        """End the connection: what is not acknowledged comes again with the next."""
        self._client.disconnect()

    async def turn(self) -> list[aiomqtt.Message]:
        """Wait for a message; it and all that came with it. Raises MqttError when the connection is lost."""
        messages = [await anext(self.messages)]
        while len(messages) < self._turn_max:
            if self._queue.empty():
                # paho reads one packet each time the loop sees the socket readable; what follows is often
                # there already.
                try:
                    self._client.loop_read()
                except ValueError as error:
                    raise aiomqtt.MqttError(f"the broker sent a malformed message: {error}") from error
                if self._queue.empty():
                    break
            messages.append(self._queue.get_nowait())
        return messages

    def acknowledge(self, messages: Iterable[aiomqtt.Message]) -> None:
        """Tell the broker that these are safe, in the order they came (MQTT 5, 4.6)."""
        for message in messages:
            self._client.ack(message.mid, message.qos)

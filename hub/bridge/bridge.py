"""Readings from an outside broker (Mosquitto, EMQX …), by aiomqtt over MQTT 5.

Theory. What the broker was told to forget must be on disk here, so each message is acknowledged by hand, in
order, after the commit that holds it. Until then it is the broker's: lost connections and a killed hub bring
it again, under a session that outlives both. So a message may come twice (QoS 1 is at least once; `seq`
makes it once), never not at all.

What bounds the hub's memory is the receive maximum: the broker sends no more than `broker.receive_max`
messages that are not acknowledged. QoS 0 knows no such bound; beyond `client.INBOX_MAX` waiting messages it
is dropped, and counted. A broker that sends far more of QoS 1 than it may (Mosquitto 2.0.11 was seen to send
somewhat more) is left, and begins again.

This way takes about 10,000 messages/s, measured; most of that time paho spends making the MQTT 5 properties
of each. Devices that need more connect to the hub itself, or put several readings into a message.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import aiomqtt
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from hub.bridge.client import BrokerClient
from hub.bridge.target import Target
from hub.config import BrokerConfig
from hub.errors import Forbidden, NotFound
from hub.fleet.devices import Devices
from hub.fleet.keys import Login
from hub.flow import Acknowledgements
from hub.formats import json
from hub.history.commit import Commit
from hub.intake.accept import Ingest
from hub.logs import Logger
from hub.model import Device, KeyRight, Reading, Refusal

SOURCE = "broker"
KEY_PROPERTY = "key"
STOP_TIMEOUT_S = 2.0
BACKOFF_MIN_S = 0.2
PAUSE_MAX_S = 1.0  # for a device over its rate: all devices of this broker share the one connection
NOTICE_INTERVAL_S = 10.0

_log = Logger("broker")


@dataclass(slots=True)
class BridgeCounts:
    """Totals since the start, in messages."""

    messages: int = 0
    acknowledged: int = 0
    unknown: int = 0  # of no device, or of a topic that no template has: acknowledged, not kept
    unauthenticated: int = 0  # without their device's key, where broker.device_keys asks for it: the same
    dropped: int = 0  # QoS 0, more than there was room for


class Bridge:
    """The hub's place at an outside broker.

    `identity` tells this hub from others of its group, and is the same at every start. `verify` says whose
    key it is that a message carries. `uniform` picks a number between two. Raises Invalid for settings that
    cannot work.
    """

    def __init__(
        self,
        config: BrokerConfig,
        identity: str,
        devices: Devices,
        ingest: Ingest,
        verify: Callable[[str, str], Login | None],
        uniform: Callable[[float, float], float],
    ) -> None:
        self._config = config
        self._target = Target.read(config, identity)
        self._devices = devices
        self._ingest = ingest
        self._verify = verify
        self._uniform = uniform
        self._failures = 0  # in a row
        self._noticed_at_s: dict[str, float] = {}
        self.connected = False
        self.counts = BridgeCounts()

    async def run(self) -> None:
        """Take in what the broker has, and connect again whenever that ends; until cancelled."""
        while True:
            try:
                await self._stay()
            # OSError: a file that TLS needs cannot be opened.
            except* (aiomqtt.MqttError, Forbidden, OSError) as group:
                _log.warning("no connection to the broker", why=_why(group), **self._where())
            finally:
                self.connected = False
            _heed_cancellation()
            self._failures += 1
            # Full jitter: hubs that lost the same broker do not all come back in the same instant.
            longest_s = min(self._config.backoff_max_s, BACKOFF_MIN_S * 2 ** min(self._failures, 30))
            await asyncio.sleep(self._uniform(0.0, longest_s))

    def _where(self) -> dict[str, object]:
        return {"host": self._target.address.host, "port": self._target.address.port}

    async def _stay(self) -> None:
        """One connection, from its beginning to its end."""
        async with BrokerClient(self._target, self._config) as client:
            await self._subscribe(client)
            _heed_cancellation()
            self.connected = True
            self._failures = 0
            _log.info("connected to the broker", client_id=self._target.client_id, **self._where())
            moved = asyncio.Event()

            def acknowledge(turns: list[list[aiomqtt.Message]]) -> None:
                self._acknowledge(client, turns)

            # What waits here is not acknowledged: the receive maximum bounds it, and where a broker sends
            # more, `full`.
            waiting: Acknowledgements[list[aiomqtt.Message]] = Acknowledgements(
                acknowledge, client.leave, moved.set
            )
            try:
                await self._take(client, waiting)
            except asyncio.CancelledError:
                # The hub stops: what was taken in is stored and acknowledged first, if that is soon done.
                with suppress(TimeoutError):
                    async with asyncio.timeout(STOP_TIMEOUT_S):
                        while waiting:
                            moved.clear()
                            await moved.wait()
                raise

    async def _subscribe(self, client: BrokerClient) -> None:
        wanted = [(topic_filter, SubscribeOptions(qos=1)) for topic_filter in self._target.filters]
        answers = await client.subscribe(wanted)
        for topic_filter, answer in zip(self._target.filters, answers, strict=True):
            if isinstance(answer, ReasonCode) and answer.is_failure:
                raise Forbidden(f"the broker refuses the subscription {topic_filter!r}: {answer}")

    async def _take(self, client: BrokerClient, waiting: Acknowledgements[list[aiomqtt.Message]]) -> None:
        dropped = 0
        while True:
            if self._ingest.full:
                await self._ingest.room()
            messages = await client.turn()
            self.counts.messages += len(messages)
            if client.dropped != dropped:
                self.counts.dropped += client.dropped - dropped
                dropped = client.dropped
                self._notice("messages of QoS 0 dropped", messages=self.counts.dropped)
            stored, wait_s = self._accept(messages)
            waiting.add(stored, messages, len(messages))
            if wait_s > 0:
                await asyncio.sleep(min(wait_s, PAUSE_MAX_S))

    def _accept(self, messages: list[aiomqtt.Message]) -> tuple[Commit | None, float]:
        """Hand messages to the intake, one call a device.

        When they are stored, and how long to wait before the next.
        """
        found: dict[int, tuple[Device, list[Reading], list[Refusal]]] = {}
        sizes: Counter[int] = Counter()
        for message in messages:
            device = self._device(message)
            if device is not None:
                _, readings, refusals = found.setdefault(device.number, (device, [], []))
                more, refused = json.decode(message.payload)
                readings += more
                refusals += refused
                sizes[device.number] += len(message.payload)
        stored, wait_s = None, 0.0
        for device, readings, refusals in found.values():
            size = sizes[device.number]
            receipt = self._ingest.accept(device, readings, SOURCE, refusals, size=size)
            # Done when all that was taken in so far is on disk: the last of a turn speaks for the turn.
            stored, wait_s = receipt.stored, max(wait_s, receipt.wait_s)
        return stored, wait_s

    def _device(self, message: aiomqtt.Message) -> Device | None:
        """Whose message this is; None where there is no device to keep it, or a rejection, for."""
        topic = message.topic.value
        device_id = next(filter(None, (t.device_id(topic) for t in self._target.templates)), None)
        try:
            device = self._devices.find(device_id or "")
        except NotFound:
            self.counts.unknown += 1
            self._notice("messages of no known device", topic=topic[:200], messages=self.counts.unknown)
            return None
        if self._config.device_keys and not self._may_send(message, device):
            self.counts.unauthenticated += 1
            self._notice(
                "messages without their device's key in the user property 'key'",
                device=device.id,
                messages=self.counts.unauthenticated,
            )
            return None
        return device

    def _may_send(self, message: aiomqtt.Message, device: Device) -> bool:
        login = self._verify(_key(message), device.id)
        return login is not None and KeyRight.TELEMETRY in login.rights

    def _acknowledge(self, client: BrokerClient, turns: list[list[aiomqtt.Message]]) -> None:
        # A message whose connection is gone is the broker's still, and comes again with the next.
        if client.is_connected:
            for messages in turns:
                client.acknowledge(messages)
                self.counts.acknowledged += len(messages)

    def _notice(self, what: str, **details: object) -> None:
        """Log what may happen for every message, once in a while."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self._noticed_at_s.get(what, -NOTICE_INTERVAL_S) >= NOTICE_INTERVAL_S:
            self._noticed_at_s[what] = now_s
            _log.warning(what, **details)


def _key(message: aiomqtt.Message) -> str:
    """The key in the message's user property (MQTT 5, 3.3.2.3.7); "" without one."""
    named: list[tuple[str, str]] = getattr(message.properties, "UserProperty", [])
    return next((value for name, value in named if name == KEY_PROPERTY), "")


def _heed_cancellation() -> None:
    """Raise CancelledError if this task was cancelled: in Python 3.11 `asyncio.wait_for`, and so aiomqtt,
    loses that when what it waits for is done, or fails, in the same moment.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _why(group: BaseExceptionGroup[Exception]) -> str:
    return "; ".join(str(error) for error in group.exceptions)

import asyncio
from typing import Any

import pytest

from devices.client import DeviceClient
from devices.errors import KeyRefused
from devices.wire import Refusal
from tests.devices.peers import KEY, Remembering, SmallHub, quick, small_hub
from tests.waiting import free_port, until


def close_unanswered(_message: dict[str, Any]) -> None:
    """The hub goes away before it answers."""


def busy(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "error", "code": "busy", "message": "too fast", "retry_after_s": 9, "id": message["id"]}


def invalid(message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "error", "code": "invalid", "message": "n: not a number", "id": message["id"]}


def unreadable(_message: dict[str, Any]) -> dict[str, Any]:
    return {"type": "error", "code": "unreadable", "message": "not JSON", "id": None}


async def test_a_reading_arrives_and_is_acknowledged() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await device.send({"temperature": 20.5, "door_open": True}, time=1451649600512)
        await device.flush()
        assert hub.readings == [{"ts": 1451649600512, "values": {"temperature": 20.5, "door_open": True}}]
        assert hub.headers == [f"Bearer {KEY}"]


async def test_many_readings_arrive_in_order_over_one_connection() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        for number in range(5_000):
            await device.send({"n": number}, wait=True)
        await device.flush()
        assert hub.seen("n") == list(range(5_000))
        assert hub.shaken == 1
        assert device.counts.acknowledged == 5_000


async def test_readings_unacknowledged_when_the_socket_closes_are_sent_again() -> None:
    async with (
        small_hub() as hub,
        DeviceClient(hub.ws, KEY, numbered=True, first_seq=1, backoff=quick()) as device,
    ):
        hub.socket_answers.extend([close_unanswered, close_unanswered])
        for number in range(20):
            await device.send({"n": number})
        await device.flush()
        assert hub.seen("n") == list(range(20))
        assert [reading["seq"] for reading in hub.readings] == list(range(1, 21))
        assert hub.shaken == 3
        assert device.counts.connections == 3


async def test_a_hub_that_restarts_gets_all_readings() -> None:
    port = free_port()
    state = SmallHub()
    async with DeviceClient(
        f"ws://127.0.0.1:{port}", KEY, numbered=True, first_seq=1, backoff=quick()
    ) as device:
        for run in range(3):
            async with small_hub(port, state):
                await device.send({"n": 2 * run})
                await until(lambda run=run: 2 * run in state.seen("n"))
            await device.send({"n": 2 * run + 1})
        async with small_hub(port, state):
            await device.flush()
    assert sorted({(reading["seq"], reading["values"]["n"]) for reading in state.readings}) == [
        (1 + number, number) for number in range(6)
    ]


async def test_a_refusal_is_counted_and_its_reason_kept() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        hub.socket_answers.append(invalid)
        await device.send({"n": 1})
        await device.flush()
        assert device.counts.refused == 1
        assert device.last_refusal == Refusal(-1, "invalid", "n: not a number")
        await device.send({"n": 2})
        await device.flush()
        assert hub.seen("n") == [2]
        assert hub.shaken == 1


async def test_an_error_without_an_id_is_about_the_oldest_message() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        hub.socket_answers.append(unreadable)
        await device.send({"n": 1})
        await device.flush()
        assert device.last_refusal == Refusal(-1, "unreadable", "not JSON")
        assert hub.readings == []


async def test_a_busy_hub_gets_the_same_readings_later_over_the_same_connection() -> None:
    backoff = Remembering()
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=backoff) as device:
        hub.socket_answers.append(busy)
        await device.send({"n": 1})
        await device.flush()
        assert backoff.asked == [9.0]
        assert hub.seen("n") == [1]
        assert hub.shaken == 1


async def test_a_hub_that_shuts_down_says_when_to_come_back() -> None:
    backoff = Remembering()
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=backoff) as device:
        await until(lambda: device.connected)
        await hub.sockets[0].send_json({"type": "shutdown", "retry_after_s": 4.5})
        await hub.close_sockets(1001)
        await until(lambda: hub.shaken == 2)
        assert backoff.asked == [4.5]


async def test_a_key_refused_at_the_handshake_stops_after_one_try() -> None:
    async with small_hub() as hub:
        hub.handshake_status = 401
        async with DeviceClient(hub.ws, "wrong", backoff=quick()) as device:
            with pytest.raises(KeyRefused, match="HTTP 401"):
                await anext(device.commands())
        assert hub.shaken == 1


async def test_a_key_revoked_while_connected_stops_the_client() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await until(lambda: device.connected)
        commands = asyncio.ensure_future(anext(device.commands()))
        await hub.close_sockets(4401)
        with pytest.raises(KeyRefused, match="wrong or was revoked"):
            await commands
        assert hub.shaken == 1


async def test_a_hub_not_ready_yet_is_asked_again() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        hub.handshake_status = 503
        await until(lambda: hub.shaken >= 3)
        hub.handshake_status = 101
        await device.send({"n": 1})
        await device.flush()
        assert hub.seen("n") == [1]


async def test_a_command_is_answered_over_the_socket_it_came_by() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await until(lambda: device.connected)
        await hub.sockets[0].send_json(
            {"type": "command", "id": 7, "method": "set_rate", "params": {"rate_hz": 2}}
        )
        async for command in device.commands():
            assert (command.id, command.method, command.params) == ("7", "set_rate", {"rate_hz": 2})
            await command.answer({"ok": True})
            break
        await until(lambda: hub.responses)
        assert hub.responses == [{"type": "response", "id": 7, "response": {"ok": True}}]


async def test_a_command_is_answered_over_the_next_connection_when_its_own_broke() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await until(lambda: device.connected)
        await hub.sockets[0].send_json({"type": "command", "id": 7, "method": "reboot", "params": None})
        command = await anext(device.commands())
        await hub.sockets[0].close()
        await until(lambda: not device.connected or hub.shaken == 2)  # it is back within milliseconds
        await command.answer("done")
        await until(lambda: hub.responses)
        assert hub.responses == [{"type": "response", "id": 7, "response": "done"}]
        assert hub.shaken == 2


async def test_commands_nobody_reads_are_bounded_and_do_not_hold_up_readings() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await until(lambda: device.connected)
        for number in range(150):
            await hub.sockets[0].send_json({"type": "command", "id": number, "method": "m", "params": None})
        await device.send({"n": 1})
        await device.flush()
        first_of_all = device.commands()
        assert [(await anext(first_of_all)).id for _ in range(100)] == [str(number) for number in range(100)]


async def test_words_the_client_does_not_know_are_passed_over() -> None:
    async with small_hub() as hub, DeviceClient(hub.ws, KEY, backoff=quick()) as device:
        await until(lambda: device.connected)
        await hub.sockets[0].send_str("not JSON")
        await hub.sockets[0].send_json([1, 2])
        await hub.sockets[0].send_json({"type": "ack", "id": 99})
        await hub.sockets[0].send_json({"type": "attributes", "shared": {"a": 1}})
        await device.send({"n": 1})
        await device.flush()
        assert hub.shaken == 1

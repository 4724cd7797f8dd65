from tests.http.conftest import Hub


async def test_a_reading_is_acknowledged_once_it_is_stored(hub: Hub) -> None:
    await hub.device()
    async with hub.device_socket() as socket:
        welcome = await socket.receive_json()
        await socket.send_json({"id": 7, "temperature": 20.5})
        ack = await socket.receive_json()
    assert (welcome["type"], welcome["device"]) == ("welcome", "boiler")
    assert ack == {"type": "ack", "accepted": 1, "id": 7}
    status, found = await hub.call("GET", "/api/v1/devices/boiler/history?metric=temperature")
    assert (status, found["avg"]) == (200, [20.5])

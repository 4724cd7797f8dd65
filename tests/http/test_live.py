from tests.http.conftest import Hub


async def test_a_viewer_gets_snapshot_then_readings(hub: Hub) -> None:
    await hub.device()
    await hub.send({"ts": 1_451_649_600_512, "values": {"temperature": 20.5}})
    async with hub.live_socket() as socket:
        hello = await socket.receive_json()
        await socket.send_json({"type": "subscribe", "channel": "device/boiler"})
        subscribed = await socket.receive_json()
        await hub.send({"ts": 1_451_649_601_000, "values": {"temperature": 21.0}})
        readings = await socket.receive_json()
    assert hello["type"] == "hello"
    assert subscribed["snapshot"] == {"temperature": [1_451_649_600_512, 20.5]}
    assert readings["readings"] == [[1_451_649_601_000, {"temperature": 21.0}]]

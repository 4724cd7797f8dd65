"""What one writes after the tutorials: aiomqtt in, JSON, a WebSocket to everybody who looks. `python -m
benchmarks.relay`.

It stores nothing, checks nothing and knows no keys; Mosquitto in front has acknowledged a message before it
comes here.
"""

import argparse
import asyncio
import json

import aiomqtt
from aiohttp import web


class Relay:
    """Every reading from the broker to every viewer."""

    def __init__(self) -> None:
        self.taken = 0
        self.viewers: set[web.WebSocketResponse] = set()

    async def relay(self, broker_port: int) -> None:
        async with aiomqtt.Client("127.0.0.1", broker_port) as client:
            await client.subscribe("devices/+/telemetry", qos=1)
            async for message in client.messages:
                device = message.topic.value.split("/")[1]
                reading = {"device": device, "values": json.loads(bytes(message.payload))}
                self.taken += 1
                for viewer in list(self.viewers):
                    await viewer.send_json(reading)

    async def view(self, request: web.Request) -> web.WebSocketResponse:
        viewer = web.WebSocketResponse()
        await viewer.prepare(request)
        self.viewers.add(viewer)
        try:
            async for _ in viewer:
                pass
        finally:
            self.viewers.discard(viewer)
        return viewer

    async def count(self, request: web.Request) -> web.Response:
        del request
        return web.json_response({"taken": self.taken})


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker-port", type=int, required=True)
    parser.add_argument("--http-port", type=int, required=True)
    options = parser.parse_args()
    relay = Relay()
    app = web.Application()
    app.add_routes([web.get("/live", relay.view), web.get("/count", relay.count)])
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", options.http_port).start()
    await relay.relay(options.broker_port)


if __name__ == "__main__":
    asyncio.run(main())

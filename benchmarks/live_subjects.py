"""Those whose viewers are measured: the hub and the relay of `subjects`, Mosquitto alone, Node-RED behind
Mosquitto.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.subjects import Broker, Hub, Relay, Subject, free_port

DEVICES = 50
NODE_RED = Path(__file__).parent / "nodered"
RED = NODE_RED / "node_modules" / "node-red" / "red.js"
PROFILE_LINES = 30


class Door(NamedTuple):
    """Where viewers come in, and how."""

    kind: str
    port: int
    path: str  # of the WebSocket; {} stands for the channel
    channel: str = "devices/bench-{}/telemetry"
    token: str = ""
    mark: str = '"temperature"'  # each reading holds it once; without: counted by offsets

    def options(self, devices: range) -> list[str]:
        """For live_viewers, whose viewers take those devices in turn."""
        channels = ",".join(self.channel.format(number) for number in devices)
        words = {"kind": self.kind, "port": self.port, "path": self.path, "channels": channels}
        words |= {"token": self.token, "mark": self.mark}
        return [option for name, word in words.items() for option in (f"--{name}", str(word))]


class Mosquitto(Broker):
    """The broker alone; viewers subscribe over WebSockets."""

    name = "mosquitto"

    async def start(self) -> None:
        port = free_port()
        await self._start_broker(f"listener {port} 127.0.0.1", "protocol websockets")
        await self._listening(port)
        self.door = Door(self.name, port, "/mqtt")


class NodeRed(Broker):
    """A flow for each device: `mqtt in`, and a `websocket out` whose path is the topic."""

    name = "node-red"

    async def start(self) -> None:
        await self._start_broker("log_type subscribe", "log_type error")
        port = free_port()
        flows = self._folder / "flows.json"
        flows.write_text(json.dumps(self._flows()))
        os.environ["NODE_RED_PORT"] = str(port)
        settings = ("--settings", str(NODE_RED / "settings.js"), "--userDir", str(self._folder / "node-red"))
        self._spawn("node", str(RED), *settings, str(flows))
        await self._listening(port)
        # Mosquitto logs each subscription; that of the last flow comes last.
        await self._says(self.targets[-1].topic)
        self.door = Door(self.name, port, "/{}")

    def _flows(self) -> list[dict[str, object]]:
        flows: list[dict[str, object]] = [
            {"id": "tab", "type": "tab", "label": "live"},
            {"id": "broker", "type": "mqtt-broker", "broker": "127.0.0.1", "port": str(self.port)},
        ]
        for number, target in enumerate(self.targets):
            place: dict[str, object] = {"z": "tab", "x": 0, "y": 0}
            reads = {"type": "mqtt in", "topic": target.topic, "qos": "0", "datatype": "utf8", "inputs": 0}
            tells = {"type": "websocket out", "server": f"path-{number}", "client": "", "wires": []}
            flows += [
                {"id": f"path-{number}", "type": "websocket-listener", "path": f"/{target.topic}"},
                {"id": f"in-{number}", **place, **reads, "broker": "broker", "wires": [[f"out-{number}"]]},
                {"id": f"out-{number}", **place, **tells},
            ]
        return flows


def missing(kind: str) -> str | None:
    """What is not on this machine that the subject takes, or None."""
    if kind == NodeRed.name and not (RED.exists() and shutil.which("node")):
        return "npm ci --prefix benchmarks/nodered"
    return None


@asynccontextmanager
async def started(kind: str, *, profile: bool = False) -> AsyncIterator[tuple[Subject, Door, Path]]:
    """A subject on an empty folder, the door of its viewers, and the folder. `profile`: the hub, under
    cProfile.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        if kind == Hub.name:
            port = free_port()
            os.environ.update(settings(port))
            async with Hub(folder, DEVICES, profile=profile) as hub:
                token = await asyncio.to_thread(make_token, folder)
                yield hub, Door(kind, port, "/api/v1/live", "device/bench-{}", token, ""), folder
            if profile:
                hub.print_profile(PROFILE_LINES)
        elif kind == Relay.name:
            async with Relay(folder, DEVICES) as relay:
                yield relay, Door(kind, relay.http_port, "/live"), folder
        else:
            async with (Mosquitto if kind == Mosquitto.name else NodeRed)(folder, DEVICES) as broker:
                yield broker, broker.door, folder


def settings(port: int) -> dict[str, str]:
    """The hub's defaults, without the limits that keep one address or one device from taking all of it."""
    return {
        "HUB__HTTP__PORT": str(port),
        "HUB__LIVE__VIEWERS_MAX": "10000",
        "HUB__LIVE__VIEWERS_PER_ADDRESS_MAX": "10000",
        "HUB__LIMITS__READINGS_PER_S": "1000000",
        "HUB__LIMITS__READINGS_BURST": "1000000",
    }


def make_token(folder: Path) -> str:
    command = [sys.executable, "-m", "hub", "--config", str(folder / "config.toml"), "tokens", "add"]
    said = subprocess.run(
        [*command, "--name", "bench", "--role", "viewer", "--ttl", "1h", "--json"],
        check=True,
        capture_output=True,
    )
    token: str = json.loads(said.stdout)["token"]
    return token

"""A real hub in a process of its own: started, asked, stopped, killed."""

import asyncio
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from hub.config import Config, StoreConfig
from hub.serve import running

START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


class HubProcess:
    """`hub serve` on stores in `data_dir`, on free ports; started again, it listens on the same ones.

    It runs without coverage, which would take a quarter more of its time: the tests of its rooms, in their
    own process, and of its command line measure the same lines.
    """

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self.files_max: int | None = None  # that it may open; None: as many as this process
        self.output: list[str] = []
        self.log_path = data_dir.with_suffix(".log")
        self._settings = {
            "HUB__STORE__PATH": str(data_dir),
            "HUB__HTTP__PORT": "0",
            "HUB__MQTT__PORT": "0",
            **settings,
        }
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.mqtt_port = 0

    @property
    def pid(self) -> int:
        """Of the running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "HubProcess":
        """Start it and wait until it says that it is ready."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        bounded = (
            [] if self.files_max is None else ["sh", "-c", f'ulimit -n {self.files_max}; exec "$@"', "sh"]
        )
        with self.log_path.open("a") as log:
            self._process = subprocess.Popen(
                [*bounded, sys.executable, "-m", "hub", "serve"],
                cwd=self.data_dir.parent,
                env={**inherited, **self._settings},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.output = self._first_lines(self._process)
        text = "".join(self.output)
        link = re.search(r"The page:\s+(http\S+?)(?:/login\?code=\S+)?\s", text)
        port = re.search(r"mqtt port (\d+)", text)
        assert link, f"the hub did not start:\n{text}\n{self.log_path.read_text()}"
        self.url = link[1]
        self._settings["HUB__HTTP__PORT"] = self.url.rsplit(":", 1)[1]
        if port:
            self.mqtt_port = int(port[1])
            self._settings["HUB__MQTT__PORT"] = port[1]
        return self

    def _first_lines(self, process: subprocess.Popen[str]) -> list[str]:
        """What it prints until it is ready: its last line begins with Ready."""
        assert process.stdout is not None
        lines: list[str] = []
        timer = threading.Timer(START_TIMEOUT_S, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                lines.append(line)
                if line.startswith("Ready"):
                    break
        finally:
            timer.cancel()
        return lines

    def stop(self) -> int:
        """SIGTERM; the exit code. Without effect when it is not running."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what is not on disk now is lost."""
        self._end(signal.SIGKILL)

    def _end(self, sign: signal.Signals) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        process.send_signal(sign)
        try:
            return process.wait(STOP_TIMEOUT_S)
        finally:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def call(self, method: str, path: str, body: object = None) -> Any:
        """REST over the Unix socket, as the owner; the JSON answered, None for no content. Fails on a
        refusal.
        """
        status, answer = self.ask(method, path, body)
        assert status < 400, (status, answer)
        return answer

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """As `call`, giving the status instead of failing."""
        connection = _UnixConnection(self.data_dir / "hub.sock")
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            return response.status, json.loads(content) if content else None
        finally:
            connection.close()

    def add_device(self, device_id: str, **settings: object) -> str:
        """Make a device; its key."""
        key: str = self.call("POST", "/api/v1/devices", {"id": device_id, **settings})["key"]
        return key

    def login_link(self) -> str:
        """A fresh one-time link."""
        link: str = self.call("POST", "/api/v1/login-links", {})["url"]
        return link

    def token(self, role: str = "viewer", devices: list[str] | None = None) -> str:
        """A token for an hour."""
        body = {"name": "test", "role": role, "ttl_s": 3600, "devices": devices}
        token: str = self.call("POST", "/api/v1/tokens", body)["token"]
        return token

    def wait_for(self, path: str, condition: Any, timeout_s: float = 10.0) -> Any:
        """Ask `path` until `condition(answer)` holds; the answer. Fails after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        while True:
            answer = self.call("GET", path)
            if condition(answer):
                return answer
            assert time.monotonic() < deadline, f"{path} stayed at {answer}"
            time.sleep(0.02)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("hub", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def make_store(folder: Path) -> Path:
    """The empty stores of a hub in a folder, as one that ran there and was stopped leaves them."""

    async def start_and_stop() -> None:
        async with running(Config(store=StoreConfig(path=str(folder))), listen=False):
            pass

    asyncio.run(start_and_stop())
    return folder

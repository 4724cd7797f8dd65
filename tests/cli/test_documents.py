"""What the documents say of the command line is what it does."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import commands
from tests.hub_process import HubProcess

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TIMEOUT_S = 60


def test_every_command_is_described() -> None:
    described = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    rows = [line for line in described.splitlines() if line.startswith("| `hub ")]
    for words in commands():
        group, _, last = words.rpartition(" ")
        assert any(f"`hub {group}" in row and re.search(rf"\b{last}\b", row) for row in rows), words


def test_every_command_and_option_says_what_it_is_for() -> None:
    silent = [
        f"{words} {parameter.name}".strip()
        for words, command in commands().items()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []
    assert [words for words, command in commands().items() if not (command.help or "").endswith(".")] == []


def section(title: str) -> str:
    return README.partition(f"## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def environment(shared_hub: HubProcess) -> dict[str, str]:
    """A terminal in the hub's folder, with `hub` on the path."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


def on_ports(text: str, hub: HubProcess) -> str:
    """The example on the ports of this hub, which are not the usual ones."""
    text = text.replace("http://127.0.0.1:8080", hub.url).replace(
        "mqtt://127.0.0.1", f"mqtt://127.0.0.1:{hub.mqtt_port}"
    )
    return text.replace("mosquitto_pub ", f"mosquitto_pub -p {hub.mqtt_port} ")


def test_the_first_device_of_the_readme_works_as_written(
    shared_hub: HubProcess, environment: dict[str, str]
) -> None:
    serve, lines = re.findall(r"```\n(.*?)```", section("Your first device"), re.DOTALL)[:2]
    assert serve == "hub serve\n"
    done = subprocess.run(
        ["bash", "-euc", on_ports(lines, shared_hub)],
        cwd=shared_hub.data_dir.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert '"accepted":1' in done.stdout
    history = shared_hub.call("GET", "/api/v1/devices/greenhouse-1/history?metric=temperature&tier=raw")
    assert history["value"] == [20.5, 20.6]


def test_the_python_of_the_readme_works_as_written(
    shared_hub: HubProcess, environment: dict[str, str], tmp_path: Path
) -> None:
    [example] = re.findall(r"```python\n(from devices import DeviceClient.*?)```", README, re.DOTALL)
    imported, _, block = example.partition("\n\n")
    body = "".join(f"    {line}\n" for line in block.splitlines())
    key = shared_hub.add_device("py")
    script = f"import asyncio\n{imported}\nasync def main(key):\n{body}\nasyncio.run(main({key!r}))\n"
    subprocess.run(
        [sys.executable, "-c", on_ports(script, shared_hub)],
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(ROOT)},
        timeout=TIMEOUT_S,
        check=True,
    )
    latest = shared_hub.call("GET", "/api/v1/devices/py/latest")["snapshot"]
    assert {name: value for name, (_, value) in latest.items()} == {"temperature": 20.5, "door_open": False}

"""`hub devices command`: to a device and to a label, waiting or not, with exit codes for scripts."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aiomqtt
import pytest
from typer.testing import CliRunner

from hub.cli import app
from tests.cli.commands import exit_code
from tests.hub_process import HubProcess

ANSWERS: dict[str, object] = {"open": {"ok": True}, "jam": {"error": "stuck"}}


@pytest.fixture
def hub(shared_hub: HubProcess, monkeypatch: pytest.MonkeyPatch) -> HubProcess:
    """The running hub, as the one that commands typed here are for."""
    monkeypatch.setenv("HUB__STORE__PATH", str(shared_hub.data_dir))
    monkeypatch.setenv("COLUMNS", "80")
    return shared_hub


@contextmanager
def obeying(hub: HubProcess, *keys: str) -> Iterator[None]:
    """Devices that answer what they are told."""
    ready, over = threading.Event(), threading.Event()

    async def obey(key: str, came: Callable[[], None]) -> None:
        async with aiomqtt.Client("127.0.0.1", hub.mqtt_port, username=key) as device:
            await device.subscribe("v1/devices/me/rpc/request/+", qos=1)
            came()
            async for message in device.messages:
                assert isinstance(message.payload, bytes)
                asked = json.loads(message.payload)
                answer = ANSWERS.get(asked["method"], {"got": asked["params"]})
                topic = str(message.topic).replace("request", "response")
                await device.publish(topic, json.dumps(answer), 1)

    async def run() -> None:
        left = list(keys)

        def came() -> None:
            left.pop()
            if not left:
                ready.set()

        tasks = [asyncio.create_task(obey(key, came)) for key in keys]
        await asyncio.to_thread(over.wait)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        assert ready.wait(15)
        yield
    finally:
        over.set()
        thread.join()


def said(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out


def test_a_command_is_sent_and_its_answer_waited_for(
    hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    key = hub.add_device("cli-one")
    assert exit_code("devices", "command", "cli-one", "later") == 0
    assert ": queued" in said(capsys)
    with obeying(hub, key):
        words = ("devices", "command", "cli-one")
        assert exit_code(*words, "open", "--wait") == 0
        assert said(capsys).endswith(', open: done, {"ok":true}\n')
        assert exit_code(*words, "jam", "--wait") == 1
        assert said(capsys).endswith(', jam: failed, {"error":"stuck"}\n')
        given = ("--param", "level=3", "--param", "mode=eco", "--param", "on=true")
        assert exit_code(*words, "set", *given, "--wait", "--json") == 0
        told = json.loads(said(capsys))
        assert (told["state"], told["response"]) == ("done", {"got": {"level": 3, "mode": "eco", "on": True}})
        assert exit_code(*words, "set", "--params", "[1]", "--wait", "--json") == 0
        assert json.loads(said(capsys))["response"] == {"got": [1]}
    assert exit_code(*words, "never", "--wait", "--timeout", "0.3") == 1
    assert ", never: expired" in said(capsys)


def test_a_command_to_a_label_shows_what_became_of_each(
    hub: HubProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    keys = [hub.add_device(f"cli-{number}", labels={"cli": "all"}) for number in range(3)]
    with obeying(hub, *keys):
        assert exit_code("devices", "command", "open", "--label", "cli=all", "--wait") == 0
        shown = said(capsys)
        assert shown.splitlines()[-1].endswith("open to cli=all: 3 done")
        assert max(len(line) for line in shown.splitlines()) <= 80
        assert exit_code("devices", "command", "jam", "--label", "cli=all", "--wait", "--json") == 1
        found: dict[str, Any] = json.loads(said(capsys))
    assert (found["states"], [one["device"] for one in found["results"]]) == (
        {"failed": 3},
        ["cli-0", "cli-1", "cli-2"],
    )


def test_a_dangerous_command_is_asked_about(hub: HubProcess, capsys: pytest.CaptureFixture[str]) -> None:
    hub.add_device("cli-danger")
    path = "/api/v1/devices/cli-danger"
    hub.call("PUT", f"{path}/methods", [{"name": "drain", "dangerous": True}])
    words = ["devices", "command", "cli-danger", "drain"]
    refused = CliRunner().invoke(app, words, input="n\n")
    assert refused.exit_code == 1
    assert "drain is declared dangerous. Send it?" in refused.stderr
    assert hub.call("GET", f"{path}/commands")["commands"] == []
    assert CliRunner().invoke(app, words, input="y\n").exit_code == 0
    assert exit_code(*words, "--yes") == 0
    assert len(hub.call("GET", f"{path}/commands")["commands"]) == 2
    capsys.readouterr()


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (("cli-one",), 2, "DEVICE METHOD"),
        (("a", "b", "--label", "k=v"), 2, "METHOD with --label"),
        (("a", "b", "--param", "level"), 2, "k=v"),
        (("a", "b", "--params", "{"), 2, "not JSON"),
        (("a", "b", "--params", "{}", "--param", "a=1"), 2, "not both"),
        (("nothere", "b"), 1, "there is no device 'nothere'"),
        (("b", "--label", "no=body"), 1, "no device with the label"),
    ],
)
def test_what_is_wrong_is_said(
    hub: HubProcess, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], code: int, why: str
) -> None:
    assert hub.url
    assert exit_code("devices", "command", *words) == code
    assert why in " ".join(capsys.readouterr().err.replace("│", " ").split())

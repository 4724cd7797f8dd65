"""What devices and strangers send is shown as text in a terminal, by every command that shows it."""

import asyncio
import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.cli.tables import plain
from tests.cli.conftest import Run, folder, run
from tests.hub_process import HubProcess
from tests.rounds import rounds

__all__ = ["folder", "run"]

NASTY = (
    "[/b]",
    "[bold red]x[/]",
    "\x1b]52;c;aGk=\x07",  # fills the clipboard
    "\x1b[2J\x1b[1;1H",
    "a\nremoved pump",  # another line
    "\r\x08",
    "\x9b31m",  # CSI in one character
    "\u202edesrever",
    "\u2028",
    "\x7f",
)


@settings(max_examples=rounds(200), deadline=None)
@given(st.text())
def test_no_text_controls_the_terminal_and_none_is_hidden(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert plain(text) == text or not text.isprintable()
    assert plain(text, "\n").replace("\n", "").isprintable()


def send(hub: HubProcess, key: str, values: dict[str, object]) -> None:
    async def post() -> None:
        import aiohttp

        headers = {"Authorization": f"Bearer {key}"}
        async with (
            aiohttp.ClientSession(hub.url, headers=headers) as session,
            session.post("/api/v1/telemetry", json=values) as answer,
        ):
            await answer.read()

    asyncio.run(post())


def test_every_command_that_shows_what_devices_sent_shows_it_as_text(
    run: Run, start_hub: Callable[..., HubProcess]
) -> None:
    hub = start_hub()
    key, names = "", []
    for number, text in enumerate(NASTY):
        status, made = hub.ask("POST", "/api/v1/devices", {"id": f"pump-{number}", "name": text})
        if status != 201:  # a name that people give may not hold all of them
            assert not text.isprintable()
            _, made = hub.ask("POST", "/api/v1/devices", {"id": f"pump-{number}"})
        hub.ask("PATCH", f"/api/v1/devices/pump-{number}", {"labels": {"where": text}})
        key = key or made["key"]
    for number, text in enumerate(NASTY):  # as a name, as a text, and as what is wrong in a reading
        send(hub, key, {text: 1.0})
        send(hub, key, {f"note{number}": text})
        names += [name for name in (text, f"note{number}") if name.isprintable()]
    file = hub.data_dir.parent / "nasty.csv"
    rows = [f'2026-03-01T00:00:0{n}Z,"{text}"' for n, text in enumerate(NASTY) if "\n" not in text]
    file.write_text("\n".join(["time,value", *rows]), encoding="utf-8", newline="")
    commands: list[tuple[str, ...]] = [
        ("devices", "list"),
        ("devices", "show", "pump-0"),
        ("devices", "export"),
        ("keys", "list", "pump-0"),
        ("devices", "metrics", "edit", "pump-0", "note2", "--type", "number", "--preview"),
        ("devices", "metrics", "remove", "pump-0", "--match", "*", "--preview"),
        ("history", "import", str(file), "--device", "pump-0", "--metric", "[/b]", "--dry-run"),
        *(("devices", "show", text) for text in NASTY),  # what is wrong is said with what was typed
    ]
    for arguments in commands:
        for options in ((), ("--json",)):
            if options and arguments[1] == "export":
                continue
            done = run(*arguments, *options)
            said = (done.stdout + done.stderr).replace("\r\n", "").replace("\n", "")
            assert said.isprintable(), (arguments, ascii(said))
            assert done.returncode != 70, done.stderr
            if options and done.returncode == 0:
                json.loads(done.stdout)
    shown = run("devices", "show", "pump-0").stdout
    assert "[/b]" in shown
    assert "\\x1b]52;c;aGk=\\x07" in shown


@pytest.mark.parametrize("text", NASTY)
def test_json_for_programs_says_the_same_as_before(capsys: pytest.CaptureFixture[str], text: str) -> None:
    from hub.cli.calls import show_json

    show_json({"name": text, "more": [text + "😀"]})
    said = capsys.readouterr().out
    assert json.loads(said) == {"name": text, "more": [text + "😀"]}
    assert said.replace("\n", "").isprintable()

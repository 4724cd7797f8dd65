"""The command panel: a form for what the device declares, and how far each command has come, live."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

import aiomqtt
from playwright.sync_api import expect

from tests.e2e.dashboard import PHONE, Dashboard
from tests.hub_process import HubProcess

DEADLINE_S = 20.0
METHODS = [
    {
        "name": "set_level",
        "label": "Set the level",
        "params": {
            "type": "object",
            "required": ["level"],
            "properties": {
                "level": {"type": "number", "minimum": 0, "maximum": 5, "unit": "bar", "title": "Level"},
                "mode": {"enum": ["eco", "full"], "default": "eco", "title": "Mode"},
            },
        },
    },
    {"name": "drain", "label": "Drain it", "dangerous": True},
]
Visit = Callable[..., Dashboard]


@contextmanager
def listening(hub: HubProcess, key: str) -> Iterator[tuple[Queue[dict[str, Any]], Queue[tuple[str, Any]]]]:
    """A device: the commands it got, and what it is to publish; (topic, None) ends it."""
    heard: Queue[dict[str, Any]] = Queue()
    say: Queue[tuple[str, Any]] = Queue()

    async def run() -> None:
        async with aiomqtt.Client("127.0.0.1", hub.mqtt_port, username=key) as device:
            await device.subscribe("v1/devices/me/rpc/request/+", qos=1)

            async def hear() -> None:
                async for message in device.messages:
                    assert isinstance(message.payload, bytes)
                    number = str(message.topic).rpartition("/")[2]
                    heard.put({"id": number, **json.loads(message.payload)})

            hearing = asyncio.create_task(hear())
            while (said := await asyncio.to_thread(say.get))[1] is not None:
                await device.publish(f"v1/devices/me/{said[0]}", json.dumps(said[1]), qos=1)
            hearing.cancel()

    thread = threading.Thread(target=asyncio.run, args=(run(),))
    thread.start()
    try:
        yield heard, say
    finally:
        say.put(("", None))
        thread.join(DEADLINE_S)


def look(page: Dashboard, name: str) -> None:
    """Keep a picture for who wants to look, where that is asked for."""
    if folder := os.environ.get("HUB_TEST_PICTURES"):
        page.tab.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def test_commands_are_sent_by_their_forms_and_followed_live(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("declaring")
    shared_hub.call("PUT", "/api/v1/devices/declaring/methods", METHODS)
    page = visit(shared_hub, "/#/device/declaring/commands")
    form = page.device.get_by_role("form", name="Send a command")
    records = page.device.get_by_role("list", name="Sent commands").get_by_role("listitem")
    form.get_by_label("Command").select_option("set_level")
    form.get_by_label("Level, bar").fill("6")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert")).to_contain_text("at most 5 bar")
    form.get_by_label("Level, bar").fill("3")
    form.get_by_role("button", name="Send").click()
    expect(records).to_have_count(1)
    expect(records.first.locator("strong")).to_have_text("queued")
    expect(records.first).to_contain_text('set_level {"level":3,"mode":"eco"}')
    expect(form.get_by_label("Level, bar")).to_have_value("")
    expect(form.get_by_label("Mode")).to_have_value("eco")  # as it began
    look(page, "queued")
    records.first.get_by_role("button", name="Cancel set_level").click()
    expect(records.first.locator("strong")).to_have_text("cancelled")

    with listening(shared_hub, key) as (heard, say):
        form.get_by_label("Level, bar").fill("4")
        form.get_by_label("Mode").select_option("full")
        form.get_by_role("button", name="Send").click()
        expect(records.first.locator("strong")).to_have_text("delivered")
        command = heard.get(timeout=DEADLINE_S)
        assert (command["method"], command["params"]) == ("set_level", {"level": 4, "mode": "full"})
        say.put((f"rpc/response/{command['id']}", {"error": "stuck"}))
        expect(records.first.locator("strong")).to_have_text("failed")
        expect(records.first.locator("pre")).to_have_text('{"error":"stuck"}')

        form.get_by_label("Command").select_option("drain")
        form.get_by_role("button", name="Send").click()
        page.assert_accessible()
        look(page, "asked")
        page.tab.get_by_role("dialog").get_by_role("button", name="Send drain").click()
        expect(records.first.locator("strong")).to_have_text("delivered")
        assert heard.get(timeout=DEADLINE_S)["method"] == "drain"
    # An answer of REST that came after that tells nothing older.
    expect(page.tab.get_by_role("dialog")).to_have_count(0)
    expect(records.first.locator("strong")).to_have_text("delivered")
    asked = page.tab.evaluate("performance.getEntriesByType('resource').map(one => one.name)")
    assert sum("/commands?limit" in one for one in asked) == 1  # nothing is asked again and again
    page.assert_accessible_in_any_width()
    look(page, "light")


def test_a_wish_is_pending_until_the_device_reports_it(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("wishing")
    page = visit(shared_hub, "/#/device/wishing/attributes", color_scheme="dark", viewport=PHONE)
    form = page.device.get_by_role("form", name="Set an attribute")
    form.get_by_label("Attribute").fill("interval_s")
    form.get_by_label("Value").fill("5")
    form.get_by_role("button", name="Set").click()
    record = page.device.get_by_role("listitem").filter(has=page.tab.get_by_role("button", name="Remove"))
    expect(record).to_contain_text("pending, not reported")
    with listening(shared_hub, key) as (_, say):
        say.put(("attributes", {"interval_s": 9}))
        expect(record).to_contain_text("pending, is 9")
        look(page, "pending-phone")
        page.assert_accessible()
        say.put(("attributes", {"interval_s": 5}))
        expect(record).not_to_contain_text("pending")
    page.tab.goto(shared_hub.url + "/#/device/declaring/commands")
    expect(page.device.get_by_role("heading", name="Commands")).to_be_visible()
    expect(page.device.get_by_role("list", name="Sent commands")).to_be_visible()
    assert not page.overflows()
    look(page, "commands-phone")

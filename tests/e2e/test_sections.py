"""What the page shows of a device beside its readings, and what operators do there."""

import asyncio
import json
import threading
from collections.abc import Callable

import aiomqtt
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.hub_process import HubProcess

DEADLINE_S = 30.0
SECTIONS = ("notes", "keys", "rejections", "commands", "attributes", "settings")

Visit = Callable[..., Dashboard]


def publish(hub: HubProcess, key: str, topic: str, text: str, qos: int = 1) -> None:
    """Publish one message as a device, from another thread: the browser's loop is running in this one."""

    async def send() -> None:
        async with aiomqtt.Client("127.0.0.1", hub.mqtt_port, username=key) as device:
            await device.publish(topic, text, qos=qos)

    thread = threading.Thread(target=asyncio.run, args=(send(),))
    thread.start()
    thread.join(DEADLINE_S)


def test_a_key_is_added_shown_once_and_revoked(shared_hub: HubProcess, visit: Visit) -> None:
    publish(shared_hub, shared_hub.add_device("keyed"), "v1/devices/me/telemetry", '{"n": 1}')
    page = visit(shared_hub, "/#/device/keyed")
    page.device.get_by_role("link", name="Keys").click()
    keys = page.device.get_by_role("listitem")
    expect(keys).to_have_count(1)
    expect(keys.first).to_contain_text("from 127.0.0.1")

    page.device.get_by_role("button", name="Add key").click()
    dialog = page.tab.get_by_role("dialog", name="The new key")
    key = dialog.get_by_role("region", name="API key").inner_text()
    dialog.get_by_role("button", name="Done").click()
    expect(page.device.get_by_role("button", name="Add key")).to_be_focused()
    expect(keys).to_have_count(2)
    expect(keys.nth(1)).to_contain_text("never used")
    assert key not in page.tab.content()

    revoke = keys.nth(1).get_by_role("button", name="Revoke")
    revoke.click()
    page.assert_accessible()
    page.tab.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    expect(revoke).to_be_focused()
    revoke.click()
    page.tab.get_by_role("dialog").get_by_role("button", name="Revoke", exact=True).click()

    expect(keys.nth(1)).to_contain_text("Revoked")
    [_, revoked] = shared_hub.call("GET", "/api/v1/devices/keyed/keys")["keys"]
    assert revoked["revoked_at"] is not None
    assert key.startswith(f"hk_{revoked['id']}_")


def test_a_rejection_says_why_and_shows_what_was_sent(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("refused")
    page = visit(shared_hub, "/#/device/refused/rejections")
    expect(page.device.get_by_text("Nothing from this device was refused.")).to_be_visible()
    publish(shared_hub, key, "v1/devices/me/telemetry", '{"n": ')
    found = shared_hub.wait_for("/api/v1/devices/refused/rejections", lambda found: found["rejections"])
    [known] = found["rejections"]

    page.device.get_by_role("button", name="Refresh").click()

    record = page.device.get_by_role("listitem")
    expect(record).to_contain_text(known["code"])
    expect(record).to_contain_text(known["message"])
    expect(record).to_contain_text(known["source"])
    record.get_by_text("What was sent").click()
    expect(record.locator("pre")).to_have_text('{"n": ')


def test_a_command_is_sent_and_followed_to_its_answer(shared_hub: HubProcess, visit: Visit) -> None:
    key = shared_hub.add_device("obeying")
    page = visit(shared_hub, "/#/device/obeying/commands")
    form = page.device.get_by_role("form", name="Send a command")
    form.get_by_label("Method").fill("set_level")
    form.get_by_label("Parameters, JSON").fill("{level")
    form.get_by_role("button", name="Send").click()
    expect(form.get_by_role("alert")).to_contain_text("not JSON")
    form.get_by_label("Parameters, JSON").fill('{"level": 3}')
    form.get_by_role("button", name="Send").click()
    record = page.device.get_by_role("listitem")
    expect(record).to_contain_text('set_level {"level":3}')
    expect(record.locator("strong")).to_have_text("queued")

    answering = threading.Thread(target=asyncio.run, args=(answer_one(shared_hub, key),))
    answering.start()

    expect(record.locator("strong")).to_have_text("done")
    expect(record.locator("pre")).to_have_text('{"level":3,"done":true}')
    expect(record).to_contain_text("→ done")
    answering.join(DEADLINE_S)


async def answer_one(hub: HubProcess, key: str) -> None:
    """Take one command as a device would, and answer with its parameters."""
    async with aiomqtt.Client("127.0.0.1", hub.mqtt_port, username=key) as device:
        await device.subscribe("v1/devices/me/rpc/request/+", qos=1)
        message = await anext(device.messages)
        assert isinstance(message.payload, bytes)
        asked = json.loads(message.payload)
        topic = str(message.topic).replace("request", "response")
        await device.publish(topic, json.dumps({**asked["params"], "done": True}), qos=1)


def test_attributes_are_shown_set_and_removed(shared_hub: HubProcess, visit: Visit) -> None:
    publish(shared_hub, shared_hub.add_device("described"), "v1/devices/me/attributes", '{"firmware": "1.2"}')
    page = visit(shared_hub, "/#/device/described/attributes")
    expect(page.device.get_by_role("listitem").filter(has_text="firmware")).to_contain_text('"1.2"')
    form = page.device.get_by_role("form", name="Set an attribute")
    form.get_by_label("Attribute").fill("interval_s")
    form.get_by_label("Value").fill("5")
    form.get_by_role("button", name="Set").click()
    record = page.device.get_by_role("listitem").filter(has_text="interval_s")
    expect(record).to_contain_text("5")
    assert shared_hub.call("GET", "/api/v1/devices/described/attributes")["shared"] == {"interval_s": 5}

    record.get_by_role("button", name="Remove").click()

    expect(record).to_have_count(0)
    assert shared_hub.call("GET", "/api/v1/devices/described/attributes")["shared"] == {}


def test_a_viewer_sees_what_a_viewer_may(shared_hub: HubProcess, visit: Visit) -> None:
    shared_hub.add_device("viewed")
    bearer = {"Authorization": f"Bearer {shared_hub.token('viewer')}"}
    page = visit(shared_hub, "/#/device/viewed/keys", extra_http_headers=bearer)
    expect(page.device.get_by_role("heading", name="Keys are for managers")).to_be_visible()
    links = page.device.get_by_role("navigation").get_by_role("link")
    expect(links).to_have_text(["Readings", "Notes", "Attributes"])

    page.device.get_by_role("link", name="Attributes").click()

    expect(page.device.get_by_text("None are set.")).to_be_visible()
    expect(page.device.get_by_role("form")).to_have_count(0)

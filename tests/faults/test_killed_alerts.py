"""A hub that is killed while a rule fires and another is pending: both go on, and none opens twice."""

import json
import time
import urllib.request
from collections.abc import Callable
from typing import Any

from tests.hub_process import HubProcess


def send(hub: HubProcess, key: str, values: dict[str, float]) -> None:
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = json.dumps(values).encode()
    request = urllib.request.Request(f"{hub.url}/api/v1/telemetry", data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200


def alerts(hub: HubProcess, count: int) -> Any:
    """All alerts, as soon as there are so many that fire."""
    deadline_s = time.monotonic() + 20
    while True:
        found = hub.call("GET", "/api/v1/alerts")["alerts"]
        if sum(one["state"] == "firing" for one in found) == count:
            return found
        assert time.monotonic() < deadline_s, found
        time.sleep(0.05)


def test_what_fires_and_what_is_pending_go_on_after_a_kill(
    start_hub_process: Callable[..., HubProcess],
) -> None:
    hub = start_hub_process()
    key = hub.add_device("boiler")
    on = {"on": {"device": "boiler"}}
    hub.call("POST", "/api/v1/rules", {"name": "Hot", "metric": "t", "when": {"above": 90}, **on})
    pending = {"name": "Full", "metric": "level", "when": {"above": 9, "for_s": 4}, **on}
    hub.call("POST", "/api/v1/rules", pending)
    send(hub, key, {"t": 95.0})
    [first] = alerts(hub, 1)
    send(hub, key, {"level": 10.0})
    hub.kill()

    hub.start()
    found = alerts(hub, 2)
    assert [one["name"] for one in found] == ["Full", "Hot"]
    assert (found[1]["id"], found[1]["opened"]) == (first["id"], first["opened"])
    history = hub.call("GET", f"/api/v1/alerts/{first['id']}")["history"]
    assert [one["event"] for one in history] == ["opened"]
    send(hub, key, {"t": 20.0, "level": 1.0})
    assert [one["state"] for one in alerts(hub, 0)] == ["resolved", "resolved"]

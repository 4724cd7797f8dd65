"""Two who write of one device at the same moment: what each was told is done is done, whoever came first."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest

from hub.http.api import ENDPOINTS
from tests.http.conftest import Hub

DEVICE = "/api/v1/devices/boiler"
ROUNDS = 5


class Write(NamedTuple):
    """A request, and what the device has after it, by name; the round's number stands for N."""

    method: str
    path: str
    body: dict[str, Any] | list[Any] | None
    leaves: dict[str, Any]


def patch(body: dict[str, Any], leaves: dict[str, Any]) -> Write:
    return Write("PATCH", "", body, leaves)


NAME = patch({"name": "Boiler N"}, {"name": "Boiler N"})
LABELS = patch({"labels": {"hall": "N"}}, {"labels": {"hall": "N"}})
INTERVAL = patch({"expected_interval_s": 60}, {"expected_interval_s": 60})
RETENTION = patch(
    {"retention": {"hour_s": 60}}, {"retention": {"raw_s": None, "minute_s": None, "hour_s": 60}}
)
UNIT = patch({"metrics": [{"name": "t", "unit": "N °C"}]}, {"t.unit": "N °C"})
DECIMALS = patch({"metrics": [{"name": "t", "decimals": 2}]}, {"t.decimals": 2})
BOTH = patch({"name": "N", "metrics": [{"name": "u", "unit": "N"}]}, {"name": "N", "u.unit": "N"})
WHOLE = Write("PUT", "/metrics/u", {"unit": "N %", "maximum": 100}, {"u.unit": "N %", "u.maximum": 100})
TYPE = Write("PATCH", "/metrics/u", {"type": "number"}, {"u.type": "number"})
SHARED = Write("PUT", "/attributes", {"shared": {"a": "N"}}, {"shared.a": "N"})
SHARED_TOO = Write("PUT", "/attributes", {"shared": {"b": "N"}}, {"shared.b": "N"})
METHODS = Write("PUT", "/methods", [{"name": "open", "label": "N"}], {"method.open": "N"})
KEY = Write("POST", "/keys", None, {"keys": 1})
COMMAND = Write("POST", "/commands", {"method": "m"}, {"commands": 1})
NOTE = Write("POST", "/notes", {"text": "N"}, {"notes": 1})
COUNTED = ("keys", "commands", "notes")

PAIRS = [
    (NAME, LABELS),
    (NAME, INTERVAL),
    (LABELS, RETENTION),
    (NAME, UNIT),
    (UNIT, DECIMALS),
    (BOTH, DECIMALS),
    (BOTH, LABELS),
    (WHOLE, UNIT),
    (WHOLE, NAME),
    (TYPE, BOTH),
    (SHARED, SHARED_TOO),
    (SHARED, NAME),
    (METHODS, NAME),
    (METHODS, SHARED),
    (KEY, KEY),
    (KEY, LABELS),
    (COMMAND, COMMAND),
    (COMMAND, INTERVAL),
    (NOTE, NOTE),
    (NOTE, NAME),
]


def of_round(number: int, value: Any) -> Any:
    """The value with the round's number in it, so that each round's changes are seen."""
    if isinstance(value, str):
        return value.replace("N", str(number))
    if isinstance(value, dict):
        return {name: of_round(number, part) for name, part in value.items()}
    return [of_round(number, part) for part in value] if isinstance(value, list) else value


async def found(hub: Hub) -> dict[str, Any]:
    """All that can be written of the device, flat."""
    _, device = await hub.call("GET", DEVICE)
    for metric in device.pop("metrics"):
        device |= {f"{metric['name']}.{field}": value for field, value in metric.items()}
    _, kept = await hub.call("GET", f"{DEVICE}/attributes")
    device |= {f"shared.{name}": value for name, value in kept["shared"].items()}
    _, methods = await hub.call("GET", f"{DEVICE}/methods")
    device |= {f"method.{one['name']}": one["label"] for one in methods}
    for kind in COUNTED:
        _, listed = await hub.call("GET", f"{DEVICE}/{kind}")
        device[kind] = len(listed[kind])
    return dict(device)


def expected(before: dict[str, Any], writes: Iterable[Write], number: int) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    for write in writes:
        for name, value in of_round(number, write.leaves).items():
            counted = name in COUNTED
            wanted[name] = wanted.get(name, before[name]) + value if counted else value
    return wanted


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: " and ".join(map(str, (one.body for one in pair))))
async def test_two_concurrent_changes_of_different_things_both_stand(
    hub: Hub, pair: tuple[Write, Write]
) -> None:
    await hub.device()
    assert (await hub.send({"t": 1.5, "u": 2.5}))[0] == 200
    for number in range(ROUNDS):
        before = await found(hub)
        writes = pair if number % 2 else pair[::-1]
        answers = await asyncio.gather(
            *(hub.call(one.method, DEVICE + one.path, of_round(number, one.body)) for one in writes)
        )
        assert {status for status, _ in answers} <= {200, 201}
        wanted = expected(before, writes, number)
        after = await found(hub)
        assert {name: after[name] for name in wanted} == wanted


async def test_a_metric_changed_twice_in_one_request_has_both_changes(hub: Hub) -> None:
    await hub.device()
    assert (await hub.send({"t": 1.5}))[0] == 200
    body = {"metrics": [{"name": "t", "unit": "°C"}, {"name": "t", "decimals": 1}]}
    assert (await hub.call("PATCH", DEVICE, body))[0] == 200
    after = await found(hub)
    assert (after["t.unit"], after["t.decimals"]) == ("°C", 1)


def test_every_route_that_writes_of_a_device_is_in_the_table() -> None:
    """Those that end something have nothing to lose: of two, one is told that it was there no more.

    Edits of a note are tried in test_notes.
    """
    tried = {(write.method, write.path) for pair in PAIRS for write in pair}
    inside = "/api/v1/devices/{device_id}"
    routes = {
        (one.method, one.path.removeprefix(inside).replace("{metric}", "u"))
        for one in ENDPOINTS
        if one.method in ("PATCH", "PUT", "POST")
        and one.path.startswith(inside)
        and "note_id" not in one.path
    }
    assert routes - tried == set(), (
        "add a Write of it above, in two PAIRS, and let `found` read what it leaves"
    )
    assert tried - routes == set(), "take out of PAIRS what is no route any more"

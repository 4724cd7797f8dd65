"""REST: devices, and what is known of them now."""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from aiohttp import web

from hub.errors import Forbidden, Invalid
from hub.feed.channel import wire_ms
from hub.fleet.devices import MetricEdit
from hub.fleet.fleet import NewDevice
from hub.http.endpoint import Call, Nothing
from hub.http.rest.device_shapes import (
    AddIn,
    AddOut,
    DeviceChange,
    DeviceIn,
    DeviceNew,
    DeviceOut,
    DevicesNew,
    DevicesPage,
    DevicesQuery,
    IdAndKey,
)
from hub.http.rest.metrics import edit_of, shown_metric
from hub.http.rest.shapes import (
    AttributesIn,
    AttributesOut,
    LatestOfManyOut,
    LatestOut,
    LatestQuery,
)
from hub.http.rest.texts import TEXTS_MAX, characters
from hub.http.rest.times import rfc3339
from hub.http.rooms import FEED, FLEET, INGEST, ROSTER
from hub.model import Device, Retention, Right


async def list_devices(call: Call[DevicesQuery, Nothing]) -> DevicesPage:
    """List devices, by id."""
    query = call.query
    needle = query.q.casefold()
    wanted = read_labels(query.label)
    devices = [one for one in call.devices() if _matches(one, needle, wanted)]
    page, cursor = _page(devices, query.cursor, query.limit)
    shown = [DeviceOut.model_validate(describe(call.app, device)) for device in page]
    return DevicesPage(devices=shown, next=cursor)


def _page(devices: Sequence[Device], cursor: str, limit: int) -> tuple[list[Device], str | None]:
    """So many of the devices, in order of their ids; and the next cursor."""
    if cursor:
        devices = devices[bisect_right(devices, _read_cursor(cursor), key=lambda device: device.id) :]
    page = list(devices[:limit])
    return page, _cursor(page[-1].id) if len(devices) > limit else None


def _matches(device: Device, needle: str, labels: dict[str, str]) -> bool:
    if needle and needle not in device.id.casefold() and needle not in device.name.casefold():
        return False
    return all(device.labels.get(key) == value for key, value in labels.items())


def read_labels(texts: Sequence[str]) -> dict[str, str]:
    """Labels as they are asked for, k=v each. Raises Invalid."""
    labels = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            raise Invalid(f"label: k=v is wanted, got {text[:100]!r}", "label")
        labels[key] = value
    return labels


def _cursor(device_id: str) -> str:
    return base64.urlsafe_b64encode(device_id.encode()).decode().rstrip("=")


def _read_cursor(text: str) -> str:
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise Invalid("cursor: not one that this list gave", "cursor") from error


async def add_devices(call: Call[Nothing, AddIn]) -> AddOut:
    """Add a device, or many, each with a first API key that is shown this once."""
    asked = call.body.root
    for one in [asked] if isinstance(asked, DeviceIn) else asked.devices:
        _refuse_beyond(call, Device(0, one.id, one.name, one.labels, 0))
    if isinstance(asked, DeviceIn):
        [(device, key)] = await call.app[FLEET].add([_wanted(asked)])
        return AddOut(DeviceNew.model_validate({**describe(call.app, device), "key": str(key)}))
    made = await call.app[FLEET].add([_wanted(one) for one in asked.devices])
    return AddOut(DevicesNew(devices=[IdAndKey(id=device.id, key=str(key)) for device, key in made]))


def _wanted(asked: DeviceIn) -> NewDevice:
    return NewDevice(asked.id, asked.name, asked.labels, asked.expected_interval_s)


def _refuse_beyond(call: Call[Any, Any], device: Device) -> None:
    """For a device as it is wanted. Raises Forbidden where it would be out of the principal's reach."""
    if not call.may(Right.DEVICES_WRITE, device):
        raise Forbidden(
            f"{call.principal.name!r} may add and label devices of a scope only, and {device.id!r} as it is "
            "wanted is not in it"
        )


async def show_device(call: Call[Nothing, Nothing]) -> DeviceOut:
    """Show one device."""
    return DeviceOut.model_validate(describe(call.app, call.device()))


async def change_device(call: Call[Nothing, DeviceChange]) -> DeviceOut:
    """Change what people set of a device and its metrics: all, or nothing where something is wrong.

    The settings of metrics take the right commands:write, all else devices:write.
    """
    body = call.body
    wanted: dict[str, Any] = {}
    if body.name is not None:
        wanted["name"] = body.name
    if body.labels is not None:
        wanted["labels"] = body.labels
    if "expected_interval_s" in body.model_fields_set:
        wanted["expected_interval_s"] = body.expected_interval_s
    if "retention" in body.model_fields_set:
        wanted["retention"] = Retention(**dict(body.retention or ()))
    metrics = [
        MetricEdit(one.name, edit_of(one, one.model_fields_set - {"name"}), f"metrics.{position}.")
        for position, one in enumerate(body.metrics)
    ]
    device = call.device(Right.DEVICES_WRITE if wanted or not metrics else Right.COMMANDS_WRITE)
    if metrics:
        device = call.device(Right.COMMANDS_WRITE)

    def edit(device: Device) -> Device:
        changed = replace(device, **wanted)
        if changed.labels != device.labels:
            _refuse_beyond(call, changed)
        return changed

    changed = await call.app[FLEET].devices.change(device, edit, metrics)
    return DeviceOut.model_validate(describe(call.app, changed))


async def remove_device(call: Call[Nothing, Nothing]) -> None:
    """Remove a device with its keys and all its readings."""
    await call.app[FLEET].remove(call.device())


async def latest(call: Call[Nothing, Nothing]) -> LatestOut:
    """The latest value of each metric."""
    return _latest(call.app, call.device())


async def latest_of_many(call: Call[LatestQuery, Nothing]) -> LatestOfManyOut:
    """The latest values of many devices."""
    query = call.query
    devices = chosen(call, query.device, query.label)
    page, cursor = _page(devices, query.cursor, query.limit)
    found: dict[str, LatestOut] = {}
    texts = 0
    for device in page:
        one = _latest(call.app, device)
        texts += characters(value for _, value in one.snapshot.values())
        if texts > TEXTS_MAX and found:  # long texts make shorter pages
            return LatestOfManyOut(devices=found, next=_cursor(next(reversed(found))))
        found[device.id] = one
    return LatestOfManyOut(devices=found, next=cursor)


def chosen(call: Call[Any, Any], ids: Sequence[str], labels: Sequence[str]) -> list[Device]:
    """The devices named, or all where none is, to which the operation may be done; with all these labels.

    By id. Raises NotFound, Forbidden, Invalid.
    """
    wanted = read_labels(labels)
    named = [call.look_up(device_id) for device_id in sorted(set(ids))]
    return [one for one in named or call.devices() if _matches(one, "", wanted)]


def _latest(app: web.Application, device: Device) -> LatestOut:
    channel = app[FEED].device(device.id)
    return LatestOut.model_validate(
        {"snapshot": channel.snapshot(), "presence": channel.presence, "since": _ms(channel.since)}
    )


async def attributes(call: Call[Nothing, Nothing]) -> AttributesOut:
    """A device's attributes."""
    return await _attributes(call.app, call.device())


async def share_attributes(call: Call[Nothing, AttributesIn]) -> AttributesOut:
    """Set attributes for the device, and send them to it if it is there."""
    device = call.device()
    await call.app[FLEET].attributes.share(device, call.body.shared)
    return await _attributes(call.app, device)


async def _attributes(app: web.Application, device: Device) -> AttributesOut:
    found = await app[FLEET].attributes.of(device)
    return AttributesOut(device=found.device, shared=found.shared, pending=list(found.pending))


async def reset_sequence(call: Call[Nothing, Nothing]) -> None:
    """Take the device's next sequence number as its first; what it sends again is stored again."""
    await call.app[INGEST].reset_sequence(call.device())


def describe(app: web.Application, device: Device) -> dict[str, object]:
    """A device as REST shows it."""
    channel, sequence = app[FEED].device(device.id), app[INGEST].sequence(device)
    return {
        "id": device.id,
        "name": device.name,
        "labels": dict(device.labels),
        "created_at": rfc3339(device.created_at),
        "expected_interval_s": device.expected_interval_s,
        "presence": channel.presence,
        "since": _ms(channel.since),
        "last_seen": _ms(app[ROSTER].last_seen(device)),
        "counted": device.counted,
        "lost": sequence.lost,
        "sequence": {
            "highest": sequence.highest,
            "repeated": sequence.repeated,
            "repeated_since": _ms(sequence.repeated_since),
            "restarts": sequence.restarts,
        },
        "limited": {
            limit: {"since": wire_ms(one.since), "waited_s": round(one.waited_s, 3)}
            for limit, one in app[INGEST].limited(device).items()
        },
        "retention": device.retention._asdict(),
        "metrics": [shown_metric(metric) for metric in app[INGEST].metrics(device).values()],
    }


def _ms(time: int | None) -> int | float | None:
    return None if time is None else wire_ms(time)

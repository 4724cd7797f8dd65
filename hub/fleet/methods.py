"""The commands that a device knows: declared by itself, by operators for a label, and for the device.

Of one name the device's own declaration stands behind that of a label, and that behind the one for the
device: operators know what a device may not be told.
"""

import asyncio
from collections.abc import Sequence

from hub.errors import Invalid
from hub.fleet.checks import check_json
from hub.fleet.commands import METHOD_MAX
from hub.fleet.devices import Devices
from hub.fleet.parameters import check_schema, check_value
from hub.model import Device, Method
from hub.registry.methods import StoredMethods

ATTRIBUTE = "methods"
"""By which attribute a device declares its own."""
METHODS_MAX = 100
LABEL_MAX = 200
DECLARED_MAX_BYTES = 65_536
LABELS_DECLARED_MAX = 1_000
_FIELDS = frozenset({"name", "label", "dangerous", "params"})


def parse_methods(declared: object, where: str = "") -> list[Method]:
    """A list of {"name", "label"?, "dangerous"?, "params"?}. Raises Invalid, which names the place."""
    if not isinstance(declared, list):
        raise Invalid(f"{where or 'methods'}: a list is wanted", where or None)
    if len(declared) > METHODS_MAX:
        raise Invalid(f"{len(declared)} methods; at most {METHODS_MAX}", where or None)
    check_json(declared, where or ATTRIBUTE, DECLARED_MAX_BYTES)
    found: dict[str, Method] = {}
    for place, one in enumerate(declared):
        path = f"{where}.{place}" if where else str(place)
        method = _method(one, path)
        if method.name in found:
            raise Invalid(f"{path}.name: {method.name!r} is declared more than once", f"{path}.name")
        found[method.name] = method
    return list(found.values())


def _method(one: object, path: str) -> Method:
    if not isinstance(one, dict) or (unknown := sorted(one.keys() - _FIELDS)):
        told = f"{unknown[0][:40]} is not known here" if isinstance(one, dict) else "an object is wanted"
        raise Invalid(f"{path}: {told}", path)
    name, label, dangerous = one.get("name"), one.get("label", ""), one.get("dangerous", False)
    if not isinstance(name, str) or not 1 <= len(name) <= METHOD_MAX or not name.isprintable():
        raise Invalid(f"{path}.name: 1 to {METHOD_MAX} printable characters are wanted", f"{path}.name")
    if not isinstance(label, str) or len(label) > LABEL_MAX or not label.isprintable():
        raise Invalid(f"{path}.label: at most {LABEL_MAX} printable characters are wanted", f"{path}.label")
    if not isinstance(dangerous, bool):
        raise Invalid(f"{path}.dangerous: true or false is wanted", f"{path}.dangerous")
    params = one.get("params")
    if params is not None:
        check_schema(params, f"{path}.params")
    return Method(name, label, dangerous, params)


def written(methods: Sequence[Method]) -> list[dict[str, object]]:
    """As the wire and the registry have them."""
    return [
        {"name": one.name, "label": one.label, "dangerous": one.dangerous, "params": one.params}
        for one in methods
    ]


class Methods:
    """What is declared, and whether a command fits it."""

    def __init__(self, stored: StoredMethods, devices: Devices) -> None:
        self._stored = stored
        self._devices = devices
        self._labels = asyncio.Lock()

    async def of(self, device: Device) -> list[Method]:
        """What the device knows, by all who declared it."""
        return (await self._of_many([device]))[device.number]

    async def _of_many(self, devices: Sequence[Device]) -> dict[int, list[Method]]:
        wanted = {one.number: [f"{key}={value}" for key, value in one.labels.items()] for one in devices}
        declared = await self._stored.of(wanted)
        return {number: _merged(found) for number, found in declared.items()}

    async def declare(self, device: Device, methods: Sequence[Method]) -> None:
        """Operators declare these for the device, and no others. Raises NotFound, StoreError."""
        async with self._devices.held(device):
            await self._stored.put(device.number, "", written(methods), LABELS_DECLARED_MAX)

    async def of_label(self, label: str) -> list[Method]:
        """What operators declared for all devices with the label, k=v."""
        return _merged([await self._stored.of_label(label)])

    async def declare_for_label(self, label: str, methods: Sequence[Method]) -> None:
        """Operators declare these for all devices with it, and no others. Raises Invalid, StoreError."""
        async with self._labels:
            await self._stored.put(0, label, written(methods), LABELS_DECLARED_MAX)

    async def check(
        self, devices: Sequence[Device], method: str, params: object, *, is_confirmed: bool
    ) -> None:
        """Whether a command fits what these devices declare; one that they do not declare always does.

        Raises Invalid, which names the field, and the device where there are several.
        """
        for number, known in (await self._of_many(devices)).items():
            for one in known:
                if one.name == method:
                    try:
                        _check(one, params, is_confirmed=is_confirmed)
                    except Invalid as error:
                        device = self._devices.numbered(number)
                        of = f" (of {device.id!r})" if len(devices) > 1 and device is not None else ""
                        raise Invalid(f"{error}{of}", error.where, error.code) from error


def _check(method: Method, params: object, *, is_confirmed: bool) -> None:
    if method.params is not None:
        is_object = method.params.get("type") == "object"
        check_value(method.params, {} if params is None and is_object else params)
    if method.dangerous and not is_confirmed:
        raise Invalid(
            f'confirm: {method.name!r} is dangerous: send "confirm": true with it', "confirm", "confirm"
        )


def _merged(declared: Sequence[object]) -> list[Method]:
    """Declarations, the strongest last. What a device declared before this version may be anything."""
    found: dict[str, Method] = {}
    for one in declared:
        try:
            found |= {method.name: method for method in parse_methods(one)}
        except Invalid:
            continue
    return sorted(found.values(), key=lambda method: method.name)

from collections.abc import Mapping, Sequence

from hub.errors import Invalid
from hub.registry.database import Database, Transaction, from_json, to_json

_PUT = """INSERT INTO methods VALUES (:device, :label, :declared)
    ON CONFLICT (device, label) DO UPDATE SET declared = excluded.declared"""
_GONE = "DELETE FROM methods WHERE device = :device AND label = :label"
_ONE = "SELECT declared FROM methods WHERE device = :device AND label = :label"
_OWN = "SELECT value FROM attributes WHERE device = :device AND scope = 'device' AND name = 'methods'"
_COUNT = "SELECT count(*) FROM methods WHERE device = 0"


class StoredMethods:
    """The commands that operators declared, as JSON lists, and those that devices did in their attributes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, devices: Mapping[int, Sequence[str]]) -> dict[int, list[object]]:
        """For devices by number, with their labels as k=v: what they declare themselves, then what was
        declared for their labels, then for them.
        """

        def find(found: Transaction) -> dict[int, list[object]]:
            of_label: dict[str, object] = {}
            for label in {label for labels in devices.values() for label in labels}:
                of_label[label] = from_json(found.value(_ONE, device=0, label=label))
            declared: dict[int, list[object]] = {}
            for number, labels in devices.items():
                own = from_json(found.value(_OWN, device=number))
                mine = from_json(found.value(_ONE, device=number, label=""))
                every = [own, *(of_label[label] for label in labels), mine]
                declared[number] = [one for one in every if one is not None]
            return declared

        return await self._database.read(find)

    async def of_label(self, label: str) -> object:
        """What was declared for a label, k=v: a list, empty where nothing was."""
        return await self._database.read(
            lambda found: from_json(found.value(_ONE, device=0, label=label)) or []
        )

    async def put(self, device: int, label: str, declared: Sequence[object], labels_max: int) -> None:
        """Declare for a device, or with the number 0 for a label. Of over `labels_max` raises Invalid."""

        def put(transaction: Transaction) -> None:
            if not declared:
                transaction.run(_GONE, device=device, label=label)
                return
            transaction.run(_PUT, device=device, label=label, declared=to_json(declared))
            if transaction.value(_COUNT) > labels_max:
                raise Invalid(f"methods are declared for {labels_max} labels at most", "label")

        await self._database.write(put)

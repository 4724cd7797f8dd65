"""Deliveries in the registry: written all at once with what they are planned of, found again, forgotten."""

from dataclasses import replace
from pathlib import Path

from hub.model import Grant, InboxAlert, Operator, Role
from hub.model.alert import Acknowledged
from hub.model.delivery import AlertDelivery, AlertWatch, DeliveryState
from hub.registry.registry import Registry
from tests.notify.board import T0, S, alert_of


def delivery(number: int, **more: object) -> AlertDelivery:
    made = AlertDelivery(
        id=number,
        key=f"{number}-opened-{number}",
        target=1,
        target_name="ops",
        route=1,
        event="opened",
        group="1:1:opened:7:",
        alerts=(alert_of(number), alert_of(number + 100, acknowledged=Acknowledged("ada", T0, "seen"))),
        made_at=T0 + number * S,
        due=T0 + number * S,
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def test_what_was_planned_is_there_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "registry.db"
    watch = AlertWatch(1, alert_of(1), T0, None, escalated=True, unaware=(2,))
    first, second = delivery(1, by="ada", text="seen", more=3), delivery(2)
    async with Registry.open(path) as registry:
        await registry.deliveries.write([first, second], watches=[watch], taken=17)
        await registry.deliveries.write([replace(second, tries=1, why="status 500")])
    async with Registry.open(path) as registry:
        stored = registry.deliveries
        assert await stored.queued() == [first, replace(second, tries=1, why="status 500")]
        assert await stored.watches() == [watch]
        assert (await stored.taken(), await stored.highest()) == (17, 2)
        assert [one.id for one in await stored.find(10, alert=101)] == [1]
        await stored.write(dropped=[1], unwatched=[(1, 1)])
        assert [one.id for one in await stored.queued()] == [2]
        assert await stored.watches() == []
        assert await stored.find(10, alert=101) == []


async def test_a_key_is_given_to_a_target_once(tmp_path: Path) -> None:
    async with Registry.open(tmp_path / "registry.db") as registry:
        stored = registry.deliveries
        await stored.write([delivery(1)])
        await stored.write([replace(delivery(1), id=2), replace(delivery(1), id=3, target=2)])
        assert [(one.id, one.target) for one in await stored.find(10)] == [(3, 2), (1, 1)]


async def test_what_a_person_is_told_is_in_their_inbox_once_however_often_the_end_is_written(
    tmp_path: Path,
) -> None:
    sent = delivery(1, state=DeliveryState.SENT, ended_at=T0 + 9 * S)
    told = InboxAlert("ada", "too hot", "", 1, T0, (1, 101))
    async with Registry.open(tmp_path / "registry.db") as registry:
        await registry.operators.add(Operator("ada", (Grant(Role.OPERATOR),), T0))
        await registry.deliveries.write([delivery(1)])
        await registry.deliveries.end(replace(delivery(1), tries=1, why="busy"), None)
        assert await registry.inbox.of("ada") == ([], 0)
        await registry.deliveries.end(sent, told)
        await registry.deliveries.end(sent, told)
        # Nor for a delivery that is not there: another has its key.
        await registry.deliveries.end(replace(sent, id=2), told)
    async with Registry.open(tmp_path / "registry.db") as registry:
        [entry], seen = await registry.inbox.of("ada")
        assert (entry.kind, entry.text, entry.by, entry.made_at) == ("alert", "too hot", "", T0 + 9 * S)
        assert (entry.alert, entry.at, entry.device, entry.devices, seen) == (1, T0, None, (1, 101), 0)
        assert await registry.deliveries.find(10) == [sent]


async def test_what_has_ended_is_forgotten_but_neither_what_waits_nor_the_newest(tmp_path: Path) -> None:
    async with Registry.open(tmp_path / "registry.db") as registry:
        stored = registry.deliveries
        sent = DeliveryState.SENT
        await stored.write([delivery(1), *(delivery(number, state=sent) for number in range(2, 8))])
        await stored.forget(T0 + 4 * S, most=100)
        assert [one.id for one in await stored.find(10)] == [7, 6, 5, 4, 1]
        await stored.forget(0, most=2)
        assert [one.id for one in await stored.find(10)] == [7, 6, 1]
        await stored.forget(T0 + 100 * S, most=100)
        assert [one.id for one in await stored.find(10)] == [7, 1]
        assert await stored.find(10, alert=104) == []

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from hub.model import InboxAlert
from hub.model.delivery import AlertDelivery, AlertWatch, DeliveryState
from hub.registry.alerts import alert_body, alert_of
from hub.registry.database import Database, Transaction, from_json, to_json
from hub.registry.inbox import put_alert_into_inbox

TAKEN = "alert change that was planned"  # the note of the number of the last one
_COLUMNS = (
    *("id", "key", "target", "target_name", "route", "event", "grouping", "alerts", "more", "by_whom"),
    *("text", "made_at", "due", "state", "tries", "why", "ended_at"),
)
# Of two with one key to one target, which two routes may lead to, the first stays.
_ADD = f"""INSERT INTO deliveries ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{one}" for one in _COLUMNS)})
    ON CONFLICT DO NOTHING"""
_UPDATE = f"UPDATE deliveries SET {', '.join(f'{one} = :{one}' for one in _COLUMNS[1:])} WHERE id = :id"
_IS_QUEUED = "SELECT 1 FROM deliveries WHERE id = :id AND state = 'queued'"
_OF_ALERT = "INSERT INTO delivered_alerts VALUES (:alert, :delivery) ON CONFLICT DO NOTHING"
_WATCH = """INSERT INTO watches (route, alert, body, remind_at, escalate_at, escalated, unaware)
    VALUES (:route, :alert, :body, :remind_at, :escalate_at, :escalated, :unaware)
    ON CONFLICT (route, alert) DO UPDATE SET body = excluded.body, remind_at = excluded.remind_at,
    escalate_at = excluded.escalate_at, escalated = excluded.escalated,
    unaware = excluded.unaware"""
_FIND = """SELECT * FROM deliveries WHERE (:state IS NULL OR state = :state)
    AND (:target IS NULL OR target = :target) AND (:before IS NULL OR id < :before)
    AND (:alert IS NULL OR id IN (SELECT delivery FROM delivered_alerts WHERE alert = :alert))
    ORDER BY id DESC LIMIT :limit"""
# The newest one stays: its number is the highest that was ever given.
_FORGET = """DELETE FROM deliveries WHERE state <> 'queued' AND id < (SELECT max(id) FROM deliveries)
    AND (made_at < :before OR id <= (SELECT max(id) FROM deliveries) - :most)"""
_NOTE = "INSERT INTO notes VALUES (:name, :value) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class StoredDeliveries:
    """Messages on their way, those that ended, and what alerts wait for."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(
        self,
        deliveries: Collection[AlertDelivery] = (),
        dropped: Iterable[int] = (),
        watches: Iterable[AlertWatch] = (),
        unwatched: Iterable[tuple[int, int]] = (),
        taken: int | None = None,
    ) -> None:
        """Write what was planned, all at once: deliveries as they are now, the ids of those that are not to
        be sent after all, watches, those that are over (route and alert), and the change it was for.
        """
        rows = [_row(one) for one in deliveries]
        of_alerts = [{"alert": alert.id, "delivery": one.id} for one in deliveries for alert in one.alerts]
        changed = [{"id": one.id} for one in deliveries]
        gone = [{"id": one} for one in dropped]
        watched = [_watch_row(one) for one in watches]
        over = [{"route": route, "alert": alert} for route, alert in unwatched]

        def write(written: Transaction) -> None:
            written.run_many("DELETE FROM deliveries WHERE id = :id", gone)
            written.run_many("DELETE FROM delivered_alerts WHERE delivery = :id", [*changed, *gone])
            written.run_many(_ADD, rows)
            written.run_many(_UPDATE, rows)
            written.run_many(_OF_ALERT, of_alerts)
            written.run_many(_WATCH, watched)
            written.run_many("DELETE FROM watches WHERE route = :route AND alert = :alert", over)
            if taken is not None:
                written.run(_NOTE, name=TAKEN, value=taken)

        await self._database.write(write)

    async def end(self, delivery: AlertDelivery, told: InboxAlert | None) -> None:
        """Write what came of a try. What a person is told of it is in their inbox from then on, once, however
        often this is asked for.
        """
        row = _row(delivery)

        def end(written: Transaction) -> None:
            if told and written.value(_IS_QUEUED, id=delivery.id):
                put_alert_into_inbox(written, told, delivery.ended_at or delivery.made_at)
            written.run(_UPDATE, **row)

        await self._database.write(end)

    async def taken(self) -> int:
        """The number of the last change that was planned."""
        sql = "SELECT value FROM notes WHERE name = :name"
        return await self._database.read(lambda found: found.value(sql, name=TAKEN) or 0)

    async def queued(self) -> list[AlertDelivery]:
        """All that are to be sent, oldest first."""
        sql = "SELECT * FROM deliveries WHERE state = 'queued' ORDER BY id"
        return await self._database.read(lambda found: [_delivery(row) for row in found.rows(sql)])

    async def watches(self) -> list[AlertWatch]:
        """All alerts that were told and fire."""
        sql = "SELECT * FROM watches ORDER BY alert, route"
        return await self._database.read(lambda found: [_watch(row) for row in found.rows(sql)])

    async def highest(self) -> int:
        """The highest number of a delivery that was given."""
        return await self._database.read(lambda found: found.value("SELECT max(id) FROM deliveries") or 0)

    async def find(
        self,
        limit: int,
        *,
        state: str | None = None,
        alert: int | None = None,
        target: int | None = None,
        before: int | None = None,
    ) -> list[AlertDelivery]:
        """Deliveries, newest first."""
        asked = {"state": state, "alert": alert, "target": target, "before": before, "limit": limit}
        return await self._database.read(lambda found: [_delivery(row) for row in found.rows(_FIND, **asked)])

    async def one(self, delivery_id: int) -> AlertDelivery | None:
        """A delivery by its id."""
        sql = "SELECT * FROM deliveries WHERE id = :id"
        rows = await self._database.read(lambda found: found.rows(sql, id=delivery_id))
        return _delivery(rows[0]) if rows else None

    async def forget(self, before: int, most: int) -> None:
        """Forget those that ended and were made before that time (µs, UTC), and all but so many."""

        def forget(written: Transaction) -> None:
            if written.run(_FORGET, before=before, most=most):
                written.run("DELETE FROM delivered_alerts WHERE delivery NOT IN (SELECT id FROM deliveries)")

        await self._database.write(forget)


def _row(delivery: AlertDelivery) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(delivery, name, None) for name in _COLUMNS}
    row |= {"grouping": delivery.group, "by_whom": delivery.by, "state": delivery.state.value}
    return {**row, "alerts": to_json([alert_body(alert) for alert in delivery.alerts])}


def _delivery(row: Mapping[str, Any]) -> AlertDelivery:
    return AlertDelivery(
        **{name: row[name] for name in ("id", "key", "target", "target_name", "route", "event", "made_at")},
        **{name: row[name] for name in ("due", "more", "text", "tries", "why", "ended_at")},
        group=row["grouping"],
        alerts=tuple(alert_of(body) for body in from_json(row["alerts"])),
        by=row["by_whom"],
        state=DeliveryState(row["state"]),
    )


def _watch_row(watch: AlertWatch) -> dict[str, object]:
    return {
        "route": watch.route,
        "alert": watch.alert.id,
        "body": to_json(alert_body(watch.alert)),
        "remind_at": watch.remind_at,
        "escalate_at": watch.escalate_at,
        "escalated": watch.escalated,
        "unaware": to_json(watch.unaware),
    }


def _watch(row: Mapping[str, Any]) -> AlertWatch:
    alert = alert_of(from_json(row["body"]))
    return AlertWatch(
        row["route"],
        alert,
        row["remind_at"],
        row["escalate_at"],
        bool(row["escalated"]),
        tuple(from_json(row["unaware"])),
    )

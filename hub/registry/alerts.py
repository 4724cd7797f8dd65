from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

import orjson

from hub.model.alert import Acknowledged, Alert, AlertChange, Event, Silenced
from hub.model.rule import Severity
from hub.registry.database import Database, Transaction, from_json, to_json

_COLUMNS = (
    *("id", "rule", "name", "severity", "device", "device_id", "metric", "opened", "received", "resolved"),
    *("value", "peak_at", "peak", "acknowledged", "silenced", "flapping", "count", "notify", "labels", "why"),
)
_PUT = f"""INSERT INTO alerts ({", ".join(_COLUMNS)}) VALUES ({", ".join(f":{one}" for one in _COLUMNS)})
    ON CONFLICT (id) DO UPDATE SET {", ".join(f"{one} = excluded.{one}" for one in _COLUMNS[1:])}"""
_FIND = """SELECT * FROM alerts WHERE (:firing IS NULL OR (resolved IS NULL) = :firing)
    AND (:device IS NULL OR device_id = :device) AND (:rule IS NULL OR rule = :rule)
    AND (:devices IS NULL OR device_id IN (SELECT value FROM json_each(:devices)))
    AND (:severity IS NULL OR severity = :severity) AND (:before IS NULL OR id < :before)
    AND opened < :until AND (resolved IS NULL OR resolved >= :since) ORDER BY id DESC LIMIT :limit"""
_WITHIN = """SELECT * FROM alerts WHERE rule = :rule AND device = :device AND metric = :metric
    AND (:severity = '' OR severity = :severity) AND (resolved IS NULL OR resolved >= :since)
    ORDER BY opened, id"""
# The newest one stays: its number is the highest that was ever given.
_FORGET = """DELETE FROM alerts WHERE resolved IS NOT NULL AND id < (SELECT max(id) FROM alerts)
    AND (resolved < :before OR id <= (SELECT max(id) FROM alerts) - :most)"""
_FORGET_CHANGES = """DELETE FROM alert_changes WHERE alert NOT IN (SELECT id FROM alerts)
    AND number < (SELECT max(number) FROM alert_changes)"""


class StoredAlerts:
    """The alerts, and what happened to them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, alerts: Iterable[Alert], changes: Iterable[AlertChange]) -> None:
        """Write alerts as they are now, and what happened to them, all at once."""
        rows = [_row(alert) for alert in alerts]
        happened = [_change_row(change) for change in changes]

        def write(transaction: Transaction) -> None:
            transaction.run_many(_PUT, rows)
            transaction.run_many(
                """INSERT INTO alert_changes (number, alert, event, at, by_whom, text, body)
                    VALUES (:number, :alert, :event, :at, :by_whom, :text, :body)""",
                happened,
            )

        await self._database.write(write)

    async def firing(self) -> list[Alert]:
        """All that are not over, oldest first."""
        sql = "SELECT * FROM alerts WHERE resolved IS NULL ORDER BY id"
        return await self._database.read(lambda found: [_alert(row) for row in found.rows(sql)])

    async def find(
        self,
        since: int,
        until: int,
        limit: int,
        *,
        firing: bool | None = None,
        device: str | None = None,
        devices: Sequence[str] | None = None,
        rule: int | None = None,
        severity: str | None = None,
        before: int | None = None,
    ) -> list[Alert]:
        """Alerts that were open at some time from `since` up to `until`, newest first; of `devices` only,
        where these are given.
        """
        asked = {"since": since, "until": until, "limit": limit, "firing": firing, "device": device}
        within = None if devices is None else orjson.dumps(devices).decode()
        rows = await self._database.read(
            lambda found: found.rows(
                _FIND, **asked, devices=within, rule=rule, severity=severity, before=before
            )
        )
        return [_alert(row) for row in rows]

    async def one(self, alert_id: int) -> Alert | None:
        """An alert by its id."""
        sql = "SELECT * FROM alerts WHERE id = :id"
        rows = await self._database.read(lambda found: found.rows(sql, id=alert_id))
        return _alert(rows[0]) if rows else None

    async def within(self, rule: int, severity: str, device: int, metric: str, since: int) -> list[Alert]:
        """Those of one machine that were open at some time from `since` on, oldest first."""
        asked = {"rule": rule, "severity": severity, "device": device, "metric": metric, "since": since}
        return await self._database.read(lambda found: [_alert(row) for row in found.rows(_WITHIN, **asked)])

    async def history(self, alert_id: int, limit: int = 1000) -> list[AlertChange]:
        """What happened to an alert, oldest first."""
        sql = "SELECT * FROM alert_changes WHERE alert = :alert ORDER BY number LIMIT :limit"
        rows = await self._database.read(lambda found: found.rows(sql, alert=alert_id, limit=limit))
        return [_change(row) for row in rows]

    async def changes(self, after: int, limit: int) -> list[AlertChange]:
        """What happened to all of them since the change with that number, in order."""
        sql = "SELECT * FROM alert_changes WHERE number > :after ORDER BY number LIMIT :limit"
        rows = await self._database.read(lambda found: found.rows(sql, after=after, limit=limit))
        return [_change(row) for row in rows]

    async def highest(self) -> tuple[int, int]:
        """The highest number of an alert, and of a change, that was given."""
        return await self._database.read(
            lambda found: (
                found.value("SELECT max(id) FROM alerts") or 0,
                found.value("SELECT max(number) FROM alert_changes") or 0,
            )
        )

    async def forget(self, before: int, most: int) -> None:
        """Forget those that ended before that time (µs, UTC), and all but about so many of the newest."""

        def forget(transaction: Transaction) -> None:
            if transaction.run(_FORGET, before=before, most=most):
                transaction.run(_FORGET_CHANGES)

        await self._database.write(forget)


def _row(alert: Alert) -> dict[str, object]:
    row: dict[str, object] = {name: getattr(alert, name) for name in _COLUMNS}
    for name in ("value", "peak", "labels", "acknowledged", "silenced"):
        row[name] = to_json(_plain(getattr(alert, name)))
    return row


def _plain(value: object) -> object:
    return asdict(value) if isinstance(value, Acknowledged | Silenced) else value


def _alert(row: Mapping[str, Any]) -> Alert:
    acknowledged, silenced = from_json(row["acknowledged"]), from_json(row["silenced"])
    return Alert(
        **{name: row[name] for name in ("id", "rule", "name", "device", "device_id", "metric", "opened")},
        **{name: row[name] for name in ("received", "resolved", "peak_at", "count", "why")},
        severity=Severity(row["severity"]),
        value=from_json(row["value"]),
        peak=from_json(row["peak"]),
        acknowledged=None if acknowledged is None else Acknowledged(**acknowledged),
        silenced=None if silenced is None else Silenced(**silenced),
        flapping=bool(row["flapping"]),
        notify=bool(row["notify"]),
        labels=from_json(row["labels"]),
    )


def _change_row(change: AlertChange) -> dict[str, object]:
    """With the alert as it was after that."""
    return {
        "number": change.number,
        "alert": change.alert.id,
        "event": change.event.value,
        "at": change.at,
        "by_whom": change.by,
        "text": change.text,
        "body": to_json(alert_body(change.alert)),
    }


def alert_body(alert: Alert) -> dict[str, object]:
    """All of an alert, to be stored as JSON within something else."""
    return {**asdict(alert), "labels": dict(alert.labels)}


def alert_of(body: Mapping[str, Any]) -> Alert:
    """The alert of such a body."""
    return _alert({**body, **{name: to_json(body[name]) for name in _JSON}})


def _change(row: Mapping[str, Any]) -> AlertChange:
    alert = alert_of(from_json(row["body"]))
    return AlertChange(row["number"], alert, Event(row["event"]), row["at"], row["by_whom"], row["text"])


_JSON: Sequence[str] = ("value", "peak", "labels", "acknowledged", "silenced")

"""An alert as the wire has it: times in milliseconds."""

from hub.feed.channel import wire_ms
from hub.model import Alert


def shown_alert(alert: Alert) -> dict[str, object]:
    """For REST, the live channel and whoever is notified."""
    acknowledged, silenced = alert.acknowledged, alert.silenced
    return {
        "id": alert.id,
        "rule": alert.rule or None,
        "name": alert.name,
        "severity": alert.severity.value,
        "device": alert.device_id,
        "metric": alert.metric or None,
        "state": alert.state.value,
        "opened": wire_ms(alert.opened),
        "resolved": None if alert.resolved is None else wire_ms(alert.resolved),
        "received": wire_ms(alert.received),
        "late": alert.late,
        "value": alert.value,
        "peak": None if alert.peak is None else [wire_ms(alert.peak_at), alert.peak],
        "acknowledged": None
        if acknowledged is None
        else {"by": acknowledged.by, "at": wire_ms(acknowledged.at), "comment": acknowledged.comment},
        "silenced": None
        if silenced is None
        else {
            "by": silenced.by,
            "until": None if silenced.until is None else wire_ms(silenced.until),
            "comment": silenced.comment,
        },
        "flapping": alert.flapping,
        "count": alert.count,
        "notify": alert.notify,
        "labels": dict(alert.labels),
        "why": alert.why,
    }

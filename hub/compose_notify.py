"""Builds what tells people of alerts: of rooms that know nothing of each other."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from hub.alerts.alerts import Alerts
from hub.clock import HubClock
from hub.config import Config
from hub.feed import Feed
from hub.http.webhooks import Webhooks
from hub.model import Principal
from hub.model.alert import Event
from hub.model.target import TargetKind
from hub.notes.inbox import Inboxes
from hub.notify.addresses import AllowedAddresses
from hub.notify.by_apprise import AppriseSender
from hub.notify.notifier import Notifier
from hub.people.accounts import Accounts
from hub.registry.registry import Registry


@asynccontextmanager
async def open_notifier(
    config: Config,
    uniform: Callable[[float, float], float],
    registry: Registry,
    feed: Feed,
    alerts: Alerts,
    accounts: Accounts,
    clock: HubClock,
    inboxes: Inboxes,
) -> AsyncIterator[Notifier]:
    """What tells people of alerts, going on where it was. Raises StoreError."""

    def may_see(person: str, device_id: str | None) -> bool:
        grants = accounts.find(person).grants if accounts.has(person) else ()
        if device_id is None:
            return bool(grants)
        return bool(grants) and Principal(person, grants).sees(device_id, feed.labels_of(device_id))

    async def escalated(alert_id: int, text: str) -> None:
        await alerts.ledger.note(alert_id, Event.ESCALATED, "", text)

    async def tell(person: str) -> None:
        await inboxes.tell_all([person])

    http = config.http
    scheme = "https" if http.tls_cert else "http"
    addresses = AllowedAddresses(config.alerts.private_targets)
    notifier = Notifier(
        registry,
        {TargetKind.URL: AppriseSender(addresses), TargetKind.WEBHOOK: Webhooks(addresses)},
        feed.labels_of,
        may_see,
        escalated,
        tell,
        clock,
        uniform,
        http.public_url or f"{scheme}://{http.host}:{http.port}",
    )
    try:
        await notifier.restore()
        yield notifier
    finally:
        await notifier.close()

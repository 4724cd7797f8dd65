"""`GET /metrics`."""

from collections.abc import Callable

from aiohttp import web

from hub.fleet.presence import Roster
from hub.history.contract import History
from hub.http.access import ACCESS
from hub.intake.accept import Ingest
from hub.model import Right
from hub.tls import Certificates


class MetricsPage:
    """The route. `viewers` counts live sockets."""

    def __init__(
        self,
        ingest: Ingest,
        history: History,
        roster: Roster,
        viewers: Callable[[], int],
        certificates: Certificates | None,
    ) -> None:
        self._rooms = (ingest, history, roster, viewers, certificates)

    async def handle(self, request: web.Request) -> web.Response:
        """The figures in Prometheus' text format. Raises Unauthenticated, Forbidden."""
        await request.app[ACCESS].let_in(request, Right.METRICS_SCRAPE, whole_hub=True)
        # Here and not above: many hubs are never asked, and need not load the library of the format.
        from hub.http.metrics import CONTENT_TYPE, HubCollector

        return web.Response(
            body=HubCollector(*self._rooms).text(),
            headers={"Content-Type": CONTENT_TYPE, "Cache-Control": "no-store"},
        )

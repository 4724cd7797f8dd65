"""What Prometheus asks of the hub. Totals only: single devices are in the history."""

from collections.abc import Callable, Iterator

import psutil
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE

from hub.fleet.presence import Roster
from hub.history.contract import History
from hub.host import written_bytes
from hub.intake.accept import Ingest
from hub.tls import Certificates

__all__ = ["CONTENT_TYPE", "HubCollector"]


class HubCollector:
    """Reads the figures where they are kept, when they are asked for. `viewers` counts live sockets."""

    def __init__(
        self,
        ingest: Ingest,
        history: History,
        roster: Roster,
        viewers: Callable[[], int],
        certificates: Certificates | None,
    ) -> None:
        self._ingest = ingest
        self._history = history
        self._roster = roster
        self._viewers = viewers
        self._certificates = certificates

    def text(self) -> bytes:
        """All figures in Prometheus' text format, which is of the type CONTENT_TYPE."""
        registry = CollectorRegistry(auto_describe=False)
        registry.register(self)
        return generate_latest(registry)

    def collect(self) -> Iterator[Metric]:
        """All figures."""
        counts = self._ingest.counts
        yield CounterMetricFamily("hub_readings", "Readings taken in.", value=counts.readings)
        yield CounterMetricFamily("hub_values", "Values in the readings taken in.", value=counts.values)
        yield CounterMetricFamily("hub_refused", "Readings and messages refused.", value=counts.refused)
        yield CounterMetricFamily(
            "hub_repeated",
            "Readings whose sequence number was stored before, acknowledged and dropped.",
            value=counts.repeated,
        )
        yield CounterMetricFamily(
            "hub_lost", "Readings that sequence numbers jumped over.", value=counts.lost
        )
        limited = CounterMetricFamily(
            "hub_limited_seconds", "How long devices were held back, by limit.", labels=["limit"]
        )
        for limit, waited_s in counts.limited_s.items():
            limited.add_metric([limit], waited_s)
        yield limited
        yield from self._storing()
        devices = GaugeMetricFamily("hub_devices", "Devices, by presence.", labels=["presence"])
        for presence, count in self._roster.count().items():
            devices.add_metric([presence.value], count)
        yield devices
        sessions = sum(1 for _ in self._roster.all_sessions())
        yield GaugeMetricFamily("hub_device_sessions", "Connected devices' sessions.", value=sessions)
        yield GaugeMetricFamily("hub_viewers", "Live sockets of dashboards and tools.", value=self._viewers())
        if self._certificates is not None:
            yield GaugeMetricFamily(
                "hub_certificate_end_seconds",
                "When the certificate in use ends, in seconds since 1970.",
                value=self._certificates.ends_at / 1e6,
            )
            yield GaugeMetricFamily(
                "hub_certificate_refused",
                "1 while the certificate's files hold what could not be taken at the last reload.",
                value=float(self._certificates.refusal is not None),
            )

    def _storing(self) -> Iterator[Metric]:
        history, journal = self._history, self._history.journal
        yield CounterMetricFamily("hub_commits", "Commits of the history.", value=history.commits)
        yield CounterMetricFamily(
            "hub_syncs", "Commits, and what was brought to its place.", value=history.syncs
        )
        yield GaugeMetricFamily(
            "hub_pending_readings", "Readings on their way to the disk.", value=history.pending
        )
        yield GaugeMetricFamily(
            "hub_waiting_seconds",
            "How long the oldest reading that is not on disk has waited.",
            value=history.waiting_s,
        )
        yield GaugeMetricFamily(
            "hub_storing",
            "1 while readings are stored, 0 while that fails or takes longer than limits.storing_late_s.",
            value=float(history.failure is None),
        )
        yield GaugeMetricFamily(
            "hub_folding",
            "1 while what is in the journal gets into the history, 0 while that fails. Nothing is lost then.",
            value=float(history.behind is None),
        )
        if journal is not None:
            yield GaugeMetricFamily("hub_journal_bytes", "What is in the journal.", value=journal.bytes)
            yield GaugeMetricFamily(
                "hub_journal_limit_bytes",
                "What may be in the journal (limits.journal_max_mb).",
                value=journal.bytes_max,
            )
        written = written_bytes(psutil.Process())
        if written is not None:
            yield CounterMetricFamily(
                "hub_written_bytes", "What this process has had written to disks.", value=written
            )

"""REST: the hub itself. Its figures are readings of the device that `device` names."""

from pydantic import Field

from hub import __version__
from hub.clock import HubClock
from hub.feed import Feed
from hub.feed.channel import wire_ms
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Given, Milliseconds
from hub.http.rest.times import rfc3339
from hub.http.rooms import CERTIFICATES, CLOCK, CONFIG, FEED, HISTORY, ROSTER, STARTED_AT
from hub.model import Presence
from hub.system import OWN
from hub.tls import Certificates


class ClockOut(Given):
    """The hub's clock, and how often it was set since the hub began."""

    time: Milliseconds
    is_set: bool = Field(description="false while the system has no time")
    steps: int
    stepped_at: Milliseconds | None = Field(description="the last time that it was set")
    stepped_by_s: float | None
    may_forget: bool = Field(description="false after it jumped: nothing is deleted for its age meanwhile")


class JournalOut(Given):
    """The journal: what is stored in it waits for its place in the history."""

    bytes: int
    bytes_max: int = Field(description="limits.journal_max_mb; beyond it nothing is stored")


class CertificateOut(Given):
    """The certificate that the hub shows."""

    ends: Milliseconds
    refusal: str | None = Field(
        description="why what its files held at the last reload was not taken; null: it was"
    )


class SystemOut(Given):
    """What the hub is, since when, how it fares, and what it allows."""

    version: str
    started_at: str = Field(description="RFC 3339")
    device: str = Field(description="whose readings the hub's own figures are")
    interval_s: float = Field(description="how often they come; 0: they do not")
    failure: str | None = Field(description="why nothing can be stored at present; null while it can")
    behind: str | None = Field(
        description="why what is in the journal does not get into the history; null while it does. "
        "Nothing is lost"
    )
    journal: JournalOut | None = Field(description="null where the history needs none")
    figures: dict[str, float] = Field(description="the newest of its figures by name, while they come")
    clock: ClockOut
    certificate: CertificateOut | None = Field(description="null where the hub speaks no TLS")
    devices: dict[Presence, int]
    limits: dict[str, float] = Field(description="by the name of the key in the configuration")


async def show_system(call: Call[Nothing, Nothing]) -> SystemOut:
    """Show the hub itself: version, since when, storage, limits."""
    config, history = call.app[CONFIG], call.app[HISTORY]
    sections = {"limits": config.limits, "live": config.live}
    return SystemOut(
        version=__version__,
        started_at=rfc3339(call.app[STARTED_AT]),
        device=OWN.id,
        interval_s=config.system.interval_s,
        failure=history.failure,
        behind=history.behind,
        journal=None if history.journal is None else JournalOut(**history.journal._asdict()),
        figures=_figures(call.app[FEED]),
        clock=_clock(call.app[CLOCK]),
        certificate=_certificate(call.app[CERTIFICATES]),
        devices=call.app[ROSTER].count(),
        limits={
            f"{section}.{key}": value
            for section, keys in sections.items()
            for key, value in keys.model_dump().items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        },
    )


def _figures(feed: Feed) -> dict[str, float]:
    channel = feed.device(OWN.id)
    if channel.presence is not Presence.ONLINE:  # what is known is of the run before
        return {}
    return {name: value for name, (_, value) in channel.snapshot().items() if isinstance(value, float)}


def _certificate(certificates: Certificates | None) -> CertificateOut | None:
    if certificates is None:
        return None
    return CertificateOut(ends=wire_ms(certificates.ends_at), refusal=certificates.refusal)


def _clock(clock: HubClock) -> ClockOut:
    step = clock.last_step
    return ClockOut(
        time=wire_ms(clock()),
        is_set=clock.is_set,
        steps=clock.steps,
        stepped_at=None if step is None else wire_ms(step.at),
        stepped_by_s=None if step is None else step.by / 1e6,
        may_forget=clock.is_trusted,
    )

"""REST: the hub itself. Its figures are readings of the device that `device` names."""

from pydantic import Field

from hub import __version__
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Given
from hub.http.rest.times import rfc3339
from hub.model import Presence
from hub.system import OWN


class SystemOut(Given):
    """What the hub is, since when, how it fares, and what it allows."""

    version: str
    started_at: str = Field(description="RFC 3339")
    device: str = Field(description="whose readings the hub's own figures are")
    interval_s: float = Field(description="how often they come; 0: they do not")
    failure: str | None = Field(description="why nothing can be stored at present; null while it can")
    devices: dict[Presence, int]
    limits: dict[str, float] = Field(description="by the name of the key in the configuration")


async def show_system(call: Call[Nothing, Nothing]) -> SystemOut:
    """Show the hub itself: version, since when, storage, limits."""
    call.refuse_scoped()
    services = call.services
    config = services.config
    sections = {"limits": config.limits, "live": config.live}
    return SystemOut(
        version=__version__,
        started_at=rfc3339(services.started_at),
        device=OWN.id,
        interval_s=config.system.interval_s,
        failure=services.history.failure,
        devices=services.roster.count(),
        limits={
            f"{section}.{key}": value
            for section, keys in sections.items()
            for key, value in keys.model_dump().items()
            if not isinstance(value, bool)
        },
    )

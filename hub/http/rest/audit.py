"""REST: what people and programs did."""

from typing import Annotated

from pydantic import ConfigDict, Field

from hub.errors import Invalid
from hub.formats.json import MS_MAX
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Asked, Given
from hub.http.rest.times import read_time, rfc3339
from hub.http.rooms import AUDIT

LONGEST = 1_000
Text = Annotated[str, Field(max_length=LONGEST)]


class AuditQuery(Asked):
    """Which entries, newest first. Times are RFC 3339 or milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    who: Text | None = None
    what: Text | None = Field(None, description="a part of method and path: DELETE, /keys, …")
    device: Text | None = None
    start: Annotated[str, Field(alias="from", description="RFC 3339 or ms")] = ""
    end: Annotated[str, Field(alias="to", description="RFC 3339 or ms, not included")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )


class AuditEntryOut(Given):
    """Something that somebody did."""

    id: int
    at: str = Field(description="RFC 3339")
    who: str
    credential: str
    address: str
    what: str
    device: str | None


class AuditOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    entries: list[AuditEntryOut]
    next: int | None


async def list_audit(call: Call[AuditQuery, Nothing]) -> AuditOut:
    """List what people and programs did, newest first."""
    query = call.query
    start = read_time(query.start, "from") if query.start else 0
    end = read_time(query.end, "to") if query.end else MS_MAX * 1000
    if start >= end:
        raise Invalid("from: it is not before to", "from")
    found = await call.app[AUDIT].find(
        start, end, query.limit + 1, query.who, query.what, query.device, query.before
    )
    page = found[: query.limit]
    shown = [
        AuditEntryOut(
            id=one.number,
            at=rfc3339(one.at),
            who=one.who,
            credential=one.credential,
            address=one.address,
            what=one.what,
            device=one.device,
        )
        for one in page
    ]
    return AuditOut(entries=shown, next=page[-1].number if len(found) > query.limit else None)

"""REST: what people and programs did, and what was refused them."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Literal

import orjson
from aiohttp import web
from pydantic import ConfigDict, Field

from hub.errors import HubError, Invalid
from hub.formats.json import MS_MAX
from hub.http.endpoint import Call, Nothing
from hub.http.rest.shapes import Asked, Given
from hub.http.rest.times import read_time, rfc3339
from hub.http.rooms import AUDIT
from hub.http.slots import SLOTS, write_in_time
from hub.logs import Logger
from hub.model import AuditEntry
from hub.registry.audit import AuditFilter

LONGEST = 1_000
EXPORT_PAGE = 1_000  # entries, read and written at once
MEDIA = {"csv": "text/csv", "ndjson": "application/x-ndjson"}
COLUMNS = ("id", "at", "who", "credential", "address", "what", "device", "result", "count", "detail")
# How a cell begins that a spreadsheet would take for a formula; also as wide characters, which some take too.
_FORMULA = tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20")
Text = Annotated[str, Field(max_length=LONGEST)]

_log = Logger("audit")


class AuditQuery(Asked):
    """Which entries, newest first. Times are RFC 3339 or milliseconds."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    who: Text | None = None
    what: Text | None = Field(None, description="a part of method and path: DELETE, /keys, …")
    device: Text | None = None
    start: Annotated[str, Field(alias="from", description="RFC 3339 or ms")] = ""
    end: Annotated[str, Field(alias="to", description="RFC 3339 or ms, not included")] = ""
    limit: Annotated[int, Field(ge=1, le=1000)] = Field(100, description="of a page of JSON")
    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )
    format: Literal["json", "csv", "ndjson"] | None = Field(
        None,
        description="csv and ndjson hold all that was asked for; without it, what Accept names, else json",
    )
    safe: Literal["", "spreadsheet"] = Field(
        "", description="spreadsheet: CSV with ' before texts that spreadsheets take for formulas"
    )

    def wanted(self) -> AuditFilter:
        """What is asked for. Raises Invalid."""
        start = read_time(self.start, "from") if self.start else 0
        end = read_time(self.end, "to") if self.end else MS_MAX * 1000
        if start >= end:
            raise Invalid("from: it is not before to", "from")
        return AuditFilter(start, end, self.who, self.what, self.device, self.before)


class AuditEntryOut(Given):
    """Something that somebody did, or was refused."""

    id: int
    at: str = Field(description="RFC 3339")
    who: str = Field(description="empty where that is not known")
    credential: str = Field(description="what was shown: local, session …, token …; password, link, …")
    address: str
    what: str
    device: str | None
    result: str = Field(
        description="done; wrong: a log in that failed; or the code of a refusal: forbidden, …"
    )
    count: int = Field(description="how often: refusals that repeat are counted together, for ten minutes")
    detail: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditEntryOut":
        """An entry as REST shows it."""
        return cls(
            id=entry.number,
            at=rfc3339(entry.at),
            who=entry.who,
            credential=entry.credential,
            address=entry.address,
            what=entry.what,
            device=entry.device,
            result=entry.result,
            count=entry.count,
            detail=entry.detail,
        )


class AuditOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    entries: list[AuditEntryOut]
    next: int | None


async def list_audit(call: Call[AuditQuery, Nothing]) -> AuditOut | web.StreamResponse:
    """List what people and programs did, and what was refused them, newest first; or export it."""
    query = call.query
    wanted, written = query.wanted(), query.format or _accepted(call.request)
    if query.safe and written != "csv":
        raise Invalid("safe: spreadsheets read CSV; the other formats tell texts from formulas", "safe")
    if written != "json":
        async with call.app[SLOTS].exports.taken(call.proof):
            return await _export(call, wanted, written)
    found = await call.app[AUDIT].find(wanted, query.limit + 1)
    page = found[: query.limit]
    following = page[-1].number if len(found) > query.limit else None
    return AuditOut(entries=[AuditEntryOut.of(one) for one in page], next=following)


def _accepted(request: web.Request) -> str:
    accepted = request.headers.get("Accept", "").lower()
    return next((name for name, media in MEDIA.items() if media in accepted), "json")


async def _export(call: Call[AuditQuery, Nothing], wanted: AuditFilter, written: str) -> web.StreamResponse:
    """One page after another. Where one cannot be read it breaks off, so that it is not taken for whole."""
    response = web.StreamResponse()
    response.content_type = MEDIA[written]
    response.headers["Content-Disposition"] = f'attachment; filename="audit.{written}"'
    await response.prepare(call.request)
    guarded = call.query.safe == "spreadsheet"
    try:
        if written == "csv":
            await response.write(_csv([COLUMNS], guarded=False))
        async for page in _pages(call, wanted):
            rows = [AuditEntryOut.of(one).model_dump() for one in page]
            if written == "csv":
                text = _csv([[row[name] for name in COLUMNS] for row in rows], guarded=guarded)
            else:
                text = b"".join(orjson.dumps(row) + b"\n" for row in rows)
            await write_in_time(call.request, response, text)
        await response.write_eof()
    except ConnectionError:
        _log.debug("the client of an export went away")
    except HubError as error:
        _log.error("an export broke off", why=str(error))
        if call.request.transport is not None:
            call.request.transport.abort()
    return response


async def _pages(call: Call[AuditQuery, Nothing], wanted: AuditFilter) -> AsyncIterator[list[AuditEntry]]:
    while page := await call.app[AUDIT].find(wanted, EXPORT_PAGE):
        yield page
        wanted = wanted._replace(older=page[-1].number)


def _csv(rows: Sequence[Sequence[object]], *, guarded: bool) -> bytes:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerows([_guarded(one) if guarded else one for one in row] for row in rows)
    return file.getvalue().encode()


def _guarded(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell

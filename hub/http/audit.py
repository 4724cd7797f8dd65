"""Noting what was done by REST. Reading is not noted."""

from aiohttp import web

from hub.errors import StoreError
from hub.http.access import ACCESS, SAFE_METHODS
from hub.http.rooms import AUDIT, CLOCK
from hub.logs import Logger
from hub.model import AuditEntry, Principal

_log = Logger("audit")


async def note_write(request: web.Request, principal: Principal) -> None:
    """Note that this was done, if it may have changed something."""
    if request.method not in SAFE_METHODS:
        await note(request, principal)


async def note(request: web.Request, principal: Principal) -> None:
    """Note that this was done. It is done already: where that cannot be written, the log has it."""
    entry = AuditEntry(
        at=request.app[CLOCK](),
        who=principal.name,
        credential=principal.credential,
        address=request.app[ACCESS].address(request),
        what=f"{request.method} {request.path}",  # without the query: the code of a link is there
        device=request.match_info.get("device_id"),
    )
    try:
        await request.app[AUDIT].add(entry)
    except StoreError as error:
        _log.error("cannot note what was done", why=str(error), who=entry.who, what=entry.what)

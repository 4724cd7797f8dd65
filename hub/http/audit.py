"""Noting what was done by REST, and what was refused. Reading is not noted."""

from http import HTTPStatus

import orjson
from aiohttp import web
from pydantic import BaseModel, RootModel

from hub.errors import Forbidden, HubError, NotFound, Unauthenticated
from hub.http.access import ACCESS, SAFE_METHODS, Proof, ProofKind
from hub.http.rooms import ACCOUNTS, AUDIT, CLOCK
from hub.model import AuditEntry, Principal
from hub.model import key as keys
from hub.model.audit import DONE, WRONG

LONGEST = 300  # of what is noted of a path, or of what was asked for
# What of a body is noted with its value. Of all else only the name: it may be a secret.
_SHOWN = frozenset(
    {
        "grants",
        "id",
        "kind",
        "labels",
        "method",
        "name",
        "overlap_s",
        "replaces",
        "rights",
        "role",
        "scope",
        "ttl_s",
        "type",
    }
)


def noted(text: str) -> str:
    """As it is noted: no secret, no control character, not too long."""
    text = keys.without_secrets(text)[:LONGEST]
    return (
        text
        if text.isprintable()
        else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)
    )


def summary(body: BaseModel) -> str:
    """What was asked for, without what may be a secret."""
    asked = body.root if isinstance(body, RootModel) else body
    if not isinstance(asked, BaseModel):
        return ""
    values = asked.model_dump(mode="json", exclude_unset=True)
    parts = [
        f"{name}={orjson.dumps(value).decode()}" if name in _SHOWN and value is not None else name
        for name, value in values.items()
    ]
    return noted("; ".join(parts))


async def note_write(
    request: web.Request, principal: Principal, detail: str = "", made: str | None = None
) -> None:
    """Note that this was done, if it may have changed something; `made` is the id of what is new."""
    if request.method not in SAFE_METHODS and request.query.get("preview") != "true":
        detail = detail if made is None else f"{detail}; made {made}".removeprefix("; ")
        device = made if request.path.endswith("/devices") else None
        await note(request, principal, detail, device)


async def note(
    request: web.Request, principal: Principal, detail: str = "", device: str | None = None
) -> None:
    """Note that this was done."""
    await request.app[AUDIT].note(_entry(request, principal.name, principal.credential, DONE, detail, device))


def note_failed_log_in(request: web.Request, shown: str, name: str = "") -> None:
    """Note that what somebody showed is wrong: a password, a link; `name` is of a person that there is. What
    nobody is called by may be anything, a password too.
    """
    known = name if request.app[ACCOUNTS].has(name) else ""
    request.app[AUDIT].note_refused(_entry(request, known, shown, WRONG))


async def note_refusal(request: web.Request, error: HubError) -> None:
    """Note a write that was refused for who asks, and a token that is wrong."""
    access = request.app[ACCESS]
    proof = access.shown(request)
    if proof is None:
        return
    if isinstance(error, Unauthenticated):
        note_wrong_token(request, proof, error)
    elif _is_device(proof):
        return
    elif isinstance(error, Forbidden | NotFound) and request.method not in SAFE_METHODS:
        try:
            asking = await access.check(proof)
        except HubError:
            return
        entry = _entry(request, asking.name, asking.credential, error.code, str(error))
        request.app[AUDIT].note_refused(entry)


def note_wrong_token(request: web.Request, proof: Proof, error: Unauthenticated) -> None:
    """Note that a token is wrong, or over. Sessions end all the time; wrong keys of devices are logged."""
    if proof.kind is ProofKind.TOKEN and not _is_device(proof):
        request.app[AUDIT].note_refused(_entry(request, "", "token", WRONG, str(error)))


def _is_device(proof: Proof) -> bool:
    return proof.kind is ProofKind.TOKEN and proof.secret.startswith(keys.PREFIX)


def note_refused_person(request: web.Request, who: str, credential: str, error: HubError) -> None:
    """Note that somebody whom another service sent was not let in."""
    request.app[AUDIT].note_refused(_entry(request, who, credential, error.code, str(error)))


def note_foreign_page(request: web.Request, shown: str) -> None:
    """Note that another page tried to log somebody in."""
    request.app[AUDIT].note_refused(_entry(request, "", shown, Forbidden.code, HTTPStatus.FORBIDDEN.phrase))


def _entry(
    request: web.Request, who: str, credential: str, result: str, detail: str = "", device: str | None = None
) -> AuditEntry:
    device = device or request.match_info.get("device_id")
    return AuditEntry(
        at=request.app[CLOCK](),
        who=who,
        credential=credential,
        address=request.app[ACCESS].address(request),
        what=noted(f"{request.method} {request.path}"),  # without the query
        device=None if device is None else noted(device),
        result=result,
        detail=noted(detail),
    )

"""`POST /api/v1/telemetry`: readings by HTTP, answered once they are on disk."""

from http import HTTPStatus

import orjson
from aiohttp import web

from hub.config import ClientCertificates
from hub.errors import StoreError, Unauthenticated
from hub.fleet.keys import Login
from hub.formats.json import decode
from hub.history.contract import History
from hub.http.access import ACCESS, bearer
from hub.http.body import read_body
from hub.http.device.messages import ReadingsMessage
from hub.http.device.results import ReadingsResult, results
from hub.http.problems import Overloaded, TooLarge, problem
from hub.http.rooms import CONFIG, FLEET, HISTORY, INGEST
from hub.intake.accept import Ingest
from hub.intake.receipts import Receipt
from hub.model import KeyRight, Refusal
from hub.tls import peer_certificate

SOURCE = "http"
COMMIT_TIMEOUT_S = 10.0
RETRY_AFTER_S = 2.0


async def post(request: web.Request) -> web.StreamResponse:
    """Readings in, in the hub's JSON; 200 when all were accepted, 422 or 400 with a list of what was not."""
    app = request.app
    login = await authenticate(request)
    if login is None:
        raise Unauthenticated("send the device's API key: Authorization: Bearer hk_…")
    login.refuse_without(KeyRight.TELEMETRY)
    device = login.device
    ingest = app[INGEST]
    _refuse_when_full(app[HISTORY], ingest)
    ingest.refuse_over_rate(device)
    try:
        raw = await read_body(request, app[CONFIG].http.max_body_bytes)
    except TooLarge as error:
        refusal = Refusal(-1, error.code, str(error), error.start)
        size = app[CONFIG].http.max_body_bytes
        await _stored(ingest.accept(device, (), SOURCE, [refusal], size=size))
        raise
    readings, unread = decode(raw)
    receipt = ingest.accept(device, readings, SOURCE, unread, size=len(raw))
    await _stored(receipt)
    [result] = results([ReadingsMessage(None, readings, unread)], receipt.refusals)
    return _answer(result)


async def authenticate(request: web.Request) -> Login | None:
    """Who holds the key in the Authorization header, or the connection's certificate; None without either.

    Raises Unauthenticated, Busy.
    """
    key, certificate = bearer(request), peer_certificate(request.transport)
    if certificate is None:
        if request.app[CONFIG].http.client_certs is ClientCertificates.REQUIRED:
            raise Unauthenticated("a certificate is required of devices (http.client_certs)")
        if key is None:
            return None
    address = request.app[ACCESS].address(request)
    return await request.app[FLEET].keys.authenticate(key, address, None, certificate)


def _refuse_when_full(history: History, ingest: Ingest) -> None:
    """Nothing is taken that could not be acknowledged: the device keeps it and sends it again."""
    if history.failure is not None:
        raise Overloaded(f"nothing can be stored at present: {history.failure}", RETRY_AFTER_S)
    if ingest.full:
        raise Overloaded(
            "too many readings wait for the disk (limits.pending_readings)",
            RETRY_AFTER_S,
            "limits.pending_readings",
        )


async def _stored(receipt: Receipt) -> None:
    try:
        await receipt.until_stored(COMMIT_TIMEOUT_S)
    except StoreError as error:
        raise Overloaded("the readings were not on disk in time; send them again", RETRY_AFTER_S) from error


def _answer(result: ReadingsResult) -> web.Response:
    if not result.refusals:
        return web.Response(body=orjson.dumps({"accepted": result.accepted}), content_type="application/json")
    worst = result.refusals[0]
    unreadable = worst.position < 0 and worst.code == "unreadable"
    return problem(
        HTTPStatus.BAD_REQUEST if unreadable else HTTPStatus.UNPROCESSABLE_ENTITY,
        worst.code,
        worst.message,
        accepted=result.accepted,
        refused=result.refused(),
        refused_count=len(result.refusals),
    )

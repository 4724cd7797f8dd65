"""`GET` and `POST /api/v1/device/attributes`: facts about a device, for devices that know HTTP alone."""

from http import HTTPStatus
from typing import Annotated

import orjson
from aiohttp import web
from pydantic import Field, RootModel

from hub.fleet.attributes import NAME_MAX
from hub.http.device.commands import log_in
from hub.http.endpoint import read_json, read_query
from hub.http.rest.shapes import PRINTABLE, Asked, Given, described
from hub.http.rooms import FLEET
from hub.model import KeyRight


class AttributesQuery(Asked):
    """Which; all where none are named. As ThingsBoard has it."""

    clientKeys: str = Field("", description="names of reported ones, separated by commas")  # noqa: N815
    sharedKeys: str = Field("", description="names of shared ones, separated by commas")  # noqa: N815
    pending: bool = Field(default=False, description="of the shared ones only what was not reported back")


class OfDeviceOut(Given):
    """What was asked for."""

    client: dict[str, object] | None = Field(None, description="reported by the device")
    shared: dict[str, object] | None = Field(None, description="set by operators")


class ReportIn(
    RootModel[
        Annotated[
            dict[str, object],
            described(propertyNames={"minLength": 1, "maxLength": NAME_MAX, "pattern": PRINTABLE}),
        ]
    ]
):
    """Facts by name."""


async def show(request: web.Request) -> web.StreamResponse:
    """The route. Raises Unauthenticated, Forbidden, Invalid."""
    login = await log_in(request, KeyRight.ATTRIBUTES)
    asked = read_query(request, AttributesQuery)
    kept = await request.app[FLEET].attributes.of(login.device)
    if asked.pending:
        kept = kept._replace(shared=kept.pending)
    found = kept.named(_names(asked.clientKeys), _names(asked.sharedKeys))
    return web.Response(body=orjson.dumps(found), content_type="application/json")


async def report(request: web.Request) -> web.StreamResponse:
    """The route. Raises Unauthenticated, Forbidden, Unreadable, Invalid, NotFound, StoreError."""
    login = await log_in(request, KeyRight.ATTRIBUTES)
    body = await read_json(request, ReportIn)
    await request.app[FLEET].attributes.report(login.device, body.root)
    return web.Response(status=HTTPStatus.NO_CONTENT)


def _names(listed: str) -> list[str]:
    return [name.strip() for name in listed.split(",") if name.strip()]

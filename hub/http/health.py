"""Whether the hub runs, and whether it can do its work."""

from http import HTTPStatus

import orjson
from aiohttp import web

from hub.http.problems import STORE_RETRY_S, problem, retry_after
from hub.http.rooms import HISTORY


async def healthz(request: web.Request) -> web.Response:
    """200 while the loop turns."""
    del request
    return _json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 while readings can be stored, else 503 and why."""
    failure = request.app[HISTORY].failure
    if failure is not None:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "store",
            f"nothing can be stored at present: {failure}",
            headers={"Retry-After": retry_after(STORE_RETRY_S)},
        )
    return _json({"status": "ready"})


def _json(value: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), content_type="application/json", headers={"Cache-Control": "no-store"}
    )

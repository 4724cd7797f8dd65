"""Whether the hub runs, and whether it can do its work."""

from http import HTTPStatus

import orjson
from aiohttp import web

from hub.http.problems import STORE_RETRY_S, problem, retry_after
from hub.http.rooms import HISTORY
from hub.http.storage import Storing, storage_state


async def healthz(request: web.Request) -> web.Response:
    """200 while the loop turns."""
    del request
    return _json({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """200 while readings can be stored, else 503 and why. What is stored may not get into the history yet."""
    state = storage_state(request.app[HISTORY])
    if state.storing is Storing.FAILING:
        return problem(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "store",
            state.message,
            headers={"Retry-After": retry_after(STORE_RETRY_S)},
        )
    if state.storing is Storing.BEHIND:
        return _json({"status": "ready", "behind": state.message})
    return _json({"status": "ready"})


def _json(value: object) -> web.Response:
    return web.Response(
        body=orjson.dumps(value), content_type="application/json", headers={"Cache-Control": "no-store"}
    )

"""Files of values, brought to a hub and taken from it over REST."""

import json
from typing import Any

from tests.http.conftest import Hub

IMPORT, EXPORT = "/api/v1/import", "/api/v1/export"
T0 = 1_795_170_094_504  # ms


async def bring(
    hub: Hub, content: bytes | str, query: str = "", headers: dict[str, str] | None = None
) -> tuple[int, list[dict[str, Any]]]:
    """Status, and the lines answered."""
    body = content.encode() if isinstance(content, str) else content
    shown = hub.bearer() if headers is None else headers
    async with hub.client.post(IMPORT + query, data=body, headers=shown) as response:
        return response.status, [json.loads(line) for line in (await response.text()).splitlines()]


async def summary(hub: Hub, content: bytes | str, query: str = "") -> dict[str, Any]:
    status, lines = await bring(hub, content, query)
    assert status == 200, lines
    found: dict[str, Any] = lines[-1]["summary"]
    return found


async def exported(hub: Hub, query: str = "") -> bytes:
    async with hub.client.get(EXPORT + query, headers=hub.bearer()) as response:
        assert response.status == 200
        return await response.read()

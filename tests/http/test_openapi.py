"""The description of REST, and REST held against it by schemathesis."""

import asyncio
import re
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok

from hub.http.api import ENDPOINTS
from hub.http.endpoint import Security
from tests.http.conftest import Hub

EXAMPLES = 12  # of each operation
# What would take away the ground from under the others, or answers without end.
UNDONE = {"delete_devices_device_id", "delete_session", "get_live_sse"}
HELD = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
}
load_all_checks()


async def test_every_route_of_rest_is_described_and_the_other_way_round(hub: Hub) -> None:
    status, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    assert (status, document["openapi"]) == (200, "3.1.0")
    described = {
        (method.upper(), path) for path, operations in document["paths"].items() for method in operations
    }
    sockets = {"/api/v1/live", "/api/v1/device/socket", "/api/v1/openapi.json"}
    app = hub.app
    routed = {
        (route.method, route.resource.canonical)
        for route in app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    rest = {(method, path) for method, path in routed if path.startswith("/api/v1/")}
    assert described == {(method, path) for method, path in rest if path not in sockets}
    assert described == {(endpoint.method, endpoint.path) for endpoint in ENDPOINTS}


async def test_every_reference_in_the_document_leads_somewhere(hub: Hub) -> None:
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    references = re.findall(r'"#/components/schemas/([^"]+)"', str(document).replace("'", '"'))
    assert set(references) <= set(document["components"]["schemas"])
    assert "Problem" in references
    ids = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(ids) == len(set(ids)) == len(ENDPOINTS)
    assert all(one["summary"].endswith(".") for path in document["paths"].values() for one in path.values())
    assert {endpoint.security for endpoint in ENDPOINTS} == {Security.OPERATOR, Security.DEVICE}


def ground(case: Any) -> None:
    """Put in names that exist where a made-up one could only be answered with 404."""
    known = {"device_id": "boiler", "metric": "t"}
    case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
    if "metric" in case.query:
        case.query["metric"] = "t"
        case.query.pop("from", None)
        case.query.pop("to", None)
    if case.method in {"PATCH", "DELETE"} and "metric" in case.path_parameters:
        case.query["preview"] = "true"
    if isinstance(case.body, dict) and "ttl_s" in case.body:
        case.body.update(name="panel", ttl_s=60)


def hold(operation: Any, headers: dict[str, str], url: str) -> int:
    """Make requests of one operation and check each answer; how many were below 300."""
    held = [check for check in CHECKS.get_all() if check.__name__ in HELD]
    done = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy())
    def holds(case: Any) -> None:
        nonlocal done
        ground(case)
        response = case.call(base_url=url, headers=headers)
        case.validate_response(response, checks=held)
        done += response.status_code < 300

    holds()
    return done


def hold_all(
    url: str, document: dict[str, Any], headers: dict[str, str], key: dict[str, str]
) -> dict[str, int]:
    """All operations that the document names, but for UNDONE; the answers below 300 of each."""
    done = {}
    for found in schemathesis.openapi.from_dict(document).get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name not in UNDONE:
            done[name] = hold(operation, key if name == "post_telemetry" else headers, url)
    return done


async def test_answers_are_as_described(hub: Hub) -> None:
    await hub.device()
    await hub.send([{"t": 1.0, "on": True}, {"t": "warm"}])
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    done = await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), hub.key())
    assert len(done) == len(ENDPOINTS) - len(UNDONE)
    never = {"delete_devices_device_id_keys_key_id", "post_backup"}  # a made-up key; by the Unix socket only
    assert {name for name, count in done.items() if count == 0} == never


async def test_an_answer_that_is_not_as_described_would_be_found(hub: Hub) -> None:
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    document["paths"] = {"/api/v1/session": {"get": document["paths"]["/api/v1/session"]["get"]}}
    assert await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), {}) == {"get_session": EXAMPLES}
    document["components"]["schemas"]["SessionOut"]["required"].append("colour")
    with pytest.raises(FailureGroup, match="colour"):
        await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), {})

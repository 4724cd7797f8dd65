"""The description of REST, and REST held against it by schemathesis."""

import asyncio
import re
from contextlib import suppress
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode

from hub.http.api import ENDPOINTS
from hub.http.device.commands import WAIT_MAX_S
from hub.http.endpoint import Security
from tests.http.conftest import Hub
from tests.rounds import rounds

EXAMPLES = rounds(20)  # of each operation and kind
ENOUGH = 20  # so that every operation is asked something that it can answer
# What would take away the ground from under the others, or answers without end.
UNDONE = {
    "delete_devices_device_id",
    "delete_session",
    "get_live_sse",
    # Each that is wrong is answered later than the one before.
    "post_session",
    "post_session_passkey",
}
HELD_OF_EACH = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
    "allow_header_conformance",
}
# Makes a request with a wrong key and one without: who shows wrong ones is answered later each time.
HELD_OF_FIRST = {"ignored_auth"}
# Of things that a made-up name cannot name, for people who are logged in, and by the Unix socket.
NEVER = {
    "delete_devices_device_id_commands_command_id",
    "get_commands_batches_batch_id",
    "get_devices_device_id_commands_command_id",
    "post_commands",
    "post_device_commands_command_id",
    "delete_devices_device_id_keys_key_id",
    "delete_operators_operator",
    "delete_operators_operator_passkeys_passkey_id",
    "delete_routes_route_id",
    "delete_targets_target_id",
    "get_routes_route_id",
    "patch_routes_route_id",
    "patch_targets_target_id",
    "post_targets",  # without a service that there is
    "post_targets_target_id_test",
    "post_routes",  # without a target that there is
    "delete_devices_device_id_notes_note_id",
    "patch_devices_device_id_notes_note_id",
    "get_inbox",
    "get_messages",
    "post_inbox_seen",
    "post_messages",
    "delete_sessions",
    "delete_sessions_session_id",
    "delete_tokens_token_id",
    "delete_session_passkeys_passkey_id",
    "get_session_passkeys",
    "get_sessions",
    "patch_operators_operator",
    "post_backup",
    "post_operators_operator_link",
    "post_session_confirm",
    "post_session_passkey_options",  # at 127.0.0.1, which no browser has passkeys for
    "post_session_passkeys",
    "post_session_passkeys_options",
    "put_session_password",
}
# What a schema cannot say: rules between fields, and of what is there. A request that keeps to the schema may
# break these.
BEYOND_A_SCHEMA = (
    "send it as a text",
    "over 2^53",
    "thresholds ascend",
    "is over the maximum",
    "are for numbers",
    "coarser tier is kept",
    "not before to",
    "not one that this list gave",
    "milliseconds since 1970",
    "auth.token_max_s",
    "certificate: ",
    "looks like seconds",
    "readings are paged",
    "has no metric",
    "at most",  # points times metrics
    "name the metrics",
    "control characters",
    "key came with another body",
    "more than once",
    "spreadsheets read CSV",
    "a name, a type, or both",
    "does not have",
    "leave the scope out",
    "a scope names devices or labels",
    "name them in the scope",
    "leave rights and ttl_s out",
    "leave role and scope out",
    "a role is wanted",
    "a scope goes with a role",
    "the owner's of the process",
    "a JWT lasts at most",
    "is over above",
    "is under below",
    "[low, high]",
    "is not within outside",
    "not one that this system knows",
    "1 to 200 characters",
    "whatever its metrics",
    "a metric's name has",
    "cannot be played",
    "exactly one of device, label and rule",
    "that time is over",
    "browsers have passkeys for pages at",
    "until: ",
    "a note has one",
    "not only spaces",
    "is wanted",  # labels that are none
    "browsers have passkeys",  # at other addresses than this hub's
    "says how parameters are described",
    "are wanted",
    "Apprise",
    "it never ends",
    "is no placeholder",
    "only webhooks are signed",
    "of the machine of the hub itself",
    "would read files",
)
ASCII = SchemathesisConfig.from_dict({"generation": {"codec": "ascii", "allow-x00": False}})
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
    assert {endpoint.security for endpoint in ENDPOINTS} == set(Security)


NOT_THERE = 10**15
# What a path names: of a parameter that is new in the table of routes, add what exists, or what does not.
KNOWN: dict[str, object] = {
    "device_id": "boiler",
    "metric": "t",
    **dict.fromkeys(("batch_id", "command_id", "note_id", "route_id", "target_id"), NOT_THERE),
}


def ground(case: Any) -> None:
    """Put in names that exist where a made-up one could only be answered with 404."""
    ground_rule(case.body)
    if isinstance(case.body, dict) and "rule" in case.body and "from" in case.body:
        ground_rule(case.body["rule"])
        case.body.update({"from": 1e12, "to": 1.1e12})
        case.body.pop("devices", None)
    case.path_parameters.update({name: KNOWN[name] for name in case.path_parameters if name in KNOWN})
    if "metric" in case.query:
        case.query["metric"] = "t"
        case.query.pop("from", None)
        case.query.pop("to", None)
    if case.method in {"PATCH", "DELETE"} and "/metrics" in case.path:
        case.query["preview"] = "true"
    if case.path.endswith("/silences") and isinstance(case.body, dict):
        case.body = {"device": "boiler", "until": 4e15, "comment": case.body.get("comment", "")}
    if isinstance(case.body, dict) and {"name", "ttl_s"} <= case.body.keys():
        case.body.update(name="panel", ttl_s=60)


def ground_rule(rule: Any) -> None:
    """A rule for what is there: which devices and which metric a condition takes no schema says."""
    if isinstance(rule, dict) and isinstance(rule.get("when"), dict):
        rule.update(on={"all": True}, metric="t")
        rule.pop("depends_on", None)
        if "presence" in rule["when"]:
            rule.pop("metric")
        if "differs" in rule["when"]:
            rule["when"]["differs"].pop("device", None)


def hasten(case: Any) -> None:
    """Have no answer wait for something to happen."""
    with suppress(TypeError, ValueError, KeyError):
        if 0 <= float(case.query["wait"]) <= WAIT_MAX_S:
            case.query["wait"] = 0


def has_wrong_json(case: Any) -> bool:
    """Whether its body breaks the schema."""
    body = case.meta.components.get(ParameterLocation.BODY)
    return case.media_type == "application/json" and body is not None and body.mode is GenerationMode.NEGATIVE


def hold(
    operation: Any, headers: dict[str, str], url: str, mode: GenerationMode = GenerationMode.POSITIVE
) -> int:
    """Make requests of one operation, the same at every run, and check each answer; how many were below 300.

    Of those that are to be wrong only wrong bodies are counted: in a query all is text, and a wrong type may
    come out right.
    """
    each = [check for check in CHECKS.get_all() if check.__name__ in HELD_OF_EACH]
    first = [check for check in CHECKS.get_all() if check.__name__ in HELD_OF_FIRST]
    of_device = operation.path.endswith("/telemetry")  # what is right depends on what was sent before
    done = 0

    @hypothesis.settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
    def holds(case: Any) -> None:
        nonlocal done, first
        if mode is GenerationMode.POSITIVE:
            ground(case)
        hasten(case)
        response = case.call(base_url=url, headers=headers)
        case.validate_response(response, checks=[*each, *first])
        first = []
        if response.status_code >= 400:
            problem = response.json()
            assert response.headers["content-type"] == ["application/problem+json"]
            assert (problem["status"], bool(problem["detail"])) == (response.status_code, True)
            if mode is GenerationMode.POSITIVE and response.status_code == 422 and not of_device:
                assert any(rule in problem["detail"] for rule in BEYOND_A_SCHEMA), (
                    "let the shape say it, or name it in BEYOND_A_SCHEMA where no schema can",
                    problem["detail"],
                    case.body,
                )
        assert (response.status_code == 201) == ("location" in response.headers)  # RFC 9110, 15.3.2
        is_done = response.status_code < 300 and (mode is GenerationMode.POSITIVE or has_wrong_json(case))
        if is_done and mode is GenerationMode.NEGATIVE:
            print("done, though forbidden:", operation.label, case.body)  # shown where the test fails
        done += is_done

    holds()
    return done


def hold_all(
    url: str,
    document: dict[str, Any],
    headers: dict[str, str],
    key: dict[str, str],
    mode: GenerationMode = GenerationMode.POSITIVE,
) -> dict[str, int]:
    """All operations that the document names, except UNDONE; the answers below 300 of each."""
    done = {}
    schema = schemathesis.openapi.from_dict(document, config=ASCII)
    for found in schema.get_all_operations():
        assert isinstance(found, Ok)
        operation = found.ok()
        name = operation.definition.raw["operationId"]
        if name not in UNDONE and (mode is GenerationMode.POSITIVE or can_be_wrong(operation)):
            done[name] = hold(
                operation,
                key if operation.definition.raw["security"] == [{"key": []}] else headers,
                url,
                mode,
            )
    return done


def can_be_wrong(operation: Any) -> bool:
    """Whether there is anything that a request of this operation could get wrong."""
    return bool(operation.body or operation.query)


async def test_answers_are_as_described(hub: Hub) -> None:
    await hub.device()
    await hub.send([{"t": 1.0, "on": True}, {"t": "warm"}])
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    done = await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), hub.key())
    assert len(done) == len(ENDPOINTS) - len(UNDONE)
    idle = {name for name, count in done.items() if count == 0}
    if EXAMPLES >= ENOUGH:
        assert idle - NEVER == set(), "have `ground` put in what exists, or name it in NEVER"
    assert NEVER - idle == set(), "these were answered: take them out of NEVER"


async def test_what_the_description_forbids_is_refused(hub: Hub) -> None:
    await hub.device()
    await hub.send([{"t": 1.0}])
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    wrong = GenerationMode.NEGATIVE
    done = await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), hub.key(), wrong)
    assert {name: count for name, count in done.items() if count} == {}


async def test_an_answer_that_is_not_as_described_would_be_found(hub: Hub) -> None:
    _, document = await hub.call("GET", "/api/v1/openapi.json", headers={})
    document["paths"] = {"/api/v1/session": {"get": document["paths"]["/api/v1/session"]["get"]}}
    done = await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), {})
    assert done == {"get_session": EXAMPLES}
    document["components"]["schemas"]["SessionOut"]["required"].append("colour")
    with pytest.raises(FailureGroup, match="colour"):
        await asyncio.to_thread(hold_all, hub.url, document, hub.bearer(), {})

"""OpenAPI 3.1, written from the table of endpoints and the models they name."""

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from aiohttp import web
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from hub import __version__
from hub.fleet import checks
from hub.http.access import COOKIE
from hub.http.endpoint import Endpoint, Nothing, Security
from hub.http.problems import CONTENT_TYPE
from hub.http.rest.shapes import METRIC_NAME, Problem
from hub.people.names import NAME_MAX
from hub.people.rule import RIGHTS

_SCHEMES = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "ht_<id>_<secret>, or a JWT",
        "description": "made by `hub tokens add`",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": COOKIE,
        "description": "set by a log in; writes need the hub's own Origin",
    },
    "key": {"type": "http", "scheme": "bearer", "description": "a device's API key, hk_<key id>_<secret>"},
}
_SECURITY: dict[Security, list[dict[str, list[str]]]] = {
    Security.NONE: [],
    Security.OPERATOR: [{"token": []}, {"session": []}],
    Security.DEVICE: [{"key": []}],
}
_IN_PATHS = {
    "device_id": {"type": "string", "pattern": f"^{checks.ID_SHAPE.pattern}$"},
    "command_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "rule_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "alert_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "silence_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "note_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "batch_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "target_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "route_id": {"type": "integer", "minimum": 1, "maximum": 10**18 - 1},
    "key_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "token_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "passkey_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "session_id": {"type": "string", "minLength": 1, "maxLength": 100},
    "operator": {"type": "string", "minLength": 1, "maxLength": NAME_MAX},
    "metric": METRIC_NAME,
}
# What a device sends is read by its format, hub/formats/json.py, and not by a model; this is its shape.
_VALUES = {
    "type": "object",
    "minProperties": 1,
    "propertyNames": METRIC_NAME,
    "additionalProperties": {
        "description": "an object is flattened with dots, an array is kept as text, null is no value",
        "anyOf": [
            {"type": "string", "maxLength": 4096},
            {"type": ["number", "boolean", "array", "object", "null"]},
        ],
    },
}
_TIMED = {
    "type": "object",
    "required": ["values"],
    "properties": {
        "ts": {"type": "number", "minimum": 100_000_000_000, "description": "milliseconds UTC"},
        "seq": {
            "type": "integer",
            "minimum": 0,
            "description": "only ever rises; makes storage exactly-once",
        },
        "values": _VALUES,
    },
    "additionalProperties": False,
}
_READING = {"anyOf": [_TIMED, _VALUES]}
_READINGS = {
    "description": "values by metric, or {ts, seq, values}, or an array of either",
    "anyOf": [_READING, {"type": "array", "minItems": 1, "items": _READING}],
}
_ANYWHERE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_URI_TOO_LONG,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_WITH_PROOF = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_WITH_BODY = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)

_Refs = Mapping[tuple[Any, JsonSchemaMode], dict[str, Any]]  # by model and direction


def document(endpoints: Sequence[Endpoint], public_url: str = "") -> dict[str, Any]:
    """The whole description. Without `public_url` the server is two levels above this document."""
    used: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for endpoint in endpoints:
        used += [(endpoint.query, "validation"), (endpoint.body, "validation")]
        answers = [one for one in (endpoint.answer, endpoint.or_answer) if one is not None]
        used += [(one, "serialization") for one in answers]
    refs, definitions = models_json_schema(
        list(dict.fromkeys(used)), ref_template="#/components/schemas/{model}"
    )
    schemas = definitions.get("$defs", {})
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, refs, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sensor Hub",
            "version": __version__,
            "description": "Times are milliseconds UTC unless a field says RFC 3339. "
            "Errors are problem details (RFC 9457).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": public_url or "../.."}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SCHEMES},
    }


def _operation(endpoint: Endpoint, refs: _Refs, schemas: dict[str, Any]) -> dict[str, Any]:
    noun = re.sub(r"[^a-z]+", "_", endpoint.path.removeprefix("/api/v1").lower()).strip("_")
    described: dict[str, Any] = {
        "operationId": f"{endpoint.method.lower()}_{noun}",
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "security": _SECURITY[endpoint.security],
        "responses": _responses(endpoint, refs),
    }
    if endpoint.right is not None:
        lowest = next(role for role, rights in RIGHTS.items() if endpoint.right in rights)
        reach = ", for the whole hub" if endpoint.whole_hub else ""
        described["description"] = f"Takes the right {endpoint.right}: the role {lowest} has it{reach}."
    if endpoint.step_up:
        said = "In a session it takes a proof of a moment ago: a log in, or POST /session/confirm."
        described["description"] = f"{described.get('description', '')} {said}".lstrip()
    parameters = [*_path_parameters(endpoint), *_query_parameters(endpoint, refs, schemas)]
    if endpoint.idempotent:
        parameters.append(
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "description": "the same key within 10 minutes gets the same answer, and nothing is done "
                "twice",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        )
    if parameters:
        described["parameters"] = parameters
    body = _body(endpoint, refs)
    if body is not None:
        described["requestBody"] = {
            "required": endpoint.needs_body,
            "content": {"application/json": {"schema": body}},
        }
    if endpoint.body_media:
        described["requestBody"] = {"required": True, "content": _streams(endpoint.body_media)}
    return described


def _body(endpoint: Endpoint, refs: _Refs) -> dict[str, Any] | None:
    if endpoint.takes_readings:
        return _READINGS
    return None if endpoint.body is Nothing else refs[endpoint.body, "validation"]


def _path_parameters(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": _IN_PATHS[name]}
        for name in re.findall(r"{(\w+)}", endpoint.path)
    ]


def _query_parameters(endpoint: Endpoint, refs: _Refs, schemas: dict[str, Any]) -> list[dict[str, Any]]:
    if endpoint.query is Nothing:
        return []
    model = schemas[refs[endpoint.query, "validation"]["$ref"].rpartition("/")[2]]
    required = model.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in model["properties"].items()
    ]


def _responses(endpoint: Endpoint, refs: _Refs) -> dict[str, Any]:
    good: dict[str, Any] = {"description": endpoint.status.phrase}
    if endpoint.answer is not None:
        good["content"] = {"application/json": {"schema": refs[endpoint.answer, "serialization"]}}
    if endpoint.status is HTTPStatus.CREATED:
        good["headers"] = {"Location": {"description": "where it is", "schema": {"type": "string"}}}
    if endpoint.media:
        good["content"] = {**good.get("content", {}), **_streams(endpoint.media)}
    responses = {str(endpoint.status.value): good}
    if endpoint.or_answer is not None:
        schema = refs[endpoint.or_answer, "serialization"]
        content = {"application/json": {"schema": schema}}
        responses["200"] = {"description": (endpoint.or_answer.__doc__ or ""), "content": content}
    statuses = [*_ANYWHERE, *endpoint.refusals, *_WITH_BODY]
    if endpoint.security is not Security.NONE:
        statuses += _WITH_PROOF
    for status in sorted(set(statuses)):
        responses[str(status.value)] = {
            "description": status.phrase,
            "content": {CONTENT_TYPE: {"schema": refs[Problem, "serialization"]}},
        }
    return responses


def _streams(media: Sequence[str]) -> dict[str, Any]:
    return {one: {"schema": {"type": "string"}} for one in media}


class OpenApiPage:
    """The route. The document is made when first asked for: it takes longer than opening the stores."""

    def __init__(self, endpoints: Sequence[Endpoint], public_url: str = "") -> None:
        self._endpoints = endpoints
        self._public_url = public_url
        self._encoded = b""

    async def handle(self, request: web.Request) -> web.Response:
        """The description of REST. For everyone: nothing in it is secret."""
        del request
        self._encoded = self._encoded or orjson.dumps(document(self._endpoints, self._public_url))
        return web.Response(body=self._encoded, content_type="application/json")

"""What the methods of commands take, in a small part of JSON Schema, and whether a value fits. Pure.

    type                            number integer string boolean object array; may be left out with enum
    enum                            the values there are
    minimum maximum                 of numbers; exclusiveMinimum, exclusiveMaximum too
    minLength maxLength             of texts
    properties required             of objects; others are refused, but with "additionalProperties": true
    items minItems maxItems         of arrays
    title description unit default  for the form on the page; $comment, $schema and $id are passed over

Anything else is refused when it is declared: a rule that nobody keeps would look like one that holds. There
is no pattern, because whoever writes one can make the hub search for ever.
"""

import math
import operator
from collections.abc import Callable, Mapping
from typing import Any

from hub.errors import Invalid

DEPTH_MAX = 8
_TYPES: Mapping[str, Callable[[Any], bool]] = {
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "integer": lambda value: (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and value == int(value)
    ),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
}
_ARTICLES = {"integer": "a whole number", "object": "an object", "array": "an array", "string": "a text"}
_FOR_PEOPLE = frozenset({"title", "description", "unit", "default", "$comment", "$schema", "$id"})
_NUMBERS = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_SIZES = {
    "minLength": "string",
    "maxLength": "string",
    "minItems": "array",
    "maxItems": "array",
}
_OF_OBJECTS = frozenset({"properties", "required", "additionalProperties"})
_KNOWN = _FOR_PEOPLE | _NUMBERS | _SIZES.keys() | _OF_OBJECTS | {"type", "enum", "items"}


def check_schema(schema: object, where: str, depth: int = 0) -> None:
    """Whether this describes parameters. Raises Invalid, which names the place."""
    if not isinstance(schema, dict):
        raise _wrong(where, "an object is wanted")
    if depth > DEPTH_MAX:
        raise _wrong(where, f"parameters lie at most {DEPTH_MAX} deep in each other")
    if unknown := sorted(schema.keys() - _KNOWN):
        raise _wrong(f"{where}.{unknown[0][:40]}", "not known here")
    kind = schema.get("type")
    if kind is None and "enum" not in schema:
        raise _wrong(f"{where}.type", f"one of {', '.join(_TYPES)} is wanted")
    if kind is not None and (not isinstance(kind, str) or kind not in _TYPES):
        raise _wrong(f"{where}.type", f"one of {', '.join(_TYPES)} is wanted")
    choices = schema.get("enum", [None])
    if not isinstance(choices, list) or not choices:
        raise _wrong(f"{where}.enum", "a list of the values there are is wanted")
    _check_bounds(schema, kind, where)
    for name in _FOR_PEOPLE - {"default"}:
        if not isinstance(schema.get(name, ""), str):
            raise _wrong(f"{where}.{name}", "a text is wanted")
    _check_inner(schema, kind, where, depth)


def _check_bounds(schema: dict[str, Any], kind: object, where: str) -> None:
    for name in _NUMBERS & schema.keys():
        if kind not in ("number", "integer") or not _TYPES["number"](schema[name]):
            raise _wrong(f"{where}.{name}", "a number is wanted, and the type number or integer")
    for name, of in _SIZES.items():
        if name in schema and (kind != of or not _is_size(schema[name])):
            raise _wrong(f"{where}.{name}", f"a whole number is wanted, and the type {of}")
    for low, high in (("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")):
        if low in schema and high in schema and schema[low] > schema[high]:
            raise _wrong(f"{where}.{low}", f"is over {high}")


def _check_inner(schema: dict[str, Any], kind: object, where: str, depth: int) -> None:
    for name in (_OF_OBJECTS & schema.keys()) | ({"items"} & schema.keys()):
        if kind != ("array" if name == "items" else "object"):
            raise _wrong(f"{where}.{name}", f"goes with the type {'array' if name == 'items' else 'object'}")
    if not isinstance(schema.get("additionalProperties", False), bool):
        raise _wrong(f"{where}.additionalProperties", "true or false is wanted")
    inner = schema.get("properties", {})
    if not isinstance(inner, dict):
        raise _wrong(f"{where}.properties", "an object is wanted")
    for name, one in inner.items():
        if not name or not name.isprintable():
            raise _wrong(f"{where}.properties", "a name has printable characters")
        check_schema(one, f"{where}.properties.{name[:40]}", depth + 1)
    needed = schema.get("required", [])
    if not isinstance(needed, list) or not all(isinstance(name, str) and name in inner for name in needed):
        raise _wrong(f"{where}.required", "a list of names in properties is wanted")
    if "items" in schema:
        check_schema(schema["items"], f"{where}.items", depth + 1)
    if "default" in schema:
        check_value(schema, schema["default"], f"{where}.default")


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31


def _wrong(where: str, why: str) -> Invalid:
    return Invalid(f"{where}: {why}; docs/commands.md says how parameters are described", where)


def check_value(schema: Mapping[str, Any], value: object, where: str = "params") -> None:
    """Whether a value fits what was described. Raises Invalid, which names the field."""
    kind = schema.get("type")
    if kind is not None and not _TYPES[kind](value):
        raise Invalid(f"{where}: {_ARTICLES.get(kind, f'a {kind}')} is wanted, not {_told(value)}", where)
    if "enum" in schema and not any(is_same(value, one) for one in schema["enum"]):
        raise Invalid(f"{where}: one of {_told(schema['enum'])} is wanted, not {_told(value)}", where)
    if isinstance(value, dict) and kind == "object":
        _check_object(schema, value, where)
    elif isinstance(value, list):
        _check_size(schema, len(value), "Items", "elements", where)
        for place, one in enumerate(value if "items" in schema else ()):
            check_value(schema["items"], one, f"{where}.{place}")
    elif isinstance(value, str):
        _check_size(schema, len(value), "Length", "characters", where)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        _check_range(schema, value, where)


def _check_object(schema: Mapping[str, Any], value: Mapping[str, object], where: str) -> None:
    known = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            raise Invalid(f"{where}.{name}: is missing", f"{where}.{name}")
    for name, one in value.items():
        if name in known:
            check_value(known[name], one, f"{where}.{name}")
        elif not schema.get("additionalProperties", False):
            there = ", ".join(known) or "none"
            raise Invalid(f"{where}.{name[:40]}: not a parameter; there are: {there}", f"{where}.{name[:40]}")


def _check_size(schema: Mapping[str, Any], size: int, of: str, words: str, where: str) -> None:
    low, high = schema.get(f"min{of}", 0), schema.get(f"max{of}", math.inf)
    if not low <= size <= high:
        bound = f"at least {low}" if size < low else f"at most {high}"
        raise Invalid(f"{where}: {bound} {words} are wanted, not {size}", where)


def _check_range(schema: Mapping[str, Any], value: float, where: str) -> None:
    unit = f" {schema['unit']}" if "unit" in schema else ""
    rules = (
        ("minimum", "at least", operator.ge),
        ("exclusiveMinimum", "over", operator.gt),
        ("maximum", "at most", operator.le),
        ("exclusiveMaximum", "under", operator.lt),
    )
    for name, words, holds in rules:
        if name in schema and not holds(value, schema[name]):
            raise Invalid(f"{where}: {words} {schema[name]:g}{unit} is wanted, not {value:g}", where)


def is_same(one: object, other: object) -> bool:
    """Whether two JSON values are the same: true is no 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _told(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"

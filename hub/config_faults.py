"""What is wrong in a configuration, in words; and what the environment says of it."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from hub.errors import Invalid, plain

ENV_PREFIX = "HUB__"
OIDC_VARIABLE = "HUB__AUTH__OIDC"


def environment(sections: type[BaseModel], variables: Mapping[str, str]) -> dict[str, dict[str, object]]:
    """What the variables HUB__SECTION__KEY say, by section. Their names are read in any case, lists as JSON.

    Raises Invalid for a variable of no known section, and for a list that is no JSON.
    """
    found: dict[str, dict[str, object]] = {}
    for name, value in variables.items():
        if not name.upper().startswith(ENV_PREFIX):
            continue
        section, _, key = name[len(ENV_PREFIX) :].lower().partition("__")
        if section not in sections.model_fields or not key:
            raise Invalid(
                f"environment: {name} names no known section{_nearest(section, sections.model_fields)}"
            )
        is_list = isinstance(getattr(sections.model_fields[section].default, key, None), tuple)
        found.setdefault(section, {})[key] = _list(name, value) if is_list else value
    return found


def _list(name: str, value: str) -> object:
    try:
        return from_json(value)
    except ValueError as error:
        got = "" if name.upper() == OIDC_VARIABLE else f", got {value!r}"  # secrets may be in it
        raise Invalid(f'environment: {name}: a list in JSON is wanted, such as ["a", "b"]{got}') from error


def faults(
    sections: type[BaseModel], error: ValidationError, path: Path | None, variables: Mapping[str, str]
) -> Iterable[str]:
    """Each fault in words: where it stands, what is wrong, and for a misspelt key the nearest known one."""
    names = {name.upper(): name for name in variables}
    for fault in error.errors(include_url=False):
        where = ".".join(str(part) for part in fault["loc"])
        variable = names.get(ENV_PREFIX + "__".join(str(part) for part in fault["loc"][:2]).upper())
        source = f"environment: {variable}" if variable else path or "defaults"
        if fault["type"] == "extra_forbidden":
            nearest = _nearest(str(fault["loc"][-1]), _known(sections, fault["loc"][:-1]))
            yield f"{source}: unknown key {where}{nearest}"
        else:
            got = "" if _may_hold_secret(fault["loc"], fault["input"]) else f", got {fault['input']!r}"
            place = f"{where}: " if where else ""
            yield f"{source}: {place}{plain(fault['msg'])}{got}"


def _may_hold_secret(where: tuple[int | str, ...], value: object) -> bool:
    """Whether what stands there is not to be shown: a password, a secret, or what one may be in."""
    if where == ("broker", "url") or "client_secret" in where:
        return True
    return where[:2] in ((), ("auth",), ("auth", "oidc")) and not isinstance(value, str | int | float)


def _known(sections: type[BaseModel], section: tuple[int | str, ...]) -> Iterable[str]:
    """The keys of a section, or of a table within one."""
    model = sections
    for part in section:
        if isinstance(part, str):
            model = next(_models(model.model_fields[part].annotation), model)
    return model.model_fields


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation is, or is made of."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"; did you mean {close[0]}?" if close else f"; known are {', '.join(known)}"

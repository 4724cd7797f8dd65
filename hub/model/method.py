from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Method:
    """A command that a device says it knows, or that an operator says it does.

    `params` is what it takes, in the part of JSON Schema of hub/fleet/parameters.py; None is anything.
    """

    name: str
    label: str = ""  # for people
    dangerous: bool = False  # is asked about before it is sent
    params: Mapping[str, object] | None = None

"""What REST takes and gives of commands, and of the methods that devices know."""

from typing import Annotated

from pydantic import ConfigDict, Field, RootModel

from hub.fleet.commands import METHOD_MAX, TIMEOUT_MAX_S
from hub.fleet.methods import LABEL_MAX, METHODS_MAX
from hub.http.rest.shapes import (
    IS_NUMBER,
    PRINTABLE,
    Asked,
    Given,
    LabelQuery,
    LimitQuery,
    Milliseconds,
    described,
)
from hub.model import CommandState


class CommandIn(Asked):
    """A command to send; it waits so long for the device and its answer."""

    method: Annotated[str, Field(min_length=1, max_length=METHOD_MAX), described(pattern=PRINTABLE)]
    params: object = None
    timeout_s: Annotated[float, Field(gt=0, le=TIMEOUT_MAX_S), IS_NUMBER] = 60.0
    confirm: bool = Field(default=False, description="true for a method that is declared dangerous")


class BatchIn(CommandIn):
    """A command to send to all devices with a label."""

    label: LabelQuery = Field(description="k=v")


class BatchNew(Given):
    """What was sent to many devices, and how many."""

    batch: int
    label: str
    method: str
    count: int


class BatchQuery(Asked):
    """Which of the results, in the order in which they were sent."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 100
    after: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are newer than: `next` of the page before"
    )


class CommandOut(Given):
    """How far a command has come."""

    id: int
    method: str
    params: object
    state: CommandState
    created_at: Milliseconds
    expires_at: Milliseconds
    sent_at: Milliseconds | None
    delivered_at: Milliseconds | None = Field(description="when the device acknowledged it")
    ended_at: Milliseconds | None = Field(description="when it was done, failed, expired or cancelled")
    response: object
    batch: int | None = Field(description="of what was sent to many devices at once")


class BatchResult(CommandOut):
    """How far the command to one of the devices has come."""

    device: str


class BatchOut(Given):
    """How far all have come: how many commands are in each state, and a page of them."""

    batch: int
    label: str
    method: str
    created_at: Milliseconds
    count: int
    ended: int = Field(description="of how many something has become")
    states: dict[CommandState, int]
    results: list[BatchResult]
    next: int | None


class CommandsQuery(LimitQuery):
    """Which of a device's commands, newest first."""

    before: Annotated[int, Field(ge=1, le=2**62)] | None = Field(
        None, description="the id that those asked for are older than: `next` of the page before"
    )


class CommandsOut(Given):
    """Newest first; `next` is `before` of the page after it, null on the last one."""

    commands: list[CommandOut]
    next: int | None


class MethodShape(Given):
    """A command that a device knows. `params` is what it takes, in a part of JSON Schema."""

    name: str
    label: str
    dangerous: bool
    params: dict[str, object] | None


class MethodIn(Asked):
    """A command that a device knows, declared by operators."""

    name: Annotated[str, Field(min_length=1, max_length=METHOD_MAX), described(pattern=PRINTABLE)]
    label: Annotated[str, Field(max_length=LABEL_MAX), described(pattern=PRINTABLE)] = Field(
        "", description="for people"
    )
    dangerous: bool = Field(default=False, description="asked about before it is sent")
    params: dict[str, object] | None = Field(
        None, description="in the part of JSON Schema that docs/commands.md tells of; null is anything"
    )


class MethodsIn(RootModel[Annotated[list[MethodIn], Field(max_length=METHODS_MAX)]]):
    """All that operators declare; an empty list declares nothing."""

    model_config = ConfigDict(frozen=True, defer_build=True)


class MethodsOut(RootModel[list[MethodShape]]):
    """By name."""

    model_config = ConfigDict(defer_build=True)


class LabelOfMethods(Asked):
    """For all devices with which label."""

    label: LabelQuery = Field(description="k=v")

"""What REST takes and gives of metrics; see shapes.py."""

from typing import Annotated, Self

from pydantic import ConfigDict, Field, model_validator

from hub.fleet.checks import DECIMALS_MAX, UNIT_MAX
from hub.http.rest.shapes import IS_NUMBER, PRINTABLE, Asked, Finite, Given, MetricName, described
from hub.model import MetricType


class ThresholdsOut(Given):
    """Where values begin to be a matter of concern, ascending; null where there is no such bound."""

    critical_low: float | None
    warning_low: float | None
    warning_high: float | None
    critical_high: float | None


class MetricOut(Given):
    """One metric of a device."""

    name: str
    type: MetricType
    unit: str | None
    minimum: float | None
    maximum: float | None
    decimals: int | None
    thresholds: ThresholdsOut


class ThresholdsIn(Asked):
    """Where values begin to be a matter of concern, ascending; null, or left out: there is no such bound."""

    critical_low: Finite | None = None
    warning_low: Finite | None = None
    warning_high: Finite | None = None
    critical_high: Finite | None = None


class MetricIn(Asked):
    """A metric as operators want it: its unit, the range outside which values are refused, how it is shown,
    and where its values begin to be a matter of concern.
    """

    unit: Annotated[str, described(maxLength=UNIT_MAX, pattern=PRINTABLE)] | None = None
    minimum: Finite | None = None
    maximum: Finite | None = None
    decimals: Annotated[int, Field(ge=0, le=DECIMALS_MAX), IS_NUMBER] | None = None
    thresholds: ThresholdsIn | None = None


class MetricChange(MetricIn):
    """What to change of a metric; what is left out stays, but thresholds are replaced all together."""

    name: MetricName


class MetricAlteration(Asked):
    """A metric's new name, new type, or both; what is stored of it goes with it."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    name: MetricName | None = None
    type: MetricType | None = None

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.name is None and self.type is None:
            raise ValueError("a name, a type, or both are wanted")
        return self


class PreviewQuery(Asked):
    """Whether to do it."""

    preview: Annotated[
        bool, Field(description="only say what would become of the values stored; nothing is changed")
    ] = False


class LostValue(Given):
    """A stored value that does not read as the new type, and how many there are of it."""

    value: str
    count: int


class MetricEdited(Given):
    """A metric after a change of its name or type, or as it would be."""

    preview: bool
    metric: MetricOut
    values: int = Field(description="stored of it, each as it came; they are converted within seconds")
    lost: int = Field(description="of these, the ones that do not read as the new type")
    examples: list[LostValue] = Field(description="of those that are lost, the most frequent")


class RemovedQuery(PreviewQuery):
    """Which metrics: those that are named, and those whose name is like the pattern."""

    metric: list[MetricName] = Field([], description="a name; several may be named")
    match: Annotated[
        str, Field(max_length=100, description="a pattern: * is any text, ? any one character; v*, tmp_??")
    ] = ""


class MetricsRemoved(Given):
    """Metrics that were removed with their values, or would be."""

    preview: bool
    metrics: list[str]
    values: int = Field(description="stored of all of them, each as it came")


class MetricRemoved(Given):
    """A metric that was removed with its values, or would be."""

    preview: bool
    values: int = Field(description="stored of it, each as it came")

"""The vocabulary: what the rooms of the house hand to each other. One noun a file, frozen values, nothing that does I/O."""

from hub.model.command import Command, CommandState
from hub.model.device import AS_CONFIGURED, Device, Retention
from hub.model.key import ApiKey
from hub.model.metric import (
    NAME_MAX,
    NAME_PATTERN,
    NAME_RULE,
    NO_THRESHOLDS,
    Metric,
    MetricType,
    Thresholds,
    Value,
    is_name,
)
from hub.model.presence import Presence
from hub.model.principal import Principal, Role
from hub.model.reading import Reading, Run, Sample
from hub.model.rejection import RAW_MAX, Refusal, Rejection

__all__ = [
    "AS_CONFIGURED",
    "NAME_MAX",
    "NAME_PATTERN",
    "NAME_RULE",
    "NO_THRESHOLDS",
    "RAW_MAX",
    "ApiKey",
    "Command",
    "CommandState",
    "Device",
    "Metric",
    "MetricType",
    "Presence",
    "Principal",
    "Reading",
    "Refusal",
    "Rejection",
    "Retention",
    "Role",
    "Run",
    "Sample",
    "Thresholds",
    "Value",
    "is_name",
]

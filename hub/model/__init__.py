"""The vocabulary: what the rooms of the house hand to each other. One noun a file, frozen values, no I/O."""

from hub.model.alert import Alert, AlertChange, AlertState, Event, Silence
from hub.model.audit import AuditEntry
from hub.model.command import Command, CommandBatch, CommandState
from hub.model.device import AS_CONFIGURED, Device, Retention
from hub.model.key import ALL_KEY_RIGHTS, ApiKey, KeyRight
from hub.model.method import Method
from hub.model.metric import (
    NAME_MAX,
    NAME_PATTERN,
    NAME_RULE,
    NO_THRESHOLDS,
    Metric,
    MetricType,
    Thresholds,
    is_name,
)
from hub.model.note import (
    InboxAlert,
    InboxEntry,
    InboxKind,
    Note,
    NoteEvent,
    PersonalMessage,
    author_of,
    author_of_person,
)
from hub.model.operator import Operator
from hub.model.passkey import Passkey
from hub.model.presence import Presence
from hub.model.principal import Grant, Principal, Right, Role, Scope, checked_grant
from hub.model.reading import Reading, Run, Sample
from hub.model.rejection import RAW_MAX, Fault, Refusal, Rejection, refusal_of, refusals_of
from hub.model.rule import Rule, Severity, Which
from hub.model.sequence import NOT_COUNTED, SequenceMark, SequenceState
from hub.model.session import Session
from hub.model.token import Token, TokenKind
from hub.model.value import EXACT_MAX, Inexact, Value, converted, is_kept, read_number, whole

__all__ = [
    "ALL_KEY_RIGHTS",
    "AS_CONFIGURED",
    "EXACT_MAX",
    "NAME_MAX",
    "NAME_PATTERN",
    "NAME_RULE",
    "NOT_COUNTED",
    "NO_THRESHOLDS",
    "RAW_MAX",
    "Alert",
    "AlertChange",
    "AlertState",
    "ApiKey",
    "AuditEntry",
    "Command",
    "CommandBatch",
    "CommandState",
    "Device",
    "Event",
    "Fault",
    "Grant",
    "InboxAlert",
    "InboxEntry",
    "InboxKind",
    "Inexact",
    "KeyRight",
    "Method",
    "Metric",
    "MetricType",
    "Note",
    "NoteEvent",
    "Operator",
    "Passkey",
    "PersonalMessage",
    "Presence",
    "Principal",
    "Reading",
    "Refusal",
    "Rejection",
    "Retention",
    "Right",
    "Role",
    "Rule",
    "Run",
    "Sample",
    "Scope",
    "SequenceMark",
    "SequenceState",
    "Session",
    "Severity",
    "Silence",
    "Thresholds",
    "Token",
    "TokenKind",
    "Value",
    "Which",
    "author_of",
    "author_of_person",
    "checked_grant",
    "converted",
    "is_kept",
    "is_name",
    "read_number",
    "refusal_of",
    "refusals_of",
    "whole",
]

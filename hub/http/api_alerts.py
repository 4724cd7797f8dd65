"""The part of REST's table that is about rules, alerts and silences."""

from http import HTTPStatus

from hub.http.endpoint import BASE, Endpoint, operation
from hub.http.rest import alerts, rules, silences
from hub.http.rest.alert_shapes import (
    AcknowledgedManyOut,
    AcknowledgeIn,
    AlertDetailOut,
    AlertOut,
    AlertsOut,
    AlertsQuery,
    CommentIn,
    RemarkIn,
    SilenceIn,
    SilenceOut,
    SilencesOut,
)
from hub.http.rest.rule_shapes import RuleChange, RuleIn, RuleOut, RulesOut, RulesQuery, TrialIn, TrialOut
from hub.model import Right

_RULES, _ALERTS, _SILENCES = f"{BASE}/rules", f"{BASE}/alerts", f"{BASE}/silences"
_RULE, _ALERT = f"{_RULES}/{{rule_id}}", f"{_ALERTS}/{{alert_id}}"
_CREATED, _NONE = HTTPStatus.CREATED, HTTPStatus.NO_CONTENT
_GONE = (HTTPStatus.NOT_FOUND,)
_CLASH = (HTTPStatus.CONFLICT,)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS,)

ALERTS: tuple[Endpoint, ...] = (
    operation(
        "GET",
        _RULES,
        rules.list_rules,
        tag="rules",
        right=Right.DEVICES_READ,
        query=RulesQuery,
        answer=RulesOut,
    ),
    operation(
        "POST",
        _RULES,
        rules.add_rule,
        tag="rules",
        right=Right.RULES_WRITE,
        body=RuleIn,
        answer=RuleOut,
        status=_CREATED,
        refusals=(*_GONE, *_CLASH),
        made=lambda answer: str(answer.id),
    ),
    operation(
        "POST",
        f"{_RULES}/test",
        rules.try_rule,
        tag="rules",
        right=Right.HISTORY_READ,
        body=TrialIn,
        answer=TrialOut,
        refusals=(*_GONE, *_BUSY),
        is_dear=True,
        only_reads=True,
    ),
    operation(
        "GET", _RULE, rules.show_rule, tag="rules", right=Right.DEVICES_READ, answer=RuleOut, refusals=_GONE
    ),
    operation(
        "PATCH",
        _RULE,
        rules.change_rule,
        tag="rules",
        right=Right.RULES_WRITE,
        body=RuleChange,
        answer=RuleOut,
        refusals=_GONE,
    ),
    operation(
        "DELETE",
        _RULE,
        rules.remove_rule,
        tag="rules",
        right=Right.RULES_WRITE,
        status=_NONE,
        refusals=_GONE,
    ),
    operation(
        "GET",
        _ALERTS,
        alerts.list_alerts,
        tag="alerts",
        right=Right.DEVICES_READ,
        query=AlertsQuery,
        answer=AlertsOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        f"{_ALERTS}/acknowledge",
        alerts.acknowledge_many,
        tag="alerts",
        right=Right.NOTES_WRITE,
        body=AcknowledgeIn,
        answer=AcknowledgedManyOut,
    ),
    operation(
        "GET",
        _ALERT,
        alerts.show_alert,
        tag="alerts",
        right=Right.DEVICES_READ,
        answer=AlertDetailOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        f"{_ALERT}/acknowledge",
        alerts.acknowledge,
        tag="alerts",
        right=Right.NOTES_WRITE,
        body=CommentIn,
        answer=AlertOut,
        refusals=_GONE,
    ),
    operation(
        "POST",
        f"{_ALERT}/comment",
        alerts.comment,
        tag="alerts",
        right=Right.NOTES_WRITE,
        body=RemarkIn,
        answer=AlertOut,
        refusals=_GONE,
    ),
    operation(
        "GET",
        _SILENCES,
        silences.list_silences,
        tag="alerts",
        right=Right.DEVICES_READ,
        answer=SilencesOut,
    ),
    operation(
        "POST",
        _SILENCES,
        silences.add_silence,
        tag="alerts",
        right=Right.NOTES_WRITE,
        body=SilenceIn,
        answer=SilenceOut,
        status=_CREATED,
        refusals=(*_GONE, *_CLASH),
        made=lambda answer: str(answer.id),
    ),
    operation(
        "DELETE",
        f"{_SILENCES}/{{silence_id}}",
        silences.end_silence,
        tag="alerts",
        right=Right.NOTES_WRITE,
        status=_NONE,
        refusals=_GONE,
    ),
)

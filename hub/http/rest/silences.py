"""REST: silences, for operators within their scope."""

from typing import Any

from hub.errors import Forbidden, Invalid, NotFound
from hub.feed.channel import wire_ms
from hub.http.access import permit
from hub.http.endpoint import Call, Nothing
from hub.http.rest.alert_shapes import SilenceIn, SilenceOut, SilencesOut
from hub.http.rest.rules import is_visible, number_in, reach
from hub.http.rooms import ALERTS, CLOCK
from hub.model import Right, Silence, Which
from hub.model.rule import read_which
from hub.people.rule import Decision, OfDevice, Whole, decide


async def list_silences(call: Call[Nothing, Nothing]) -> SilencesOut:
    """List the silences that hold."""
    found = call.app[ALERTS].silences.all()
    return SilencesOut(silences=[_shown(one) for one in found if _visible(call, one)])


async def add_silence(call: Call[Nothing, SilenceIn]) -> SilenceOut:
    """Have nobody told of a device, of what carries a label, or of a rule, until a time."""
    body, now = call.body, call.app[CLOCK]()
    named = {"device": body.device, "label": body.label, "rule": body.rule}
    if sum(one is not None for one in named.values()) != 1:
        raise Invalid("device: exactly one of device, label and rule is wanted", "device")
    until = round(body.until * 1000)
    if until <= now:
        raise Invalid("until: that time is over already", "until")
    which: Which | None = None
    if body.rule is not None:
        about = _of_rule(call, body.rule)
    else:
        told = {name: value for name, value in named.items() if value is not None}
        which = read_which(told, "silence", may_be_all=False)
        about = reach(call, which)
    if not permit(call.principal, Right.NOTES_WRITE, about):
        if which is not None and which.label is not None:
            raise Forbidden(f"{call.principal.name!r} may silence devices of a scope only")
        raise NotFound(f"there is no {'rule' if which is None else 'device'} {body.device or body.rule!r}")
    silence = Silence(0, until, call.principal.name, now, which, body.rule, body.comment)
    return _shown(await call.app[ALERTS].silences.add(silence))


async def end_silence(call: Call[Nothing, Nothing]) -> None:
    """End a silence before its time."""
    silence_id = number_in(call, "silence_id", "silence")
    silence = call.app[ALERTS].silences.find(silence_id)
    if not _visible(call, silence):
        raise NotFound(f"there is no silence {silence_id}")
    if call.principal.scopes is not None or _about(call, silence) is not None:
        permit(call.principal, Right.NOTES_WRITE, _about(call, silence))
    await call.app[ALERTS].silences.remove(silence_id)


def _of_rule(call: Call[Any, Any], rule_id: int) -> OfDevice | Whole | None:
    """The devices that a rule is about; None where it is not there, or out of sight."""
    try:
        rule = call.app[ALERTS].rules.find(rule_id)
    except NotFound:
        return None
    return reach(call, rule.on) if is_visible(call, rule) else None


def _about(call: Call[Any, Any], silence: Silence) -> OfDevice | Whole | None:
    if silence.which is not None:
        return reach(call, silence.which)
    return None if silence.rule is None else _of_rule(call, silence.rule)


def _visible(call: Call[Any, Any], silence: Silence) -> bool:
    if call.principal.scopes is None:
        return True
    return decide(call.principal, Right.DEVICES_READ, _about(call, silence)) is Decision.ALLOW


def _shown(silence: Silence) -> SilenceOut:
    which = silence.which
    return SilenceOut(
        id=silence.id,
        device=None if which is None else which.device,
        label="=".join(which.label) if which is not None and which.label else None,
        rule=silence.rule,
        until=wire_ms(silence.until),
        by=silence.by,
        made_at=wire_ms(silence.made_at),
        comment=silence.comment,
    )

"""The one rule: who may do what."""

from typing import NamedTuple

import hypothesis
import pytest
from hypothesis import strategies as st

from hub.errors import Invalid
from hub.model import Grant, Principal, Right, Role, Scope, checked_grant
from hub.people.rule import RIGHTS, Decision, Whole, decide
from tests.principals import principal

READS = {"devices:read", "history:read", "live:read", "metrics:scrape"}
OPERATES = READS | {"raw:read", "commands:write", "notes:write"}
MANAGES = OPERATES | {"devices:write", "keys:write", "rules:write", "import:write"}
ADMINISTERS = MANAGES | {"people:write", "system:write"}
MAY = {
    Role.VIEWER: READS,
    Role.OPERATOR: OPERATES,
    Role.MANAGER: MANAGES,
    Role.ADMIN: ADMINISTERS,
    Role.LOCAL: ADMINISTERS | {"recovery"},
}


class Thing(NamedTuple):
    id: str
    labels: dict[str, str]


IDS = st.sampled_from(["a", "b", "c"])
LABELS = st.dictionaries(st.sampled_from(["site", "kind"]), st.sampled_from(["north", "pump"]), max_size=2)
THINGS = st.builds(Thing, IDS, LABELS)
SCOPES = st.builds(
    Scope, st.frozensets(IDS, max_size=2), LABELS.map(lambda labels: frozenset(labels.items()))
)
GRANTS = st.builds(Grant, st.sampled_from(Role), st.none() | SCOPES)
PRINCIPALS = st.builds(
    Principal,
    st.just("ada"),
    st.lists(GRANTS, max_size=3).map(tuple),
    st.none() | st.frozensets(st.sampled_from(Right)),
)


def test_a_role_may_what_it_may_and_nothing_else() -> None:
    assert {role: {right.value for right in rights} for role, rights in RIGHTS.items()} == MAY


@hypothesis.given(who=PRINCIPALS, right=st.sampled_from(Right), thing=THINGS)
def test_a_device_out_of_sight_is_decided_like_one_that_is_not_there(
    who: Principal, right: Right, thing: Thing
) -> None:
    decision, absent = decide(who, right, thing), decide(who, right, None)
    assert absent is not Decision.ALLOW
    if not who.sees(thing.id, thing.labels):
        assert decision is absent


@hypothesis.given(who=PRINCIPALS, right=st.sampled_from(Right), thing=THINGS, more=GRANTS)
def test_what_grants_allow_adds_up_and_a_token_has_no_more_than_its_rights(
    who: Principal, right: Right, thing: Thing, more: Grant
) -> None:
    given = Principal("ada", (*who.grants, more), who.rights)
    if decide(who, right, thing) is Decision.ALLOW:
        assert decide(given, right, thing) is Decision.ALLOW
    alone = [decide(Principal("ada", (one,), who.rights), right, thing) for one in given.grants]
    assert (decide(given, right, thing) is Decision.ALLOW) == (Decision.ALLOW in alone)
    if who.rights is not None and right not in who.rights:
        assert decide(given, right, thing) is Decision.REFUSE


@hypothesis.given(who=PRINCIPALS, right=st.sampled_from(Right))
def test_the_whole_hub_is_for_those_without_a_scope(who: Principal, right: Right) -> None:
    allowed = decide(who, right, Whole.HUB) is Decision.ALLOW
    unscoped = [grant.role for grant in who.grants if grant.scope is None]
    limited = who.rights is not None and right not in who.rights
    assert allowed == (not limited and any(right.value in MAY[role] for role in unscoped))


def test_a_device_in_sight_of_another_grant_is_refused_and_not_hidden() -> None:
    both = Principal(
        "ada", (*principal("", Role.OPERATOR, ["a"]).grants, *principal("", Role.VIEWER, ["b"]).grants)
    )
    decisions = [decide(both, Right.COMMANDS_WRITE, Thing(one, {})) for one in "abc"]
    assert decisions == [Decision.ALLOW, Decision.REFUSE, Decision.HIDE]


@hypothesis.given(one=SCOPES, other=SCOPES, thing=THINGS)
def test_a_scope_within_another_covers_nothing_more(one: Scope, other: Scope, thing: Thing) -> None:
    if one.is_within(other) and one.covers(thing.id, thing.labels):
        assert other.covers(thing.id, thing.labels)


def test_a_scope_covers_devices_by_name_or_by_all_of_its_labels() -> None:
    scope = Scope(frozenset({"a"}), frozenset({("site", "north"), ("kind", "pump")}))
    assert scope.covers("a", {})
    assert scope.covers("b", {"site": "north", "kind": "pump", "more": ""})
    assert not scope.covers("b", {"site": "north"})
    assert not Scope(frozenset({"a"})).covers("b", {"site": "north"})


@pytest.mark.parametrize(
    ("role", "scope"),
    [
        (Role.LOCAL, None),
        (Role.ADMIN, Scope(frozenset({"a"}))),
        (Role.VIEWER, Scope()),
        (Role.VIEWER, Scope(frozenset(map(str, range(1001))))),
    ],
)
def test_what_nobody_can_be_given_is_refused(role: Role, scope: Scope | None) -> None:
    with pytest.raises(Invalid):
        checked_grant(role, scope)

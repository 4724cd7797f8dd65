"""REST: the people who use the hub, and what each may."""

from typing import Any
from urllib.parse import quote

from hub.errors import Invalid
from hub.http.endpoint import Call, Nothing
from hub.http.live.viewers import VIEWERS
from hub.http.rest.passkey_shapes import PasskeyOut
from hub.http.rest.people_shapes import (
    GrantIn,
    GrantOut,
    LinkOut,
    OperatorChange,
    OperatorIn,
    OperatorOut,
    OperatorsOut,
    ScopeOut,
)
from hub.http.rest.times import rfc3339
from hub.http.rooms import ACCOUNTS, BASE_URL, CLOCK, CONFIG, OPERATORS, TOKENS
from hub.model import Grant, Operator, Principal


async def list_operators(call: Call[Nothing, Nothing]) -> OperatorsOut:
    """List the people, by name."""
    return OperatorsOut(operators=[_shown(call, one) for one in call.app[ACCOUNTS].all()])


async def add_operator(call: Call[Nothing, OperatorIn]) -> OperatorOut:
    """Add a person; without a password they come by a link."""
    body = call.body
    grants = _grants(body)
    if grants is None:
        raise Invalid("role: a role is wanted, or grants", "role")
    return _shown(call, await call.app[ACCOUNTS].add(body.name, grants, body.password))


async def change_operator(call: Call[Nothing, OperatorChange]) -> OperatorOut:
    """Change what a person may, or the password. It counts at once: live sockets begin again."""
    name, body = call.request.match_info["operator"], call.body
    changed = await call.app[ACCOUNTS].change(name, _grants(body), body.password)
    if body.password is not None:
        await _end_sessions(call, name)
    await _revoke_tokens(call, changed)
    call.app[VIEWERS].begin_again(name)
    return _shown(call, changed)


async def remove_operator(call: Call[Nothing, Nothing]) -> None:
    """Remove a person; sessions, links and tokens of theirs end at once."""
    name = call.request.match_info["operator"]
    call.app[ACCOUNTS].refuse_last_admin(name)  # before anything of theirs ends
    await _end_sessions(call, name)
    removed = call.app[ACCOUNTS].find(name)
    await call.app[ACCOUNTS].remove(name)
    await _revoke_tokens(call, Operator(name, (), removed.created_at))


async def remove_operators_passkey(call: Call[Nothing, Nothing]) -> None:
    """Remove a passkey of a person; they stay logged in where they are."""
    asked = call.request.match_info
    name = call.app[ACCOUNTS].find(asked["operator"]).name
    await call.app[ACCOUNTS].passkeys.remove(name, asked["passkey_id"])


async def make_operator_link(call: Call[Nothing, Nothing]) -> LinkOut:
    """Make a link that logs this person in on one browser, once."""
    return await link_for(call, call.app[ACCOUNTS].find(call.request.match_info["operator"]).name)


async def link_for(call: Call[Any, Any], name: str) -> LinkOut:
    """A one-time link for somebody."""
    code = await call.app[OPERATORS].make_link(name)
    expires_at = call.app[CLOCK]() + round(call.app[CONFIG].auth.login_link_s * 1e6)
    url = f"{call.app[CONFIG].http.public_url or call.app[BASE_URL]()}/login?code={quote(code)}"
    return LinkOut(link=url, url=url, expires_at=rfc3339(expires_at))


async def _end_sessions(call: Call[Any, Any], name: str) -> None:
    for session_id in await call.app[OPERATORS].end_sessions(name):
        call.app[VIEWERS].end_with(f"session {session_id}", "the session was ended")


async def _revoke_tokens(call: Call[Any, Any], operator: Operator) -> None:
    """End the tokens of a person that may more than the person may."""
    for token_id in await call.app[TOKENS].revoke_beyond(Principal(operator.name, operator.grants)):
        call.app[VIEWERS].end_with(f"token {token_id}", "the token was revoked")


def _grants(body: OperatorIn | OperatorChange) -> list[Grant] | None:
    """What is asked for; None where nothing is said. Raises Invalid."""
    if body.grants is not None:
        if body.role is not None or body.scope is not None:
            raise Invalid(
                "grants: each has a role and a scope of its own; leave role and scope out", "grants"
            )
        return [one.read() for one in body.grants]
    if body.role is None:
        if body.scope is not None:
            raise Invalid("role: a scope goes with a role", "role")
        return None
    return [GrantIn(role=body.role, scope=body.scope).read()]


def _shown(call: Call[Any, Any], operator: Operator) -> OperatorOut:
    passkeys = call.app[ACCOUNTS].passkeys.of(operator.name)
    grants = [GrantOut.of(grant) for grant in operator.grants]
    scope = operator.grants[0].scope
    return OperatorOut(
        name=operator.name,
        role=operator.grants[0].role,
        scope=ScopeOut.of(scope),
        grants=grants,
        has_password=operator.password is not None,
        issuer=operator.issuer,
        passkeys=[PasskeyOut.of(one) for one in passkeys],
        created_at=rfc3339(operator.created_at),
    )

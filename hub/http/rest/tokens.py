"""REST: tokens of programs. Whoever is logged in makes and ends their own, admins those of others too."""

from typing import Any

from hub.errors import Forbidden, NotFound
from hub.http.access import ProofKind
from hub.http.endpoint import Call, Nothing
from hub.http.live.viewers import VIEWERS
from hub.http.rest.people_shapes import GrantOut, TokenIn, TokenNew, TokenOut, TokensOut
from hub.http.rest.times import rfc3339
from hub.http.rooms import TOKENS
from hub.model import Right, Token
from hub.people.rule import Decision, Whole, decide, is_within


def _is_admin(call: Call[Any, Any]) -> bool:
    return decide(call.principal, Right.PEOPLE_WRITE, Whole.HUB) is Decision.ALLOW


def _own_only(call: Call[Any, Any]) -> bool:
    """Whether only the caller's own tokens are concerned.

    Raises Forbidden for a token, which is nobody's log in: what is made with it would outlive it.
    """
    if _is_admin(call):
        return False
    if call.proof.kind is not ProofKind.SESSION:
        raise Forbidden(
            f"this takes a log in, or the right {Right.PEOPLE_WRITE}; {call.principal.name!r} shows neither"
        )
    return True


async def list_tokens(call: Call[Nothing, Nothing]) -> TokensOut:
    """List tokens, oldest first: one's own, and to admins those of all."""
    own = call.principal.name if _own_only(call) else None
    return TokensOut(
        tokens=[_shown(one) for one in call.app[TOKENS].all() if own is None or one.owner == own]
    )


async def make_token(call: Call[Nothing, TokenIn]) -> TokenNew:
    """Make a token for a program; it is shown this once. It may no more than whoever makes it."""
    own_only = _own_only(call)
    body, grant = call.body, call.body.grant()
    rights = None if body.rights is None else frozenset(body.rights)
    if own_only and not is_within(grant, rights, call.principal):
        raise Forbidden(f"the token would be allowed more than {call.principal.name!r} is")
    token, text = await call.app[TOKENS].make(
        body.name, grant, body.ttl_s, owner=call.principal.name, rights=rights, kind=body.kind
    )
    return TokenNew(id=token.id, token=text, expires_at=rfc3339(token.expires_at))


async def revoke_token(call: Call[Nothing, Nothing]) -> None:
    """End a token for good, and the live sockets that were opened with it."""
    token_id, tokens = call.request.match_info["token_id"], call.app[TOKENS]
    if _own_only(call) and tokens.find(token_id).owner != call.principal.name:
        raise NotFound(f"there is no token {token_id!r}")
    try:
        await tokens.revoke(token_id)
    finally:  # it does not work any more, even where that could not be written down
        if tokens.find(token_id).revoked_at is not None:
            call.app[VIEWERS].end_with(f"token {token_id}", "the token was revoked")


def _shown(token: Token) -> TokenOut:
    grant = GrantOut.of(token.grant)
    return TokenOut(
        id=token.id,
        kind=token.kind,
        name=token.name,
        owner=token.owner,
        role=grant.role,
        scope=grant.scope,
        rights=None if token.rights is None else sorted(token.rights),
        created_at=rfc3339(token.created_at),
        expires_at=rfc3339(token.expires_at),
        last_used_at=None if token.last_used_at is None else rfc3339(token.last_used_at),
        last_used_from=token.last_used_from,
        revoked_at=None if token.revoked_at is None else rfc3339(token.revoked_at),
    )

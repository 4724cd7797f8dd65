"""REST as one table, the part of people and what they come in with."""

from http import HTTPStatus

from hub.http.endpoint import BASE, Endpoint, Security, operation
from hub.http.rest import sessions, tokens
from hub.http.rest.people_shapes import LinkIn, LinkOut, SessionOut, TokenIn, TokenNew, TokensOut
from hub.model import Right

_CREATED, _NONE = HTTPStatus.CREATED, HTTPStatus.NO_CONTENT
_GONE = (HTTPStatus.NOT_FOUND,)
_CLASH = (HTTPStatus.CONFLICT,)
_BUSY = (HTTPStatus.TOO_MANY_REQUESTS,)

PEOPLE: tuple[Endpoint, ...] = (
    operation("GET", f"{BASE}/session", sessions.show_session, tag="access", right=None, answer=SessionOut),
    Endpoint(
        "DELETE",
        f"{BASE}/session",
        sessions.log_out,
        "End the browser's session.",
        "access",
        Security.OPERATOR,
        right=None,
        status=_NONE,
    ),
    operation("GET", f"{BASE}/tokens", tokens.list_tokens, tag="access", right=None, answer=TokensOut),
    operation(
        "POST",
        f"{BASE}/tokens",
        tokens.make_token,
        tag="access",
        right=None,
        body=TokenIn,
        answer=TokenNew,
        status=_CREATED,
        refusals=_BUSY,
        made=lambda answer: answer.id,
    ),
    operation(
        "DELETE",
        f"{BASE}/tokens/{{token_id}}",
        tokens.revoke_token,
        tag="access",
        right=None,
        status=_NONE,
        refusals=(*_GONE, *_CLASH),
    ),
    operation(
        "POST",
        f"{BASE}/login-links",
        sessions.make_link,
        tag="access",
        right=Right.PEOPLE_WRITE,
        whole_hub=True,
        body=LinkIn,
        answer=LinkOut,
        status=_CREATED,
    ),
)

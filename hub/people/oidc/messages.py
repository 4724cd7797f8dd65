"""What a browser is sent with to a provider, what the hub asks it, and how their answers are read."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote_plus, urlencode

from hub.config_oidc import OidcProvider
from hub.people.oidc.attempts import Attempt
from hub.people.oidc.discovery import Metadata
from hub.people.oidc.faults import NotBegunHere, ProviderRefused, ProviderSilent, ProviderWrong

PARAMETER_MAX = 4_096  # of one that a browser brings
TOKEN_MAX = 65_536  # characters of one that a provider gives


def authorization_url(metadata: Metadata, provider: OidcProvider, state: str, attempt: Attempt) -> str:
    """Where to send the browser (Core 1.0, 3.1.2.1; RFC 7636, 4.3)."""
    anew = {} if attempt.anew_from_s is None else {"prompt": "login", "max_age": "0"}
    return with_query(
        metadata.authorization_endpoint,
        {
            "response_type": "code",
            "client_id": provider.client_id,
            "redirect_uri": attempt.redirect_uri,
            "scope": " ".join(provider.scopes),
            "state": state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.challenge,
            "code_challenge_method": "S256",
            **anew,
        },
    )


def with_query(url: str, parameters: Mapping[str, str]) -> str:
    """The address, which may have a query already (RFC 6749, 3.1)."""
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"


@dataclass(frozen=True, slots=True)
class Callback:
    """What a browser comes back with (Core 1.0, 3.1.2.5 and 3.1.2.6)."""

    state: str
    code: str = field(repr=False)
    issuer: str | None  # RFC 9207
    error: str | None

    @classmethod
    def read(cls, query: Mapping[str, Sequence[str]]) -> "Callback":
        """By name, with all values of each. Raises NotBegunHere: no provider sends one twice."""
        values: dict[str, str] = {}
        for name in ("state", "code", "iss", "error"):
            found = query.get(name, ())
            if len(found) > 1 or any(len(one) > PARAMETER_MAX for one in found):
                raise NotBegunHere(f"the parameter {name} is there more than once, or is too long")
            if found:
                values[name] = found[0]
        return cls(values.get("state", ""), values.get("code", ""), values.get("iss"), values.get("error"))

    def check(self, metadata: Metadata) -> None:
        """Raises ProviderWrong for another issuer's answer (RFC 9207, 2.4), and ProviderRefused."""
        if self.issuer is None and metadata.sends_issuer:
            raise ProviderWrong("the answer does not say its issuer, as this provider's answers do")
        if self.issuer is not None and self.issuer != metadata.issuer:
            raise ProviderWrong(f"the answer is of the issuer {self.issuer[:200]!r}")
        if self.error is not None:
            raise ProviderRefused(f"the provider says {_word(self.error)}")
        if not self.code:
            raise ProviderWrong("the answer has no code")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """What is posted to the token endpoint."""

    form: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)


def code_request(
    metadata: Metadata, provider: OidcProvider, secret: str, attempt: Attempt, code: str
) -> TokenRequest:
    """For the tokens of a code (Core 1.0, 3.1.3.1; RFC 7636, 4.5)."""
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": attempt.redirect_uri,
        "code_verifier": attempt.verifier,
    }
    return _authenticated(metadata, provider, secret, form)


def refresh_request(
    metadata: Metadata, provider: OidcProvider, secret: str, refresh_token: str
) -> TokenRequest:
    """For new tokens (Core 1.0, 12.1)."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return _authenticated(metadata, provider, secret, form)


def _authenticated(
    metadata: Metadata, provider: OidcProvider, secret: str, form: dict[str, str]
) -> TokenRequest:
    """As the client that the hub is (RFC 6749, 2.3.1)."""
    if secret and not metadata.secret_in_body:
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(secret)}"
        return TokenRequest(form, {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()})
    form = {**form, "client_id": provider.client_id}
    return TokenRequest({**form, "client_secret": secret} if secret else form, {})


@dataclass(frozen=True, slots=True)
class ProviderTokens:
    """What the token endpoint gives (Core 1.0, 3.1.3.3 and 12.2)."""

    access: str = field(repr=False)
    id: str | None = field(repr=False)
    refresh: str | None = field(repr=False)


# RFC 6749, 5.2: what is said of a code or refresh token, and not of the hub or of the provider itself.
_OVER = frozenset({"invalid_grant", "access_denied", "interaction_required", "login_required"})


def read_tokens(status: int, answer: object) -> ProviderTokens:
    """What is in an answer. Raises ProviderRefused where code or refresh token are over, ProviderSilent where
    the provider or the hub's registration with it is in trouble, ProviderWrong.
    """
    if status != 200:
        error = answer.get("error") if isinstance(answer, dict) else None
        said = f"the provider says {_word(error)} (status {status})"
        if status == 400 and isinstance(error, str) and error in _OVER:
            raise ProviderRefused(said)
        raise ProviderSilent(said)
    if not isinstance(answer, dict):
        raise ProviderWrong("the answer with tokens is not an object")
    kind = answer.get("token_type")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ProviderWrong("the answer with tokens is of another type than Bearer")
    access, id_token, refresh = (
        _token(answer, name) for name in ("access_token", "id_token", "refresh_token")
    )
    if access is None:
        raise ProviderWrong("the answer has no access_token")
    return ProviderTokens(access, id_token, refresh)


def _token(answer: Mapping[str, object], name: str) -> str | None:
    found = answer.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not 0 < len(found) <= TOKEN_MAX or not found.isascii():
        raise ProviderWrong(f"{name} is no token")
    return found


def _word(error: object) -> str:
    """What is said is shown to people: printable, and short."""
    word = error if isinstance(error, str) else "nothing that is known"
    return repr(word[:60])

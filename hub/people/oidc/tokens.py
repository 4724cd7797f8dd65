"""Whether a token that the provider signed is for this hub, for now, and for this log in."""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hub.people.oidc.faults import ProviderWrong
from hub.people.oidc.signatures import KeySet, Signed

SKEW_S = 120.0  # by which the clocks of provider and hub may differ
FRESH_S = 600.0  # an ID token is made when it is asked for, a logout token when it is sent
SUBJECT_MAX = 255  # Core 1.0, 2
BACK_CHANNEL = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True, slots=True)
class IdToken:
    """Who the provider says it is."""

    subject: str
    session: str | None  # the provider's own: `sid`
    claims: Mapping[str, Any]
    proven_at_s: float | None = None  # when the provider asked them last who they are, if it says


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token has to say. `nonce` and `subject` are None where they are not known yet."""

    issuer: str
    client_id: str
    now_s: float
    nonce: str | None = None
    subject: str | None = None
    access_token: str | None = None
    anew_from_s: float | None = None  # since then they have to have been asked who they are


def check_id_token(token: str, keys: KeySet, expected: Expected) -> IdToken:
    """Core 1.0, 3.1.3.7; after a refresh 12.2. Raises UnknownKey, ProviderWrong."""
    signed = keys.open(token)
    claims = signed.claims
    _check_parties(claims, expected.issuer, expected.client_id)
    _check_times(claims, expected.now_s, needs_end=True)
    if expected.nonce is not None and not _is_text(claims.get("nonce"), expected.nonce):
        raise ProviderWrong("the ID token is of another log in: its nonce is not the one that was sent")
    if BACK_CHANNEL in _events(claims):
        raise ProviderWrong("a logout token is no ID token")
    if expected.access_token is not None and "at_hash" in claims:
        _check_half_digest(signed, expected.access_token)
    subject = _short(claims, "sub")
    if subject is None:
        raise ProviderWrong("the ID token has no sub")
    if expected.subject is not None and subject != expected.subject:
        raise ProviderWrong("the ID token is of another person")
    proven_at_s = _time(claims, "auth_time")
    # Where it does not say, it is believed to have done what it was asked for: some never say (3.1.3.7-13).
    anew_from_s = expected.anew_from_s
    if anew_from_s is not None and proven_at_s is not None and proven_at_s + SKEW_S <= anew_from_s:
        raise ProviderWrong("the provider did not ask anew who it is, as it was told to: auth_time")
    return IdToken(subject, _short(claims, "sid"), claims, proven_at_s)


@dataclass(frozen=True, slots=True)
class LogoutToken:
    """Whose sessions are over at the provider: a person's, or one session."""

    id: str
    subject: str | None
    session: str | None


def check_logout_token(token: str, keys: KeySet, issuer: str, client_id: str, now_s: float) -> LogoutToken:
    """Back-Channel Logout 1.0, 2.6. Raises UnknownKey, ProviderWrong."""
    signed = keys.open(token)
    claims = signed.claims
    _check_parties(claims, issuer, client_id)
    _check_times(claims, now_s, needs_end=False)
    if BACK_CHANNEL not in _events(claims):
        raise ProviderWrong("the token is no logout token: it has no such event")
    if "nonce" in claims:  # 2.4: or an ID token could be shown here
        raise ProviderWrong("the token is no logout token: it has a nonce")
    token_id = claims.get("jti")
    if not isinstance(token_id, str) or not 0 < len(token_id) <= SUBJECT_MAX:
        raise ProviderWrong("the logout token has no jti")
    found = LogoutToken(token_id, _short(claims, "sub"), _short(claims, "sid"))
    if found.subject is None and found.session is None:
        raise ProviderWrong("the logout token has neither sub nor sid")
    return found


def _check_parties(claims: Mapping[str, Any], issuer: str, client_id: str) -> None:
    if not _is_text(claims.get("iss"), issuer):
        raise ProviderWrong(f"the token is of the issuer {str(claims.get('iss'))[:200]!r}")
    audience = claims.get("aud")
    audiences = [audience] if isinstance(audience, str) else audience
    if not isinstance(audiences, list) or client_id not in audiences:
        raise ProviderWrong("the token is for another client: aud")
    if len(audiences) > 1 and "azp" not in claims:
        raise ProviderWrong("the token is for several clients, and does not say which one asked for it: azp")
    if claims.get("azp", client_id) != client_id:
        raise ProviderWrong("the token was asked for by another client: azp")


def _check_times(claims: Mapping[str, Any], now_s: float, *, needs_end: bool) -> None:
    made_s, ends_s, begins_s = (_time(claims, name) for name in ("iat", "exp", "nbf"))
    if made_s is None or (needs_end and ends_s is None):
        raise ProviderWrong("the token does not say when it was made and when it ends")
    if ends_s is not None and ends_s + SKEW_S <= now_s:
        raise ProviderWrong("the token has expired")
    if max(made_s, begins_s or made_s) > now_s + SKEW_S:
        raise ProviderWrong("the token is of the future: are both clocks right?")
    if made_s + FRESH_S + SKEW_S <= now_s:
        raise ProviderWrong("the token was made long ago: are both clocks right?")


def _time(claims: Mapping[str, Any], name: str) -> float | None:
    """Seconds (RFC 7519, 2: NumericDate)."""
    found = claims.get(name)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ProviderWrong(f"the token's {name} is no time")
    return float(min(max(found, 0), 2**53))


# The digest of each algorithm; EdDSA's is that of Ed25519 (RFC 8032, 5.1).
_DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512, "DSA": hashlib.sha512}


def _check_half_digest(signed: Signed, access_token: str) -> None:
    """That the access token came with this ID token (Core 1.0, 3.1.3.6)."""
    digest = _DIGESTS[signed.algorithm[-3:]](access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not _is_text(signed.claims["at_hash"], half):
        raise ProviderWrong("the access token is not the one that the ID token tells of: at_hash")


def _is_text(found: object, wanted: str) -> bool:
    return isinstance(found, str) and hmac.compare_digest(
        found.encode(errors="surrogatepass"), wanted.encode()
    )


def _events(claims: Mapping[str, Any]) -> Mapping[str, Any]:
    found = claims.get("events")
    return found if isinstance(found, dict) else {}


def _short(claims: Mapping[str, Any], name: str) -> str | None:
    """A name that the provider gave; None where there is none. Raises ProviderWrong."""
    found = claims.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not 0 < len(found) <= SUBJECT_MAX or not found.isprintable():
        raise ProviderWrong(f"the token's {name} is no name of up to {SUBJECT_MAX} characters")
    return found

"""ID tokens and logout tokens: what is believed, and each lie with the clause that forbids it."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import pytest

from hub.people.oidc.faults import ProviderWrong, UnknownKey
from hub.people.oidc.signatures import RSA_BITS_MIN, KeySet
from hub.people.oidc.tokens import BACK_CHANNEL, SKEW_S, Expected, check_id_token, check_logout_token
from tests.oidc.keys import Key, by_none, by_public_key, half_digest, part

ISSUER, CLIENT, NONCE, ACCESS = "https://login.example.org/x", "hub", "n-0S6_WzA2Mj", "access"
NOW_S = 1_795_170_094.5
RSA, OTHER, EC, EC384, ED, SHORT = (Key(name) for name in ("rsa1", "rsa2", "ec1", "ec3841", "ed1", "short1"))
KEYS = KeySet.read({"keys": [one.shown() for one in (RSA, EC, EC384, ED, SHORT)]})
EXPECTED = Expected(ISSUER, CLIENT, NOW_S, NONCE, access_token=ACCESS)
GOOD: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "sub": "248289761001",
    "exp": NOW_S + 300,
    "iat": int(NOW_S),
    "nonce": NONCE,
    "at_hash": half_digest(ACCESS),
}


def claims(**changed: object) -> dict[str, Any]:
    """The good claims, changed; what is None is left out."""
    return {name: value for name, value in {**GOOD, **changed}.items() if value is not None}


class Good(NamedTuple):
    """What has to be believed."""

    what: str
    token: Callable[[], str]


BELIEVED = (
    Good("as it should be", lambda: RSA.sign(GOOD)),
    *(Good(one, partial(RSA.sign, claims(at_hash=None), one)) for one in ("RS512", "PS256", "PS384")),
    Good("ES256", lambda: EC.sign(GOOD)),
    Good("ES384", lambda: EC384.sign(claims(at_hash=None))),
    Good("EdDSA", lambda: ED.sign(claims(at_hash=None))),
    Good("several audiences and azp", lambda: RSA.sign(claims(aud=["api", CLIENT], azp=CLIENT))),
    Good("one audience in a list", lambda: RSA.sign(claims(aud=[CLIENT]))),
    Good("no at_hash", lambda: RSA.sign(claims(at_hash=None))),
    Good("the provider's clock is ahead", lambda: RSA.sign(claims(iat=NOW_S + SKEW_S - 1))),
    Good("the hub's clock is ahead", lambda: RSA.sign(claims(exp=NOW_S - SKEW_S + 1))),
    Good("of the only key that fits, not named", lambda: EC.sign(GOOD, kid=None)),
)


@pytest.mark.parametrize("good", BELIEVED, ids=[one.what for one in BELIEVED])
def test_what_a_provider_signs_is_believed(good: Good) -> None:
    found = check_id_token(good.token(), KEYS, EXPECTED)
    assert (found.subject, found.claims["iss"]) == ("248289761001", ISSUER)


class Lie(NamedTuple):
    """A token that is not to be believed, and what is said of it."""

    clause: str
    what: str
    token: Callable[[], str]
    said: str


def _tampered() -> str:
    head, _, signature = RSA.sign(GOOD).split(".")
    return f"{head}.{part(claims(sub='admin'))}.{signature}"


def _cut() -> str:
    return RSA.sign(GOOD).rpartition(".")[0] + "."


LIES = (
    Lie("Core 3.1.3.7-2", "another issuer", lambda: RSA.sign(claims(iss="https://evil.example")), "issuer"),
    Lie("Core 3.1.3.7-2", "the issuer with a slash", lambda: RSA.sign(claims(iss=ISSUER + "/")), "issuer"),
    Lie("Core 3.1.3.7-2", "no issuer", lambda: RSA.sign(claims(iss=None)), "issuer"),
    Lie("Core 3.1.3.7-3", "another audience", lambda: RSA.sign(claims(aud="other")), "aud"),
    Lie("Core 3.1.3.7-3", "a part of an audience", lambda: RSA.sign(claims(aud="hub2")), "aud"),
    Lie("Core 3.1.3.7-3", "no audience", lambda: RSA.sign(claims(aud=None)), "aud"),
    Lie("Core 3.1.3.7-3", "an object as audience", lambda: RSA.sign(claims(aud={CLIENT: 1})), "aud"),
    Lie("Core 3.1.3.7-4", "several and no azp", lambda: RSA.sign(claims(aud=[CLIENT, "api"])), "azp"),
    Lie("Core 3.1.3.7-5", "azp is another", lambda: RSA.sign(claims(azp="other")), "azp"),
    Lie("Core 3.1.3.7-6", "another claim put in", _tampered, "signature"),
    Lie("Core 3.1.3.7-6", "signed by another key", lambda: OTHER.sign(GOOD, kid="rsa1"), "signature"),
    Lie("Core 3.1.3.7-6", "the signature taken away", _cut, "signature"),
    Lie("RFC 7515 10.7", "alg none", lambda: by_none(GOOD), "'none'"),
    Lie("RFC 7515 10.7", "alg NoNe", lambda: by_none(GOOD, "NoNe"), "'NoNe'"),
    Lie("RFC 8725 2.1", "HS256 by the public key", lambda: by_public_key(GOOD, RSA), "'HS256'"),
    Lie("RFC 8725 3.1", "an EC key's name, by RSA", lambda: RSA.sign(GOOD, kid="ec1"), "does not show"),
    Lie("RFC 7515 4.1.11", "a critical header", lambda: RSA.sign(GOOD, crit=["x"], x=1), "understood"),
    Lie("RFC 7515 4.1.4", "a key that nobody shows", lambda: OTHER.sign(GOOD), "does not show"),
    Lie("RFC 7515 4.1.4", "one of several, not named", lambda: RSA.sign(GOOD, kid=None), "several"),
    Lie("RFC 7518 3.3", "a short key", lambda: SHORT.sign(GOOD), str(RSA_BITS_MIN)),
    Lie("Core 3.1.3.7-9", "expired", lambda: RSA.sign(claims(exp=NOW_S - SKEW_S)), "expired"),
    Lie("Core 3.1.3.7-9", "no end", lambda: RSA.sign(claims(exp=None)), "when"),
    Lie("RFC 7519 4.1.4", "an end in words", lambda: RSA.sign(claims(exp="soon")), "no time"),
    Lie("RFC 7519 4.1.4", "an end that is true", lambda: RSA.sign(claims(exp=True)), "no time"),
    Lie("Core 3.1.3.7-10", "made long ago", lambda: RSA.sign(claims(iat=NOW_S - 3600)), "long ago"),
    Lie("RFC 7519 4.1.6", "made in the future", lambda: RSA.sign(claims(iat=NOW_S + 3600)), "future"),
    Lie("RFC 7519 4.1.5", "not good yet", lambda: RSA.sign(claims(nbf=NOW_S + 3600)), "future"),
    Lie("Core 3.1.3.7-10", "not said when made", lambda: RSA.sign(claims(iat=None)), "when"),
    Lie("Core 3.1.3.7-11", "another nonce", lambda: RSA.sign(claims(nonce="other")), "nonce"),
    Lie("Core 3.1.3.7-11", "no nonce", lambda: RSA.sign(claims(nonce=None)), "nonce"),
    Lie("Core 3.1.3.7-11", "a lone surrogate", lambda: RSA.sign(claims(nonce="\ud800", n=2**64)), "JWT"),
    Lie("Core 3.1.3.8", "another access token", lambda: RSA.sign(claims(at_hash="x")), "at_hash"),
    Lie("Core 2", "no subject", lambda: RSA.sign(claims(sub=None)), "sub"),
    Lie("Core 2", "an empty subject", lambda: RSA.sign(claims(sub="")), "sub"),
    Lie("Core 2", "a long subject", lambda: RSA.sign(claims(sub="x" * 256)), "sub"),
    Lie("Core 2", "a number as subject", lambda: RSA.sign(claims(sub=7)), "sub"),
    Lie("Back-Channel 2.4", "a logout token", lambda: RSA.sign(claims(events={BACK_CHANNEL: {}})), "logout"),
    Lie("RFC 7516 9", "five parts", lambda: "a.b.c.d.e", "no signed JWT"),
    Lie("RFC 7515 5.2", "no base64", lambda: "%.%.%", "no signed JWT"),
    Lie("RFC 7515 5.2", "a list as header", lambda: f"{part([])}.{part(GOOD)}.x", "no signed JWT"),
    Lie("RFC 7515 5.2", "nothing", lambda: "", "no signed JWT"),
    Lie("the hub's bound", "a long one", lambda: RSA.sign(claims(x="x" * 70_000)), "no signed JWT"),
)


@pytest.mark.parametrize("lie", LIES, ids=[f"{one.clause}: {one.what}" for one in LIES])
def test_a_lie_is_not_believed(lie: Lie) -> None:
    with pytest.raises(ProviderWrong) as error:
        check_id_token(lie.token(), KEYS, EXPECTED)
    assert lie.said in str(error.value)


def test_a_key_that_is_not_shown_is_told_apart_for_there_may_be_newer_ones() -> None:
    with pytest.raises(UnknownKey):
        check_id_token(OTHER.sign(GOOD), KEYS, EXPECTED)


def test_after_a_refresh_it_has_to_be_the_same_person_and_needs_no_nonce() -> None:
    again = Expected(ISSUER, CLIENT, NOW_S, subject="248289761001")
    assert check_id_token(RSA.sign(claims(nonce=None)), KEYS, again).subject == "248289761001"
    with pytest.raises(ProviderWrong, match="another person"):
        check_id_token(RSA.sign(claims(sub="other")), KEYS, again)


def test_a_new_proof_of_who_it_is_is_not_an_old_one() -> None:
    """Core 1.0, 3.1.3.7-13. A provider that does not say when it asked is believed."""
    anew = replace(EXPECTED, anew_from_s=NOW_S)
    for at_s in (NOW_S, None):
        assert check_id_token(RSA.sign(claims(auth_time=at_s)), KEYS, anew).proven_at_s == at_s
    assert check_id_token(RSA.sign(claims(auth_time=1)), KEYS, EXPECTED).proven_at_s == 1
    with pytest.raises(ProviderWrong, match="auth_time"):
        check_id_token(RSA.sign(claims(auth_time=NOW_S - 3600)), KEYS, anew)


@pytest.mark.parametrize("more", [{"use": "enc"}, {"alg": "RS512"}, {"kty": "oct", "k": "x"}, {"kid": "x"}])
def test_a_key_is_used_for_what_it_is_for_alone(more: dict[str, object]) -> None:
    with pytest.raises(UnknownKey):
        check_id_token(RSA.sign(GOOD), KeySet.read({"keys": [RSA.shown(**more)]}), EXPECTED)


@pytest.mark.parametrize("keys", [None, [], {}, {"keys": {}}, "keys", {"keys": "x"}])
def test_what_is_no_key_set_is_refused(keys: object) -> None:
    with pytest.raises(ProviderWrong):
        KeySet.read(keys)


def test_keys_that_cannot_be_read_are_passed_over() -> None:
    broken = [7, {}, {"kty": "RSA", "kid": "x"}, RSA.shown()]
    assert check_id_token(RSA.sign(GOOD), KeySet.read({"keys": broken}), EXPECTED)
    unreadable = KeySet.read({"keys": [{**RSA.shown(), "n": "!"}]})
    with pytest.raises(ProviderWrong):
        check_id_token(RSA.sign(GOOD), unreadable, EXPECTED)


OVER: dict[str, Any] = {
    "iss": ISSUER,
    "aud": CLIENT,
    "iat": NOW_S,
    "jti": "1",
    "sub": "248289761001",
    "events": {BACK_CHANNEL: {}},
}


@pytest.mark.parametrize("changed", [{}, {"sid": "s1"}, {"sub": None, "sid": "s1"}, {"exp": NOW_S + 60}])
def test_a_logout_token_says_who_has_left(changed: dict[str, object]) -> None:
    found = check_logout_token(RSA.sign(_over(**changed)), KEYS, ISSUER, CLIENT, NOW_S)
    assert (found.id, found.subject, found.session) == (
        "1",
        {**OVER, **changed}["sub"],
        changed.get("sid"),
    )


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "https://evil.example"},
        {"aud": "other"},
        {"iat": None},
        {"iat": NOW_S - 3600},
        {"exp": NOW_S - 3600},
        {"events": None},
        {"events": {}},
        {"events": BACK_CHANNEL},
        {"nonce": "x"},
        {"jti": None},
        {"sub": None},
    ],
)
def test_a_logout_token_that_is_not_right_ends_nothing(changed: dict[str, object]) -> None:
    """Back-Channel Logout 1.0, 2.6."""
    with pytest.raises(ProviderWrong):
        check_logout_token(RSA.sign(_over(**changed)), KEYS, ISSUER, CLIENT, NOW_S)


def _over(**changed: object) -> dict[str, Any]:
    return {name: value for name, value in {**OVER, **changed}.items() if value is not None}

"""Log ins under way, what is kept of a session, and what a browser is sent with."""

from dataclasses import replace
from itertools import count
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.people.oidc.attempts import ATTEMPTS_MAX, LASTS_S, PER_ADDRESS_MAX, Attempts
from hub.people.oidc.faults import NotBegunHere
from hub.people.oidc.messages import with_query
from hub.people.oidc.sealing import seal, unseal

BACK = "https://hub.example.org/login/oidc/company/callback"


class Time:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def attempts(time: Time) -> Attempts:
    numbers = count()
    return Attempts(time, lambda: f"text {next(numbers)}")


def test_one_is_taken_once_by_the_browser_and_for_the_provider_it_began_with(attempts: Attempts) -> None:
    state, begun = attempts.begin("company", "browser", BACK, "10.0.0.7")
    assert attempts.take(state, "company", "browser") == begun
    for provider, browser in (("company", "browser"), ("other", "browser"), ("company", "other")):
        with pytest.raises(NotBegunHere):
            attempts.take(state, provider, browser)
        state, _ = attempts.begin("company", "browser", BACK, "10.0.0.7")
    for wrong in ("", "\ud800", "x" * 4_096):
        with pytest.raises(NotBegunHere):
            attempts.take(wrong, "company", wrong)


def test_the_challenge_is_that_of_the_standard(attempts: Attempts) -> None:
    """RFC 7636, appendix B."""
    _, begun = attempts.begin("company", "browser", BACK, "10.0.0.7")
    begun = replace(begun, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert begun.challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert "dBjft" not in repr(begun)


def test_they_last_a_while(attempts: Attempts, time: Time) -> None:
    kept, _ = attempts.begin("company", "browser", BACK, "10.0.0.7")
    time.now_s += LASTS_S
    with pytest.raises(NotBegunHere):
        attempts.take(kept, "company", "browser")
    for _ in range(10):
        attempts.begin("company", "browser", BACK, "10.0.0.7")
    time.now_s += LASTS_S
    attempts.begin("company", "browser", BACK, "10.0.0.7")
    assert len(attempts) == 1  # what is over takes no memory


def test_one_address_pushes_out_its_own_alone(attempts: Attempts) -> None:
    mine, _ = attempts.begin("company", "browser", BACK, "10.0.0.7")
    theirs = [attempts.begin("company", "b", BACK, "10.0.0.66")[0] for _ in range(PER_ADDRESS_MAX + 100)]
    assert len(attempts) == PER_ADDRESS_MAX + 1
    assert attempts.take(mine, "company", "browser")
    assert attempts.take(theirs[-1], "company", "b")
    with pytest.raises(NotBegunHere):
        attempts.take(theirs[0], "company", "b")


def test_many_addresses_take_bounded_memory(attempts: Attempts) -> None:
    for number in range(ATTEMPTS_MAX + 500):
        attempts.begin("company", "browser", BACK, f"10.0.{number // 250}.{number % 250}")
    assert len(attempts) == ATTEMPTS_MAX
    assert len(attempts._addresses) == ATTEMPTS_MAX


@given(secret=st.text(min_size=1), text=st.text(), at=st.integers(0, 10_000))
def test_what_is_sealed_opens_by_its_secret_alone(secret: str, text: str, at: int) -> None:
    secret = secret.encode(errors="replace").decode()
    text = text.encode(errors="replace").decode()
    sealed = seal(secret, text, lambda length: bytes(range(length)))
    assert unseal(secret, sealed) == text
    assert unseal(secret + "x", sealed) is None
    place = at % len(sealed)
    assert unseal(secret, sealed[:place] + bytes([sealed[place] ^ 1]) + sealed[place + 1 :]) is None
    assert unseal(secret, sealed[:place]) is None


@pytest.mark.parametrize("url", ["https://h/authorize", "https://h/authorize?tenant=a%20b"])
def test_an_address_keeps_the_query_that_it_has(url: str) -> None:
    """RFC 6749, 3.1."""
    asked = with_query(url, {"scope": "openid profile", "state": "a&b=c"})
    found = parse_qs(urlsplit(asked).query)
    assert found == {
        **parse_qs(urlsplit(url).query),
        "scope": ["openid profile"],
        "state": ["a&b=c"],
    }

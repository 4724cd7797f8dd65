"""API keys: their shape, and what is kept of them."""

import contextlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.errors import Unreadable
from hub.model import key as keys


@given(st.randoms(use_true_random=False))
def test_a_made_key_is_read_back_and_only_its_digest_matches(chance: random.Random) -> None:
    key, other = keys.make(chance.choice), keys.make(random.Random(1).choice)
    assert keys.parse(str(key)) == key
    kept = keys.digest(key.secret)
    assert len(kept) == 32
    assert keys.matches(key.secret, kept)
    assert not keys.matches(other.secret, kept)
    assert key.secret not in repr(key)


GOOD = "hk_abcdefghij12_" + "A1" * 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hk_",
        GOOD[:-1],
        GOOD + "x",
        GOOD + "\n",
        " " + GOOD,
        GOOD.upper(),
        GOOD.replace("_", "-"),
        "\ud800",
    ],
)
def test_any_other_text_is_unreadable_and_not_repeated(text: str) -> None:
    assert str(keys.parse(GOOD)) == GOOD
    with pytest.raises(Unreadable) as error:
        keys.parse(text)
    assert str(error.value) == "not an API key: a key looks like hk_<key id>_<secret>"


@given(st.text(max_size=70))
def test_random_text_is_a_key_or_unreadable(text: str) -> None:
    with contextlib.suppress(Unreadable):
        assert str(keys.parse(text)) == text

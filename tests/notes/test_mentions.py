"""Whom a text mentions."""

import pytest

from hub.notes.mentions import MENTIONS_MAX, PLACES_MAX, mentions

PEOPLE = {"ada", "Ada Lovelace", "ada@hub.org", "bob", "Zoë", "o'neil", "j.r."}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("ada", []),
        ("@", []),
        ("@ada", ["ada"]),
        ("@ada, look", ["ada"]),
        ("(@ada)", ["ada"]),
        ("@bob: and @ada, and @bob again", ["bob", "ada"]),
        ("@adam", []),
        ("@ad", []),
        ("@Ada", []),  # names are what they are
        ("@Ada Lovelace said", ["Ada Lovelace"]),  # the longest
        ("@ada@hub.org", ["ada@hub.org"]),
        ("mail ada@bob", []),  # an address
        ("@@ada", ["ada"]),
        ("@Zoë!", ["Zoë"]),
        ("@o'neil's", ["o'neil"]),
        ("@j.r. came", ["j.r."]),
        ("line\n@ada\n@bob", ["ada", "bob"]),
    ],
)
def test_a_mention_is_a_name_behind_an_at_sign_as_a_word_of_its_own(text: str, found: list[str]) -> None:
    assert mentions(text, PEOPLE.__contains__) == found


def test_a_text_mentions_a_bounded_number_of_people_and_looks_for_them_at_a_bounded_number_of_places() -> (
    None
):
    many = [f"person {number}" for number in range(MENTIONS_MAX + 5)]
    assert mentions(" ".join(f"@{name}," for name in many), set(many).__contains__) == many[:MENTIONS_MAX]
    asked: list[str] = []
    text = "@ " * PLACES_MAX + "@ada"

    def is_somebody(name: str) -> bool:
        asked.append(name)
        return False

    assert mentions(text, is_somebody) == []
    assert "ada" not in asked

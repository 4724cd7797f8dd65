from collections.abc import Callable, Iterator

from hub.people.names import NAME_MAX

MENTIONS_MAX = 20  # people whom one text notifies
PLACES_MAX = 100  # where a text has an @ that is looked at


def mentions(text: str, is_somebody: Callable[[str], bool]) -> list[str]:
    """Whom a text names: "@ada", and "@Ada Lovelace" where somebody is called so. The longest name counts.

    No address of mail mentions anybody: what precedes the @ is no letter and no digit.
    """
    found: dict[str, None] = {}
    for place in _places(text):
        if len(found) >= MENTIONS_MAX:
            break
        for end in range(min(len(text), place + NAME_MAX), place, -1):
            if _is_end(text, end) and is_somebody(text[place:end]):
                found[text[place:end]] = None
                break
    return list(found)


def _places(text: str) -> Iterator[int]:
    """Behind each @ that may begin a mention."""
    place = text.find("@")
    for _ in range(PLACES_MAX):
        if place < 0:
            return
        if place == 0 or not text[place - 1].isalnum():
            yield place + 1
        place = text.find("@", place + 1)


def _is_end(text: str, end: int) -> bool:
    """Whether a name can end here: it is not cut within a word."""
    return end == len(text) or not (text[end - 1].isalnum() and text[end].isalnum())

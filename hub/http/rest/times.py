"""Times between the wire and the inside, where they are µs UTC."""

from datetime import UTC, datetime

from hub.errors import Invalid
from hub.formats.json import MS_MAX, MS_MIN

MS_LIKELY = 10_000_000_000_000  # in 2286
_OTHER_UNITS = {"seconds": 1e3, "microseconds": 1e-3, "nanoseconds": 1e-6}


def rfc3339(time: int) -> str:
    """A time for people: 2026-03-01T12:00:00.000Z."""
    at = datetime.fromtimestamp(time / 1e6, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_time(text: str, name: str) -> int:
    """A parameter that is RFC 3339, or milliseconds UTC. Raises Invalid, naming the parameter.

    Seconds taken for milliseconds would be a day in 1970, where nothing is. Such a number is refused; 0, the
    beginning, is not.
    """
    try:
        milliseconds = float(text)
    except ValueError:
        return _read_rfc3339(text, name)
    if milliseconds != 0 and not MS_MIN <= milliseconds <= MS_MAX:
        raise Invalid(
            f"{name}: milliseconds since 1970 are wanted, got {text[:40]}{_guess(milliseconds)}", name
        )
    return round(milliseconds * 1000)


def _guess(number: float) -> str:
    """Which other unit a number looks like."""
    for unit, in_ms in _OTHER_UNITS.items():
        if MS_MIN <= number * in_ms <= MS_LIKELY:
            return f", which looks like {unit}"
    return ""


def _read_rfc3339(text: str, name: str) -> int:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise Invalid(
            f"{name}: wanted is 2026-03-01T12:00:00Z or milliseconds since 1970, got {text[:40]!r}"
            " (a + in a URL is written %2B)",
            name,
        )
    return round(at.timestamp() * 1e6)

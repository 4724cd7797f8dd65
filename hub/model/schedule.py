"""When a rule may open alerts: days of the week and hours, by the clocks of a place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hub.errors import Invalid

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOK_AHEAD_DAYS = 9  # every week has each day, and a night that began the day before
_FIELDS = ("timezone", "days", "from", "to")


@dataclass(frozen=True, slots=True)
class Schedule:
    """On `days` from `begin` to `end`, in minutes of the day; an end that is not after the beginning is on
    the next day, and the night belongs to the day on which it began.

    An hour that a place's clocks skip or repeat is what those clocks say: from 22:00 to 06:00 there are seven
    hours in the night when summer begins, and nine when it ends.
    """

    timezone: str
    days: frozenset[int] = frozenset(range(7))  # 0 is Monday
    begin: int = 0
    end: int = 0

    def opens_at(self, at: int) -> int:
        """The first time from `at` on (µs, UTC) that is in the schedule: `at` itself, if it is."""
        for start, end in self.spans(at):
            if at < end:
                return max(at, start)
        raise AssertionError("a schedule has a day of the week at least")

    def spans(self, at: int) -> Iterator[tuple[int, int]]:
        """The spans (µs, UTC) from the day before `at` on, for a week and a little."""
        zone = ZoneInfo(self.timezone)
        today = datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).date()
        for ahead in range(-1, LOOK_AHEAD_DAYS):
            day = today + timedelta(days=ahead)
            if day.weekday() in self.days:
                last = day if self.end > self.begin else day + timedelta(days=1)
                yield _utc(day, self.begin, zone), _utc(last, self.end, zone)

    def written(self) -> dict[str, object]:
        """As the wire has it."""
        return {
            "timezone": self.timezone,
            "days": [DAYS[day] for day in sorted(self.days)],
            "from": _clock_text(self.begin),
            "to": _clock_text(self.end),
        }


def read_schedule(told: object, where: str = "schedule") -> Schedule:
    """A schedule from the wire. Raises Invalid, naming the field."""
    if not isinstance(told, Mapping):
        raise Invalid(f"{where}: an object is wanted", where)
    for name in told:
        if name not in _FIELDS:
            raise Invalid(f"{where}.{name}: known here are {', '.join(_FIELDS)}", f"{where}.{name}")
    zone = told.get("timezone", "UTC")
    try:
        ZoneInfo(zone if isinstance(zone, str) and zone else "?")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid(
            f"{where}.timezone: not one that this system knows, such as Europe/Berlin: {str(zone)[:60]!r}",
            f"{where}.timezone",
        ) from None
    days = told.get("days", DAYS)
    if not isinstance(days, list | tuple) or not days or not all(day in DAYS for day in days):
        raise Invalid(f"{where}.days: some of {', '.join(DAYS)} are wanted", f"{where}.days")
    begin, end = (_minutes(told.get(name, "00:00"), f"{where}.{name}") for name in ("from", "to"))
    return Schedule(str(zone), frozenset(DAYS.index(day) for day in days), begin, end)


def _minutes(told: object, where: str) -> int:
    hours, colon, minutes = told.partition(":") if isinstance(told, str) else ("", "", "")
    if colon and hours.isdecimal() and minutes.isdecimal() and len(hours) <= 2 and len(minutes) == 2:
        found = int(hours) * 60 + int(minutes)
        if int(minutes) < 60 and found <= 24 * 60:
            return found % (24 * 60)
    raise Invalid(f"{where}: 00:00 to 24:00 is wanted, got {str(told)[:20]!r}", where)


def _clock_text(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _utc(day: date, minutes: int, zone: ZoneInfo) -> int:
    """A time of a place's clocks as µs UTC; one that they skip is as much later."""
    local = datetime.combine(day, time(minutes // 60, minutes % 60), zone)
    return round(local.timestamp() * 1e6)

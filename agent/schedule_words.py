"""What a person writes into Schedule, understood: cron with five fields, or plain words, with a time zone or without.

Pure: words and instants in, instants out. Cron fields are evaluated by APScheduler; what differs there from
cron as everybody knows it (Sunday is 0, a day of the month *or* of the week when both are given, once on the night the
clocks go back, nothing lost on the night they go forward) is put right here. Called by ``agent.schedules``; it reads no
row and no clock.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from apscheduler.triggers.cron import CronTrigger  # type: ignore[import-untyped] # it ships no types

EXAMPLES = (
    "“daily at 07:00”, “every 6 hours”, “mondays at 18:30 Europe/Berlin”, “monthly on the 1st at 09:00”,"
    " or cron with five fields: “0 7 * * 1 Europe/Berlin”"
)
_DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_CRON_FIELDS = 5
_UNITS = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_ALSO = {"weekly": "every week", "monthly": "monthly on the 1st"}
_LONGEST_S = 366 * 86_400
_WINDOWS = tuple(timedelta(seconds=seconds) for seconds in (3600, 86_400, 31 * 86_400, 366 * 86_400))
_NOON, _HALF_DAY = 12, 12

_CLOCK = re.compile(r"(?P<hour>\d{1,2})(?:[:.](?P<minute>\d{2}))?\s*(?P<half>[ap]\.?m\.?)?")
_EVERY = re.compile(
    r"every\s+(?:(?P<count>\d+|other\b|second\b)\s*)?(?P<unit>m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?|w(?:eeks?)?)"
)
_MONTHLY = re.compile(
    r"(?:monthly|every month)(?:\s+on)?(?:\s+the)?\s+(?:(?P<day>\d{1,2})(?:st|nd|rd|th)?|last(?:\s+day)?)"
)
_PAST_HOUR = re.compile(r"(?:hourly|every hour)\s+at\s+:(?P<minute>[0-5]\d)")
_DAY_LIST = re.compile(
    r"(?:every\s+|weekly\s+on\s+|on\s+)?(?P<days>[a-z]+(?:(?:\s*,\s*|\s+and\s+|\s+)[a-z]+)*)"
)
_DAY_GROUPS = {
    "daily": _DAYS,
    "weekdays": _DAYS[1:6],
    "weekday": _DAYS[1:6],
    "weekends": ("sat", "sun"),
    "weekend": ("sat", "sun"),
    **{
        name: (day,)
        for day, full in zip(
            _DAYS,
            ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"),
            strict=True,
        )
        for name in (day, full, f"{full}s")
    },
}


class ScheduleError(ValueError):
    """The words mean no schedule. The text says so to the row's owner, with examples."""

    def __init__(self, words: str, why: str = "") -> None:
        reason = f": {why}" if why else ""
        super().__init__(
            f"Segue does not understand the Schedule “{words}”{reason}. Write for example {EXAMPLES}."
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule that was understood."""

    words: str
    """As the person wrote it."""
    zone: tzinfo
    """Where its wall-clock times are meant."""
    _next: Callable[[datetime], datetime | None]

    def next_after(self, moment: datetime) -> datetime | None:
        """The first time after ``moment``, in UTC; None when no further time comes."""
        # Not in `zone`: within one zone Python compares what the wall shows, and an hour that comes twice is one.
        return self._next(moment.astimezone(UTC))

    def latest(self, since: datetime, until: datetime) -> datetime | None:
        """The last time from ``since`` up to ``until``, both included; None when there is none.

        However many times were missed in between, about as few are computed as a wider and wider look back needs.
        """
        for window in (*_WINDOWS, None):
            start = since if window is None else max(since, until - window)
            last = None
            for last in self._between(start - timedelta(microseconds=1), until):  # noqa: B007 - the last one counts
                pass
            if last is not None or start <= since:
                return last
        return None

    def is_time(self, moment: datetime) -> bool:
        """Whether it falls due in just this minute."""
        minute = moment.astimezone(UTC).replace(second=0, microsecond=0)
        found = self.next_after(minute - timedelta(microseconds=1))
        return found is not None and found < minute + timedelta(minutes=1)

    def _between(self, after: datetime, until: datetime) -> Iterator[datetime]:
        moment = self.next_after(after)
        while moment is not None and moment <= until:
            yield moment
            moment = self.next_after(moment)


def parse(words: str, *, zone: tzinfo, anchor: datetime) -> Schedule:
    """Understands the words of a Schedule cell.

    Args:
        words: what the cell says.
        zone: where wall-clock times are meant when the words name no zone.
        anchor: from when “every 6 hours” and “every 2 days” are counted: the same instant for every worker, such as the
            row's creation.

    Raises:
        ScheduleError: they mean no schedule, or one whose time never comes.
    """
    text = " ".join(words.split())
    rest, named = _split_zone(text)
    place = named or zone
    anchor = anchor.astimezone(UTC).replace(second=0, microsecond=0)
    try:
        following = _cron(rest, place) or _words(rest.casefold(), place, anchor)
    except ValueError as error:
        raise ScheduleError(text, str(error).rstrip(".")) from None
    if following is None:
        raise ScheduleError(text)
    schedule = Schedule(text, place, following)
    if schedule.next_after(anchor) is None:
        raise ScheduleError(text, "its time never comes")
    return schedule


# Time zones ----------------------------------------------------------------------------------------------------------


@cache
def _zones() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones()}


def _split_zone(text: str) -> tuple[str, tzinfo | None]:
    """The words without the time zone at their end, and that zone; a misspelt one is refused by name."""
    rest, _, last = text.rpartition(" ")
    name = last.strip("()")
    if known := _zones().get(name.casefold()):
        return rest.removesuffix(" in"), ZoneInfo(known)
    if re.fullmatch(r"[A-Za-z_]+(?:/[A-Za-z_+-]+\d*)+", name):
        raise ScheduleError(text, f"“{name}” is no time zone")
    return text, None


# Cron ----------------------------------------------------------------------------------------------------------------


def _cron(text: str, zone: tzinfo) -> Callable[[datetime], datetime | None] | None:
    fields = _MACROS.get(text.casefold(), text).split()
    if len(fields) != _CRON_FIELDS or not re.match(r"[\d*]", fields[0]):
        return None
    return _cron_times(*fields, zone=zone)


def _cron_times(
    minute: str, hour: str, day: str, month: str, weekday: str, *, zone: tzinfo
) -> Callable[[datetime], datetime | None]:
    weekdays = _weekdays(weekday)
    days = [(day, weekdays)]
    if not day.startswith("*") and not weekday.startswith("*"):
        days = [(day, "*"), ("*", weekdays)]
    triggers = [
        CronTrigger(minute=minute, hour=hour, day=on, month=month, day_of_week=of_week, timezone=UTC)
        for on, of_week in days
    ]

    def wall_times(after: datetime) -> Iterator[datetime]:
        while found := [when for trigger in triggers if (when := trigger.get_next_fire_time(None, after))]:
            yield min(found)
            after = min(found) + timedelta(microseconds=1)

    return lambda moment: _next_on_the_wall(wall_times, moment, zone, repeats=hour == "*")


def _next_on_the_wall(
    wall_times: Callable[[datetime], Iterator[datetime]], moment: datetime, zone: tzinfo, *, repeats: bool
) -> datetime | None:
    """The first instant after ``moment`` at which the clock on the wall shows one of ``wall_times``.

    Wall-clock times are reckoned as if they were UTC and only then looked for in the zone: reckoned in the zone, the
    library loses the first of April when the clocks change in March. An hour that the clocks skip becomes the one after
    it. An hour that comes twice is meant once, the first time, unless ``repeats``: what runs every hour runs in both.
    """
    wall = moment.astimezone(zone).replace(tzinfo=UTC, fold=0)
    found: list[datetime] = []
    stop: datetime | None = None
    for shown in wall_times(wall - _shift(moment, zone) + timedelta(microseconds=1)):
        if stop is not None and shown > stop:
            break
        instants = [shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in range(1 + repeats)]
        found += [instant for instant in instants if instant > moment]
        if found and stop is None:
            # Near a change of the clocks a later time on the wall may be the earlier instant.
            stop = shown + _shift(found[0], zone)
    return min(found, default=None)


def _shift(moment: datetime, zone: tzinfo) -> timedelta:
    """By how much the clocks change around ``moment``; mostly by nothing."""
    before, after = (
        (moment + timedelta(days=days)).astimezone(zone).utcoffset() or timedelta() for days in (-1, 1)
    )
    return abs(after - before)


def _weekdays(field: str) -> str:
    """A cron weekday field as names, for a library that counts from Monday: 0 and 7 are Sunday."""
    chosen: list[str] = []
    for part in field.casefold().split(","):
        span, _, step = part.partition("/")
        if step and not (step.isdigit() and int(step)):
            raise ValueError(f"“{field}” is no list of weekdays")
        first, dash, last = ("0", "-", "6") if span == "*" else span.partition("-")
        begin = _weekday(first, field)
        end = _weekday(last, field) if dash else begin
        span_days = (end - begin) % 7 if end != begin or not dash or last != "7" else 7
        chosen += [_DAYS[(begin + n) % 7] for n in range(0, span_days + 1, int(step or 1))]
    return ",".join(dict.fromkeys(chosen))


def _weekday(text: str, field: str) -> int:
    if text in _DAYS:
        return _DAYS.index(text)
    if text.isdigit() and int(text) <= len(_DAYS):
        return int(text) % 7
    raise ValueError(f"“{field}” is no list of weekdays")


# Plain words ---------------------------------------------------------------------------------------------------------


def _words(text: str, zone: tzinfo, anchor: datetime) -> Callable[[datetime], datetime | None] | None:
    if match := _PAST_HOUR.fullmatch(text):
        return _cron_times(str(int(match["minute"])), "*", "*", "*", "*", zone=zone)
    if text in {"hourly", "every hour"}:
        return _cron_times("0", "*", "*", "*", "*", zone=zone)
    when, at = _split_clock(text)
    when = _ALSO.get(when, when)
    minute, hour = (str(at.minute), str(at.hour)) if at else ("0", "0")
    if match := _MONTHLY.fullmatch(when):
        return _cron_times(minute, hour, match["day"] or "last", "*", "*", zone=zone)
    if when in {"", "every day"} and at:
        when = "daily"
    if match := _EVERY.fullmatch(when):
        return _every(match, at, zone, anchor)
    if days := _day_names(when):
        return _cron_times(minute, hour, "*", "*", days, zone=zone)
    return None


def _split_clock(text: str) -> tuple[str, time | None]:
    """The words without “at 07:00” at their end, and that time; “at” may be left out after a day."""
    match = re.fullmatch(rf"(?P<when>.*?)\s*(?P<at>\bat\s+)?{_CLOCK.pattern}", text)
    if not match or not (match["at"] or match["minute"] or match["half"]):
        return text, None
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"]:
        if not 1 <= hour <= _NOON:
            raise ValueError(f"“{hour}” is no hour of a half day")
        hour = hour % _HALF_DAY + (_HALF_DAY if match["half"].startswith("p") else 0)
    return match["when"], time(hour, minute)


def _day_names(text: str) -> str | None:
    match = _DAY_LIST.fullmatch(text)
    if not match:
        return None
    names = [name for name in re.split(r"[\s,]+", match["days"]) if name != "and"]
    if not all(name in _DAY_GROUPS for name in names):
        return None
    return ",".join(dict.fromkeys(day for name in names for day in _DAY_GROUPS[name]))


def _every(
    match: re.Match[str], at: time | None, zone: tzinfo, anchor: datetime
) -> Callable[[datetime], datetime | None]:
    """“every 6 hours” counts elapsed time; “every 2 days” keeps its time of day when the clocks change."""
    count = 2 if match["count"] in {"other", "second"} else int(match["count"] or 1)
    seconds = count * _UNITS[match["unit"][0]]
    if not 0 < seconds <= _LONGEST_S:
        raise ValueError("it must come between once a minute and once a year")
    days = seconds // _UNITS["d"]
    if match["unit"][0] in "dw":
        local = anchor.astimezone(zone)
        return _calendar(days, local.replace(hour=at.hour, minute=at.minute) if at else local, zone)
    if at:
        raise ValueError("a time of day goes with days and weeks")

    def following(moment: datetime) -> datetime:
        passed = (moment - anchor).total_seconds()
        return anchor + timedelta(seconds=(passed // seconds + 1) * seconds)

    return following


def _calendar(days: int, first: datetime, zone: tzinfo) -> Callable[[datetime], datetime | None]:
    def at(number: int) -> datetime:
        # Reckoned in wall-clock time; an hour that the clocks skip becomes the one after it.
        naive = first.replace(tzinfo=None, fold=0) + timedelta(days=number * days)
        return naive.replace(tzinfo=zone).astimezone(UTC)

    def following(moment: datetime) -> datetime:
        passed = moment.astimezone(zone).date() - first.date()
        number = passed.days // days - 1
        while at(number) <= moment:
            number += 1
        return at(number)

    return following

"""Schedules in words and in cron: what people write, across changes of the clocks, against a reckoning of our own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent import schedule_words
from agent.schedule_words import Schedule, ScheduleError

BERLIN = ZoneInfo("Europe/Berlin")
ANCHOR = datetime(2026, 1, 5, 9, 17, tzinfo=UTC)
"""A Monday, 10:17 in Berlin."""


def _parse(words: str) -> Schedule:
    return schedule_words.parse(words, zone=BERLIN, anchor=ANCHOR)


def _times(words: str, count: int, after: datetime = ANCHOR) -> list[str]:
    schedule = _parse(words)
    found = []
    for _ in range(count):
        following = schedule.next_after(after)
        assert following is not None
        assert following > after
        found.append(f"{following.astimezone(schedule.zone):%a %d.%m. %H:%M %z}")
        after = following
    return found


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        ("0 7 * * 1 Europe/Berlin", "Mon 12.01. 07:00 +0100", "Mon 19.01. 07:00 +0100"),
        ("0 7 * * 0", "Sun 11.01. 07:00 +0100", "Sun 18.01. 07:00 +0100"),
        ("0 7 * * 7", "Sun 11.01. 07:00 +0100", "Sun 18.01. 07:00 +0100"),
        ("0 9 * * 5-7", "Fri 09.01. 09:00 +0100", "Sat 10.01. 09:00 +0100"),
        ("0 0 13 * 5", "Fri 09.01. 00:00 +0100", "Tue 13.01. 00:00 +0100"),
        ("*/15 * * * *", "Mon 05.01. 10:30 +0100", "Mon 05.01. 10:45 +0100"),
        ("0 7 * * * America/New_York", "Mon 05.01. 07:00 -0500", "Tue 06.01. 07:00 -0500"),
        ("@daily", "Tue 06.01. 00:00 +0100", "Wed 07.01. 00:00 +0100"),
        ("every 6 hours", "Mon 05.01. 16:17 +0100", "Mon 05.01. 22:17 +0100"),
        ("Every 30 min", "Mon 05.01. 10:47 +0100", "Mon 05.01. 11:17 +0100"),
        ("every 2 days at 07:00", "Wed 07.01. 07:00 +0100", "Fri 09.01. 07:00 +0100"),
        ("every other week", "Mon 19.01. 10:17 +0100", "Mon 02.02. 10:17 +0100"),
        ("daily at 07:00", "Tue 06.01. 07:00 +0100", "Wed 07.01. 07:00 +0100"),
        ("every day at 7pm utc", "Mon 05.01. 19:00 +0000", "Tue 06.01. 19:00 +0000"),
        ("at 12 am", "Tue 06.01. 00:00 +0100", "Wed 07.01. 00:00 +0100"),
        ("hourly", "Mon 05.01. 11:00 +0100", "Mon 05.01. 12:00 +0100"),
        ("hourly at :15", "Mon 05.01. 11:15 +0100", "Mon 05.01. 12:15 +0100"),
        ("weekdays at 7.30", "Tue 06.01. 07:30 +0100", "Wed 07.01. 07:30 +0100"),
        ("mondays at 18:30 Europe/Berlin", "Mon 05.01. 18:30 +0100", "Mon 12.01. 18:30 +0100"),
        ("every mon, wed and fri 18:30", "Mon 05.01. 18:30 +0100", "Wed 07.01. 18:30 +0100"),
        ("monthly on the 1st at 09:00", "Sun 01.02. 09:00 +0100", "Sun 01.03. 09:00 +0100"),
        ("every month on the last day at 9:00", "Sat 31.01. 09:00 +0100", "Sat 28.02. 09:00 +0100"),
    ],
)
def test_what_people_write_is_understood(words: str, first: str, second: str) -> None:
    """Cron counts Sunday as 0 and joins day and weekday by *or*; words are read whatever their case."""
    assert _times(words, 2) == [first, second]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("fortnightly", "does not understand the Schedule “fortnightly”. Write for example “daily at 07:00”"),
        ("daily at 25:00", "hour must be in 0..23"),
        ("99 * * * *", "99"),
        ("0 7 * * 8", "“8” is no list of weekdays"),
        ("0 7 * * 1/0", "“1/0” is no list of weekdays"),
        ("0 0 30 2 *", "its time never comes"),
        ("daily at 07:00 Europe/Berln", "“Europe/Berln” is no time zone"),
        ("every 0 minutes", "between once a minute and once a year"),
        ("every 3 hours at 07:00", "a time of day goes with days and weeks"),
        ("* * * * * *", "0 7 * * 1 Europe/Berlin"),
        ("", "daily at 07:00"),
        ("rm -rf /", "daily at 07:00"),
    ],
)
def test_what_is_no_schedule_is_refused_with_examples(words: str, says: str) -> None:
    """The sentence names the words and the reason, and always shows how it is written."""
    with pytest.raises(ScheduleError) as refused:
        _parse(words)
    assert says in str(refused.value)
    assert "Write for example" in str(refused.value)


def test_a_time_that_the_clocks_skip_comes_an_hour_later_and_not_twice() -> None:
    """29 March 2026: 02:30 does not exist in Berlin; every minute goes on without a gap."""
    before = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert _times("30 2 * * *", 2, before) == ["Sun 29.03. 03:30 +0200", "Mon 30.03. 02:30 +0200"]
    assert _times("0 * * * *", 3, datetime(2026, 3, 29, 0, 30, tzinfo=UTC)) == [
        "Sun 29.03. 03:00 +0200",
        "Sun 29.03. 04:00 +0200",
        "Sun 29.03. 05:00 +0200",
    ]
    assert _times("@monthly", 2, before) == ["Wed 01.04. 00:00 +0200", "Fri 01.05. 00:00 +0200"]


def test_a_time_that_comes_twice_is_meant_once() -> None:
    """25 October 2026: 02:30 comes twice in Berlin; a daily row runs at the first, an hourly one in both hours."""
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)
    assert _times("30 2 * * *", 2, before) == ["Sun 25.10. 02:30 +0200", "Mon 26.10. 02:30 +0100"]
    assert _times("0 * * * *", 3, before) == [
        "Sun 25.10. 02:00 +0200",
        "Sun 25.10. 02:00 +0100",
        "Sun 25.10. 03:00 +0100",
    ]


def test_days_keep_their_time_and_hours_their_length_over_a_change_of_the_clocks() -> None:
    """“every 2 days at 07:00” stays at seven; “every 12 hours” stays twelve hours."""
    before = datetime(2026, 3, 27, 12, tzinfo=UTC)
    assert _times("every 2 days at 07:00", 2, before) == ["Sat 28.03. 07:00 +0100", "Mon 30.03. 07:00 +0200"]
    schedule = _parse("every 12 hours")
    moment = schedule.next_after(before)
    for _ in range(4):
        assert moment is not None
        following = schedule.next_after(moment)
        assert following is not None
        assert following.astimezone(UTC) - moment.astimezone(UTC) == timedelta(hours=12)
        moment = following


@pytest.mark.parametrize("words", ["* * * * *", "every minute", "0 0 1 1 *", "every 6 hours", "30 2 * * *"])
@settings(max_examples=25)
@given(gone=st.integers(0, 800 * 24 * 60))
def test_however_long_the_worker_was_away_the_last_missed_time_is_found(words: str, gone: int) -> None:
    """It lies not after now, and no further time lies between it and now."""
    schedule = _parse(words)
    now = ANCHOR + timedelta(minutes=gone)
    last = schedule.latest(ANCHOR, now)
    if last is None:
        first = schedule.next_after(ANCHOR - timedelta(minutes=1))
        assert first is not None
        assert first > now
    else:
        following = schedule.next_after(last)
        assert following is not None
        assert last <= now < following
        assert schedule.is_time(last)


def _field(low: int, high: int) -> st.SearchStrategy[tuple[str, frozenset[int]]]:
    """A cron field and the values it means."""
    values = st.integers(low, high)
    return st.one_of(
        st.just(("*", frozenset(range(low, high + 1)))),
        values.map(lambda one: (str(one), frozenset({one}))),
        st.lists(values, min_size=1, max_size=3).map(
            lambda some: (",".join(map(str, some)), frozenset(some))
        ),
        st.tuples(values, values).map(
            lambda ends: (f"{min(ends)}-{max(ends)}", frozenset(range(min(ends), max(ends) + 1)))
        ),
        st.integers(2, max(2, (high - low) // 2)).map(
            lambda step: (f"*/{step}", frozenset(range(low, high + 1, step)))
        ),
    )


def _reckoned(
    fields: tuple[tuple[str, frozenset[int]], ...], after: datetime, zone: ZoneInfo
) -> Iterator[datetime]:
    """Cron by looking at the clock on the wall every minute, for three days."""
    (_, minutes), (hour, hours), (day, days), (_, months), (weekday, weekdays) = fields
    shown: set[datetime] = set()
    due: set[datetime] = set()
    # Six hours before, so that what was shown once already is known.
    start = after - timedelta(hours=6)
    for minute in range(6 * 60 + 3 * 24 * 60):
        instant = start + timedelta(minutes=minute)
        wall = instant.astimezone(zone).replace(tzinfo=None, fold=0)
        skipped = (
            instant.astimezone(zone).utcoffset() - (instant - timedelta(hours=1)).astimezone(zone).utcoffset()
        )  # type: ignore[operator] # zones have offsets
        for candidate in {wall, wall - max(skipped, timedelta())}:
            on_day = candidate.day in days, (candidate.isoweekday() % 7) in weekdays
            right_day = all(on_day) if day.startswith("*") or weekday.startswith("*") else any(on_day)
            told = candidate.hour in hours and candidate.minute in minutes and candidate.month in months
            exists = candidate == wall or candidate.replace(tzinfo=zone).astimezone(UTC) == instant
            if told and right_day and exists and (hour == "*" or candidate not in shown):
                due.add(instant)
        shown.add(wall)
    yield from sorted(instant for instant in due if instant > after)


@settings(max_examples=25)
@given(
    fields=st.tuples(_field(0, 59), _field(0, 23), _field(1, 31), _field(1, 12), _field(0, 6)),
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "UTC", "Asia/Kolkata"]),
    day=st.sampled_from(
        [(2026, 3, 7), (2026, 3, 28), (2026, 4, 4), (2026, 10, 3), (2026, 10, 24), (2026, 10, 31)]
    ),
)
@example(
    fields=(
        ("*/30", frozenset({0, 30})),
        ("2-3", frozenset({2, 3})),
        ("*", frozenset(range(1, 32))),
        ("*", frozenset(range(1, 13))),
        ("*", frozenset(range(7))),
    ),
    zone="Europe/Berlin",
    day=(2026, 3, 28),
)
def test_cron_agrees_with_the_clock_on_the_wall(
    fields: tuple[tuple[str, frozenset[int]], ...], zone: str, day: tuple[int, int, int]
) -> None:
    """Any five fields, around the changes of the clocks in five zones: the same instants, in order."""
    place = ZoneInfo(zone)
    after = datetime(*day, tzinfo=UTC)
    words = " ".join(text for text, _ in fields)
    expected = list(_reckoned(fields, after, place))[:40]
    try:
        schedule = schedule_words.parse(words, zone=place, anchor=after)
    except ScheduleError:
        assert expected == [], "it was said never to come"
        return
    found = []
    moment = after
    for _ in expected:
        following = schedule.next_after(moment)
        assert following is not None
        moment = following
        found.append(moment)
    assert found == expected

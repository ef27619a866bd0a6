"""Business days: what ships is against the week, and a deadline has so many of them before it, whatever the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from marketplace.domain.errors import Invalid
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.workdays import Calendar, NewDay, day_at, deadline, holidays, is_weekday
from tests.factories import NOON

DAY = timedelta(days=1)
CHINA_2026 = Calendar({each.day: each.works for each in holidays()})

instants = some.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=some.just(UTC))  # noqa: DTZ001 - Hypothesis adds the zone itself and takes bounds without
calendars = some.builds(
    Calendar, some.dictionaries(some.dates(date(2025, 12, 1), date(2028, 3, 1)), some.booleans(), max_size=60)
)
counts = some.integers(1, 30)


def days_after(now: datetime, until: datetime) -> list[date]:
    """Return the days after that of now, up to and with that of a deadline."""
    first, last = day_at(now), day_at(until)
    return [first + n * DAY for n in range(1, (last - first).days + 1)]


@given(instants, counts, calendars)
def test_so_many_business_days_lie_after_the_day_and_the_last_is_one(
    now: datetime, count: int, calendar: Calendar
) -> None:
    until = deadline(now, count, calendar)

    days = days_after(now, until)
    assert [calendar.works(day) for day in days].count(True) == count
    assert calendar.works(days[-1])
    assert (until.hour, until.minute, until.utcoffset()) == (17, 0, timedelta(hours=8))
    assert until > now


@given(instants, some.timedeltas(timedelta(0), timedelta(days=40)), counts, calendars)
def test_who_begins_later_never_ends_earlier(now: datetime, later: timedelta, count: int, calendar: Calendar) -> None:
    assert deadline(now, count, calendar) <= deadline(now + later, count, calendar)


@given(instants, counts, calendars, some.dates(date(2026, 1, 1), date(2028, 1, 1)))
def test_a_day_off_more_never_makes_it_earlier(now: datetime, count: int, calendar: Calendar, day: date) -> None:
    with_it = Calendar({**calendar.days, day: False})

    assert deadline(now, count, calendar) <= deadline(now, count, with_it)


@given(instants, counts, calendars)
def test_one_after_the_other_is_both_at_once(now: datetime, count: int, calendar: Calendar) -> None:
    halfway = deadline(now, count, calendar)

    assert deadline(halfway, 2, calendar) == deadline(now, count + 2, calendar)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-09-30T10:00:00+08:00", "2026-10-09T17:00:00+08:00"),  # over National Day
        ("2026-10-08T10:00:00+08:00", "2026-10-10T17:00:00+08:00"),  # Saturday the 10th is worked
        ("2026-02-13T10:00:00+08:00", "2026-02-24T17:00:00+08:00"),  # over the Spring Festival; the 14th is worked
        ("2026-11-26T15:59:00+00:00", "2026-11-30T17:00:00+08:00"),  # still Thursday in China
        ("2026-11-26T16:00:00+00:00", "2026-12-01T17:00:00+08:00"),  # Friday by then
        ("2026-11-28T10:00:00+08:00", "2026-12-01T17:00:00+08:00"),  # a Saturday
    ],
)
def test_two_business_days_in_china(now: str, until: str) -> None:
    assert deadline(datetime.fromisoformat(now), 2, CHINA_2026).isoformat() == until


def test_a_deadline_needs_a_business_day() -> None:
    with pytest.raises(ValueError, match="ahead"):
        deadline(NOON, 0, Calendar())


def test_what_ships_is_against_the_week_and_tells_its_source() -> None:
    days = holidays()

    assert [each.day for each in days] == sorted({each.day for each in days})
    assert [each.day for each in days if each.works == is_weekday(each.day)] == []
    assert all(each.source and each.confidence in {"high", "medium", "low"} for each in days)
    assert all(date.fromisoformat(each.dated) < each.day for each in days)
    assert sum(not each.works for each in days) == 19
    assert sum(each.works for each in days) == 6
    assert sum(CHINA_2026.works(date(2026, 1, 1) + n * DAY) for n in range(365)) == 261 - 19 + 6


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": " "}, "name"),
        ({"source": ""}, "source"),
        ({"confidence": "sure"}, "confidence"),
        ({"name": "灰" * 201}, "name"),
    ],
)
def test_a_day_needs_a_name_a_source_and_a_confidence(changed: dict[str, str], field: str) -> None:
    values = {"name": "春节", "source": "国办通知", "confidence": "high"}

    with pytest.raises(Invalid) as refused:
        NewDay(day=date(2027, 2, 8), works=False, **(values | changed))

    assert refused.value.field == field


def test_a_day_that_is_past_in_china_is_refused() -> None:
    new = NewDay(day=date(2027, 1, 15), works=False, name="停电", source="供电公告", confidence="high")

    new.must_lie_ahead(datetime(2027, 1, 15, 23, 59, tzinfo=CLOSING_TIME))
    with pytest.raises(Invalid, match="past"):
        new.must_lie_ahead(datetime(2027, 1, 16, tzinfo=CLOSING_TIME))

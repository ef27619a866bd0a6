"""The operator's calendar: a day entered moves what is told from then on, and nothing that was told before."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.workdays import NewDay
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.rounds import Award
from marketplace.persistence.workdays import CalendarDay, calendar_of
from marketplace.queries.workdays import calendar_page
from marketplace.services.bids import submit_bid
from marketplace.services.listings import award_bid
from marketplace.services.workdays import enter_day, take_back_day
from tests.factories import NOON, SEALER, Make
from tests.integration.services.market import CLOSES, Market

MONDAY = date(2027, 2, 1)
OFF = NewDay(day=MONDAY, works=False, name="停电检修", source="供电公司 2027-01-10 公告", confidence="medium")


@pytest.fixture
def operator(make: Make) -> Actor:
    return make.actor(make.person("operator"))


def acts(session: Session) -> list[tuple[str, dict[str, object]]]:
    return [tuple(row) for row in session.execute(select(AuditRow.action, AuditRow.detail).order_by(AuditRow.id))]


def test_a_day_is_entered_changed_and_taken_back(session: Session, operator: Actor) -> None:
    day_id = enter_day(session, operator, OFF, now=NOON)
    assert not calendar_of(session).works(MONDAY)

    again = enter_day(session, operator, replace(OFF, confidence="high"), now=NOON)
    assert again == day_id
    assert session.scalar(select(CalendarDay.confidence)) == "high"
    take_back_day(session, operator, day_id, now=NOON)

    assert calendar_of(session).works(MONDAY)
    said = {"day": "2027-02-01", "works": False, "name": "停电检修", "source": "供电公司 2027-01-10 公告"}
    assert acts(session) == [
        ("calendar.enter", said | {"before": None}),
        ("calendar.enter", said | {"before": said | {"confidence": "medium"}}),
        ("calendar.take_back", said),
    ]


def test_what_changes_nothing_or_is_past_is_refused_and_writes_nothing(session: Session, operator: Actor) -> None:
    enter_day(session, operator, OFF, now=NOON)
    late = datetime(2027, 2, 2, tzinfo=CLOSING_TIME)

    for new in (OFF, replace(OFF, day=date(2027, 2, 6)), replace(OFF, day=date(2027, 2, 2), works=True)):
        with pytest.raises(Conflict, match="so already"):
            enter_day(session, operator, new, now=NOON)
    with pytest.raises(Invalid, match="past"):
        enter_day(session, operator, replace(OFF, works=True), now=late)
    with pytest.raises(Invalid, match="past"):
        take_back_day(session, operator, session.scalars(select(CalendarDay.id)).one(), now=late)
    with pytest.raises(NotFound):
        take_back_day(session, operator, 999, now=NOON)

    assert len(acts(session)) == 1
    assert session.scalar(select(func.count(CalendarDay.id))) == 1


def test_what_the_operator_says_wins_over_what_ships(session: Session, operator: Actor) -> None:
    before = datetime(2026, 9, 1, tzinfo=CLOSING_TIME)
    assert not calendar_of(session).works(date(2026, 10, 2))

    enter_day(session, operator, replace(OFF, day=date(2026, 10, 2), works=True), now=before)

    assert calendar_of(session).works(date(2026, 10, 2))
    shown = {each.day: each for each in calendar_page(session, operator, 2026, now=before).days}
    assert len(shown) == 25
    assert (shown[date(2026, 10, 2)].works, shown[date(2026, 10, 2)].may_go) == (True, True)
    assert (shown[date(2026, 10, 1)].works, shown[date(2026, 10, 1)].id) == (False, None)


@pytest.mark.parametrize(("role", "refusal"), [("auditor", NotAllowed), ("signatory", NotFound), (None, NotFound)])
def test_nobody_else_keeps_the_calendar(
    session: Session, make: Make, role: str | None, refusal: type[Exception]
) -> None:
    actor = make.actor(make.person(role, organization=make.organization() if role == "signatory" else None))

    with pytest.raises(refusal):
        enter_day(session, actor, OFF, now=NOON)
    with pytest.raises(refusal):
        take_back_day(session, actor, 1, now=NOON)

    assert acts(session) == []


def test_a_deadline_that_was_told_stays_and_the_next_one_counts_the_day(
    session: Session, make: Make, operator: Actor
) -> None:
    market = Market(make)
    _, line, buyer = market.another()
    first = submit_bid(session, market.buyer, market.bid(kg_per_month=1_000_000), sealer=SEALER, now=NOON)
    other = market.bid(line_id=line.id, kg_per_month=1_000_000)
    second = submit_bid(session, buyer, other, sealer=SEALER, now=NOON)
    make.opened(market.listing)
    told = award_bid(session, market.seller, first, 1_000_000, now=CLOSES)  # Friday, noon

    enter_day(session, operator, OFF, now=CLOSES)
    after = award_bid(session, market.seller, second, 1_000_000, now=CLOSES)

    wednesday = datetime(2027, 2, 3, 17, tzinfo=CLOSING_TIME)
    answers = {row.id: row.answer_by for row in session.execute(select(Award.id, Award.answer_by))}
    assert answers == {told: wednesday, after: wednesday + timedelta(days=1)}

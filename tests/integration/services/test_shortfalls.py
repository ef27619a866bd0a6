"""A recycler takes less than planned: once both have signed, what falls short is offered to who stands by."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.amendments import shortfall
from marketplace.domain.quantities import Month
from marketplace.persistence.amendments import ShortfallMonth
from marketplace.persistence.database import transaction
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award
from marketplace.persistence.standby import StandbyCall
from marketplace.queries.counterparties import counterparty_page
from tests.factories import Make
from tests.integration.services.deeds import APRIL, CLOSES, FEBRUARY, KG, MARCH, Deed
from tests.integration.services.test_amendments import whole

LESS = {FEBRUARY: KG, MARCH: 400_000, APRIL: 0}


def signed(deed: Deed, months: dict[Month, int], *, by: str = "recycler", price: int = 4000) -> int:
    """Let one side propose and both sign."""
    made = deed.propose(months, price, by=deed.taker if by == "recycler" else deed.seller)
    assert [deed.sign(made, who) for who in (deed.seller, deed.taker)] == [False, True]
    return made


def called(session: Session, deed: Deed) -> list[tuple[int, int]]:
    """The calls after the deal, with what each takes."""
    session.rollback()
    rows = session.execute(
        select(StandbyCall.after_award_id, Award.kg).join(Award, StandbyCall.award_id == Award.id).order_by(Award.id)
    )
    return [(row[0], row[1]) for row in rows]


def short(session: Session) -> list[tuple[object, int]]:
    session.rollback()
    rows = session.execute(select(ShortfallMonth.month, ShortfallMonth.kg).order_by(ShortfallMonth.month))
    return [(row[0], row[1]) for row in rows]


def sold_out(make: Make) -> Deed:
    """Return a contract over all that is offered, with a bid that stands by."""
    return Deed(make, others=1, kg_per_month=KG)


def test_what_falls_short_is_offered_to_who_stands_by(session: Session, make: Make) -> None:
    deed = sold_out(make)

    signed(deed, LESS)

    assert short(session) == [(MARCH, 600_000), (APRIL, KG)]
    assert called(session, deed) == [(deed.award_id, 1_600_000)]
    mails = session.scalars(select(OutboxMail.kind).where(OutboxMail.kind == "called")).all()
    assert len(mails) == 2
    offered = session.scalars(select(Award).where(Award.id != deed.award_id)).one()
    first = offered.explanation["recycler"][0]
    assert "takes less" in first["text"]
    assert counterparty_page(session, deed.seller, deed.award_id, "recycler", now=CLOSES).record.shortfalls == 1
    assert counterparty_page(session, deed.taker, deed.award_id, "producer", now=CLOSES).record.shortfalls == 0
    assert whole(session) == []


def test_until_both_have_signed_nobody_is_called(session: Session, make: Make) -> None:
    deed = sold_out(make)
    made = deed.propose(LESS, by=deed.taker)
    deed.sign(made, deed.taker)

    assert (short(session), called(session, deed)) == ([], [])
    assert whole(session) == []


@pytest.mark.parametrize(
    ("months", "by", "price"),
    [
        (LESS, "producer", 4000),
        (LESS, "recycler", 3900),
        ({FEBRUARY: 400_000, MARCH: KG, APRIL: KG}, "producer", 4000),
    ],
    ids=["the producer wants it back", "for another price", "the producer in one month"],
)
def test_what_is_no_shortfall_calls_nobody(
    session: Session, make: Make, months: dict[Month, int], by: str, price: int
) -> None:
    deed = sold_out(make)

    signed(deed, months, by=by, price=price)

    assert (short(session), called(session, deed)) == ([], [])
    assert whole(session) == []


def test_after_the_standby_nobody_is_called(session: Session, make: Make) -> None:
    deed = sold_out(make)
    later = CLOSES + timedelta(days=25)
    made = deed.propose(LESS, by=deed.taker, now=later)
    assert [deed.sign(made, who, now=later) for who in (deed.seller, deed.taker)] == [False, True]

    assert called(session, deed) == []
    assert short(session) == [(MARCH, 600_000), (APRIL, KG)]
    assert whole(session) == []


def test_tonnes_that_move_to_another_month_are_no_shortfall(session: Session, make: Make) -> None:
    deed = Deed(make)
    before = deed.text()
    deed.change({FEBRUARY: KG, MARCH: 2 * KG, APRIL: 0})

    assert shortfall(before, deed.text()) == {}


def test_what_fell_short_only_grows_and_a_call_for_more_is_named(session: Session, make: Make) -> None:
    deed = sold_out(make)
    signed(deed, LESS)

    for statement in ("update shortfall_months set kg = 1", "delete from shortfall_months"):
        with pytest.raises(DatabaseError, match="only grows"), transaction(session):
            session.execute(text(statement))
        session.rollback()
    with transaction(session):
        session.execute(text("update amendments set proposed_by = 'producer'"))
    assert {each.split()[0] for each in whole(session)} >= {"I4d"}

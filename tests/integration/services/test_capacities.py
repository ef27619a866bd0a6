"""A capacity that a park lowers, even below what is committed: nothing is undone, and nothing more is awarded."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.capacities import LoweredCapacity
from marketplace.domain.errors import Conflict, Invalid, MarketplaceError, NotAllowed, NotFound
from marketplace.domain.lines import NewLine
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.fit import accepting
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine, LineMonth, LineYear
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award
from marketplace.services import counters
from marketplace.services.awarding import award_bid
from marketplace.services.awards import decline_award
from marketplace.services.capacities import lower_capacity
from marketplace.services.lines import edit_line, retire_line
from marketplace.services.permits import verify_permit, withdraw_permit
from tests.factories import NOON, Make, accept
from tests.integration.services.market import CLOSES, Market

LATER = CLOSES + timedelta(hours=1)
FEBRUARY = Month(2027, 2)
MONTHS = [FEBRUARY, Month(2027, 3), Month(2027, 4)]
T = 1000


class Committed(Market):
    """A line of 20,000 t a month that two plants want to fill; its park, and who administers it."""

    def __init__(self, make: Make) -> None:
        super().__init__(make)
        self.session = make.session
        self.park = make.session.get_one(Park, self.recycler.park_id)
        self.administrator = make.administrator(self.park)

    def award(self, kg_per_month: int, *, by: Organization | None = None) -> int:
        """Award so much a month of a new listing to the line, and return the award's id."""
        plant = by or self.make.organization()
        stream = self.make.stream(self.make.site(plant), values={"moisture": "0.4"})
        listing = self.make.listing(stream, kg_per_month=kg_per_month)
        bid = self.make.bid(listing, self.line, self.recycler, kg_per_month=kg_per_month)
        self.make.opened(listing)
        seller = self.make.signatory(plant)
        award_id = award_bid(self.session, seller, bid.id, kg_per_month, now=LATER)
        accept(self.session, seller, award_id, now=LATER)
        return award_id

    def lower(self, month: int, year: int = 240_000 * T, *, actor: Actor | None = None) -> None:
        new = LoweredCapacity(capacity_kg_per_month=month, capacity_kg_per_year=year, because="停一台磨。")
        lower_capacity(self.session, actor or self.administrator, self.line.id, new, now=LATER)

    def months(self) -> list[tuple[int, int]]:
        """Ceiling and committed of each month that has a counter."""
        self.session.rollback()
        rows = self.session.execute(
            select(LineMonth.capacity_kg, LineMonth.reserved_kg + LineMonth.contracted_kg).order_by(LineMonth.month)
        )
        return [(row[0], row[1]) for row in rows]

    def year(self) -> tuple[int, int]:
        self.session.rollback()
        ceiling, kg = self.session.execute(
            select(LineYear.capacity_kg, LineYear.reserved_kg + LineYear.contracted_kg)
        ).one()
        return ceiling, kg

    def kept(self) -> IntakeLine:
        self.session.rollback()
        self.session.expire_all()
        return self.session.get_one(IntakeLine, self.line.id)


@pytest.fixture
def market(make: Make) -> Committed:
    return Committed(make)


def count(session: Session, table: type) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_contracts_over_all_producers_are_held_against_the_month(market: Committed) -> None:
    market.award(12_000 * T)
    market.award(8_000 * T)

    with pytest.raises(Conflict):
        market.award(1 * T)

    assert market.months() == [(20_000 * T, 20_000 * T)] * 3
    assert count(market.session, Award) == 2
    assert list(broken(market.session)) == []


def test_contracts_over_all_producers_are_held_against_the_year(make: Make) -> None:
    market = Committed(make)
    with transaction(market.session):
        market.session.get_one(IntakeLine, market.line.id).capacity_kg_per_year = 40_000 * T
    market.award(12_000 * T)

    with pytest.raises(Conflict, match="leaves less"):
        market.award(2_000 * T)

    assert market.months() == [(20_000 * T, 12_000 * T)] * 3
    assert market.year() == (40_000 * T, 36_000 * T)
    assert list(broken(market.session)) == []


def test_a_capacity_is_lowered_below_what_is_committed_and_nothing_more_is_awarded(market: Committed) -> None:
    award_id = market.award(12_000 * T)

    market.lower(10_000 * T, 100_000 * T)

    line = market.kept()
    assert (line.capacity_kg_per_month, line.capacity_kg_per_year) == (10_000 * T, 100_000 * T)
    assert market.months() == [(12_000 * T, 12_000 * T)] * 3
    assert market.year() == (100_000 * T, 36_000 * T)
    assert list(broken(market.session)) == []
    with pytest.raises(Conflict):
        market.award(1 * T)
    assert count(market.session, Award) == 1
    assert accepting(market.session, [line.id], months=MONTHS)[line.id].room_kg == 0
    signed = accept(market.session, market.buyer, award_id, now=LATER)
    assert signed is not None  # what was awarded before may still be signed
    assert market.months() == [(12_000 * T, 12_000 * T)] * 3
    assert list(broken(market.session)) == []


def test_what_is_released_is_not_awarded_again_beyond_the_lower_capacity(market: Committed) -> None:
    declined = market.award(9_000 * T)
    market.award(6_000 * T)
    market.lower(10_000 * T, 40_000 * T)
    assert (market.months(), market.year()) == ([(15_000 * T, 15_000 * T)] * 3, (45_000 * T, 45_000 * T))

    decline_award(market.session, market.buyer, declined, "检修停窑。", now=LATER)

    assert (market.months(), market.year()) == ([(10_000 * T, 6_000 * T)] * 3, (40_000 * T, 18_000 * T))
    with pytest.raises(Conflict):
        market.award(4_001 * T)
    market.award(4_000 * T)
    assert (market.months(), market.year()) == ([(10_000 * T, 10_000 * T)] * 3, (40_000 * T, 30_000 * T))
    assert list(broken(market.session)) == []


def test_what_is_released_while_too_much_stays_frees_nothing(market: Committed) -> None:
    declined = market.award(3_000 * T)
    market.award(12_000 * T)
    market.lower(10_000 * T)

    decline_award(market.session, market.buyer, declined, "检修停窑。", now=LATER)

    assert market.months() == [(12_000 * T, 12_000 * T)] * 3
    with pytest.raises(Conflict):
        market.award(1 * T)


def test_without_its_ceiling_a_released_tonne_is_awarded_twice(
    market: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the ceiling left where it was, more is awarded than the park lets the line take in."""
    declined = market.award(9_000 * T)
    market.award(6_000 * T)
    market.lower(10_000 * T)
    move = counters._move
    monkeypatch.setattr(counters, "_move", lambda *given, **named: move(*given, **(named | {"capacity": None})))

    decline_award(market.session, market.buyer, declined, "检修停窑。", now=LATER)
    market.award(9_000 * T)

    assert market.months() == [(15_000 * T, 15_000 * T)] * 3


def test_a_month_before_this_one_keeps_its_counter(market: Committed) -> None:
    market.make._add(LineMonth(line_id=market.line.id, month=Month(2026, 12), capacity_kg=20_000 * T))

    market.lower(10_000 * T)

    assert market.months() == [(20_000 * T, 0)]


def test_it_is_on_record_and_the_signatories_are_told(market: Committed) -> None:
    market.make.person("clerk", organization=market.recycler)

    market.lower(10_000 * T, 100_000 * T)

    row = market.session.scalars(select(AuditRow).where(AuditRow.action == "capacity.lower")).one()
    assert (row.person_id, row.organization_id, row.park_id, row.object_id) == (
        market.administrator.person_id,
        market.recycler.id,
        market.park.id,
        market.line.id,
    )
    assert row.detail == {
        "because": "停一台磨。",
        "before": {"capacity_kg_per_month": 20_000 * T, "capacity_kg_per_year": 240_000 * T},
        "capacity_kg_per_month": 10_000 * T,
        "capacity_kg_per_year": 100_000 * T,
    }
    mail = market.session.scalars(select(OutboxMail).where(OutboxMail.kind == "capacity_lowered")).one()
    assert (mail.values["because"], mail.values["kg_per_month"]) == ("停一台磨。", 10_000 * T)


@pytest.mark.parametrize(
    ("who", "refusal"),
    [
        (lambda market: market.buyer, NotAllowed),
        (lambda market: market.seller, NotFound),
        (lambda market: market.make.administrator(market.make.park()), NotFound),
    ],
    ids=["its recycler", "a plant", "another park"],
)
def test_only_its_park_lowers_a_capacity(
    market: Committed, who: Callable[[Committed], Actor], refusal: type[MarketplaceError]
) -> None:
    market.award(12_000 * T)
    actor = who(market)
    before, mails = count(market.session, AuditRow), count(market.session, OutboxMail)

    with pytest.raises(refusal):
        market.lower(10_000 * T, actor=actor)

    assert market.kept().capacity_kg_per_month == 20_000 * T
    assert market.months() == [(20_000 * T, 12_000 * T)] * 3
    assert (count(market.session, AuditRow), count(market.session, OutboxMail)) == (before, mails)


def test_what_is_not_lower_is_refused_and_writes_nothing(market: Committed) -> None:
    for month, year in ((20_001 * T, 240_000 * T), (20_000 * T, 240_001 * T), (20_000 * T, 240_000 * T)):
        with pytest.raises(Invalid):
            market.lower(month, year)
    retire_line(market.session, market.buyer, market.line.id, now=NOON)
    with pytest.raises(Conflict, match="retired"):
        market.lower(10_000 * T)

    assert market.kept().capacity_kg_per_month == 20_000 * T
    assert list(market.session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "line"))) == [
        "line.retire"
    ]


def mill(market: Committed, month: int, year: int = 240_000 * T) -> NewLine:
    line = market.kept()
    return NewLine(
        site_id=line.site_id,
        name="改名磨机",
        route=line.route,
        materials=(("fly_ash", 6000),),
        capacity_kg_per_month=month,
        capacity_kg_per_year=year,
        permit_no=line.permit_no,
        permit_valid_until=line.permit_valid_until,
    )


def test_a_line_that_is_over_committed_can_still_be_edited_but_not_lowered_by_its_recycler(market: Committed) -> None:
    market.award(12_000 * T)
    market.lower(10_000 * T)

    edit_line(market.session, market.buyer, market.line.id, mill(market, 10_000 * T), now=LATER)
    with pytest.raises(Conflict, match="one month"):
        edit_line(market.session, market.buyer, market.line.id, mill(market, 9_999 * T), now=LATER)

    line = market.kept()
    assert (line.name, line.capacity_kg_per_month) == ("改名磨机", 10_000 * T)
    assert line.permit_verified_at == NOON
    assert market.months() == [(12_000 * T, 12_000 * T)] * 3


def test_what_its_recycler_raises_again_the_park_verifies_again(market: Committed) -> None:
    market.lower(10_000 * T)
    edit_line(market.session, market.buyer, market.line.id, mill(market, 15_000 * T), now=LATER)
    assert market.kept().permit_verified_at is None

    with pytest.raises(Conflict, match="permit"):
        market.award(12_000 * T)
    assert count(market.session, Award) == 0

    verify_permit(market.session, market.administrator, market.line.id, now=LATER)
    market.award(12_000 * T)
    assert market.months() == [(15_000 * T, 12_000 * T)] * 3


def test_a_permit_that_is_taken_back_stops_awards_and_undoes_none(market: Committed) -> None:
    award_id = market.award(12_000 * T)

    withdraw_permit(market.session, market.administrator, market.line.id, now=LATER)

    with pytest.raises(Conflict, match="permit"):
        market.award(1 * T)
    with pytest.raises(Conflict, match="permit"):
        accept(market.session, market.buyer, award_id, now=LATER)
    assert market.months() == [(20_000 * T, 12_000 * T)] * 3
    assert list(broken(market.session)) == []

"""A sale at a fixed price: tonnes are held, confirmed by signing or free again, and never held twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.hazards import questions
from marketplace.domain.holds import PAUSE, NewHold
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.domain.workdays import deadline
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.salerules import StatedRules, stated_rules
from marketplace.persistence.workdays import calendar_of
from marketplace.services.awards import decline_award, lapse_due
from marketplace.services.bids import submit_bid
from marketplace.services.holds import hold_tonnes
from marketplace.services.listings import edit_listing
from tests.factories import NOON, SEALER, Make, accept

HOUR = timedelta(hours=1)
HARMLESS = {question.code: not question.hazardous_if for question in questions("fly_ash")}


class Sale:
    """A plant that sells 5,000 t a month from February to April at 10 yuan, and two recyclers with a line each."""

    def __init__(self, make: Make, **given: Any) -> None:
        self.make = make
        plant = make.organization(recycles=False)
        self.plant_id, self.seller = plant.id, make.signatory(plant)
        fixed = {"sale_kind": "fixed", "bids_close_at": None, "reserve_fen_per_t": None, "hold_hours": 24}
        self.listing_id = make.listing(make.stream(make.site(plant), origin_answers=HARMLESS), **(fixed | given)).id
        self.buyers: list[Actor] = []
        self.lines: list[int] = []
        for _ in range(2):
            firm = make.organization(produces=False)
            self.buyers.append(make.signatory(firm))
            self.lines.append(make.line(make.site(firm)).id)

    def hold(self, who: int = 0, kg: int = 3_000_000, *, at: datetime = NOON + HOUR, **given: Any) -> int:
        new = NewHold(listing_id=self.listing_id, line_id=self.lines[who], kg_per_month=kg, **given)
        return hold_tonnes(self.make.session, self.buyers[who], new, now=at)


@pytest.fixture
def sale(make: Make) -> Sale:
    return Sale(make)


def reserved(session: Session) -> list[int]:
    session.rollback()
    return list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.month)))


def count(session: Session, table: Any) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_hold_takes_the_tonnes_at_the_price_until_its_hours_are_over(session: Session, sale: Sale) -> None:
    award = session.get_one(Award, sale.hold())

    assert (award.kg, award.price_fen_per_t, award.transport) == (9_000_000, 1000, "recycler")
    assert (award.awarded_at, award.answer_by) == (NOON + HOUR, NOON + 25 * HOUR)
    assert award.state(NOON + 25 * HOUR - timedelta(seconds=1)) == "open"
    assert award.state(NOON + 25 * HOUR) == "lapsed"
    rules = stated_rules(session, sale.listing_id)
    assert rules is not None
    assert '"kind":"fixed"' in rules.text
    assert '"hold_hours":24' in rules.text
    assert session.scalars(select(Bid.rules_sha256)).all() == [rules.sha256]
    assert reserved(session) == [3_000_000] * 3
    kinds = session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)).all()
    assert kinds == ["held", "held"]
    assert "award.hold" in session.scalars(select(AuditRow.action)).all()
    assert list(broken(session)) == []


def test_who_comes_second_gets_what_is_left_and_the_third_nothing(session: Session, make: Make, sale: Sale) -> None:
    sale.hold(0)
    second = session.get_one(Award, sale.hold(1))
    assert second.kg == 6_000_000

    third = make.organization(produces=False)
    actor, line_id = make.signatory(third), make.line(make.site(third)).id
    with pytest.raises(Conflict):
        new = NewHold(listing_id=sale.listing_id, line_id=line_id, kg_per_month=1000)
        hold_tonnes(session, actor, new, now=NOON + HOUR)

    assert reserved(session) == [5_000_000] * 3
    assert count(session, Award) == 2
    assert list(broken(session)) == []


def test_the_same_hold_again_is_one_and_another_is_refused_while_it_stands(session: Session, sale: Sale) -> None:
    first = sale.hold()

    assert sale.hold(at=NOON + 2 * HOUR) == first
    with pytest.raises(Conflict, match="already"):
        sale.hold(kg=1_000_000, at=NOON + 2 * HOUR)

    assert count(session, Award) == 1
    assert reserved(session) == [3_000_000] * 3


def test_what_is_not_signed_is_free_at_its_hour_without_a_worker(session: Session, sale: Sale) -> None:
    sale.hold(0, 5_000_000)

    with pytest.raises(Conflict):
        sale.hold(1, at=NOON + 25 * HOUR - timedelta(seconds=1))
    second = sale.hold(1, 5_000_000, at=NOON + 25 * HOUR)

    assert session.get_one(Award, second).kg == 15_000_000
    assert session.scalars(select(Award.lapsed_at).order_by(Award.id)).all() == [NOON + 25 * HOUR, None]
    kinds = session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)).all()
    assert kinds.count("hold_over") == 2
    assert reserved(session) == [5_000_000] * 3
    assert list(broken(session)) == []


def test_the_worker_frees_what_is_not_signed(session: Session, sale: Sale) -> None:
    sale.hold()

    lapse_due(session, NOON + 24 * HOUR)
    assert reserved(session) == [3_000_000] * 3
    lapse_due(session, NOON + 25 * HOUR)

    assert reserved(session) == [0, 0, 0]
    assert list(broken(session)) == []


@pytest.mark.parametrize("how", ["lapsed", "declined"])
def test_who_lets_a_hold_go_waits(session: Session, sale: Sale, how: str) -> None:
    award_id, ended = sale.hold(), NOON + 25 * HOUR
    if how == "declined":
        ended = NOON + 3 * HOUR
        decline_award(session, sale.buyers[0], award_id, "设备检修。", now=ended)

    with pytest.raises(Conflict, match="let a hold"):
        sale.hold(at=ended + PAUSE - timedelta(seconds=1))
    again = sale.hold(at=ended + PAUSE)

    assert session.scalars(select(Bid.revision).order_by(Bid.id)).all() == [1, 2]
    assert session.get_one(Award, again).kg == 9_000_000
    assert list(broken(session)) == []


def test_what_the_producer_declines_is_no_fault_of_the_recycler(session: Session, sale: Sale) -> None:
    award_id = sale.hold()
    decline_award(session, sale.seller, award_id, "库存不足。", now=NOON + 2 * HOUR)

    assert session.get_one(Award, sale.hold(at=NOON + 3 * HOUR)).kg == 9_000_000
    assert list(broken(session)) == []


def test_signing_confirms_and_gives_the_producer_business_days(session: Session, sale: Sale) -> None:
    award_id, signed = sale.hold(), NOON + 24 * HOUR
    accept(session, sale.buyers[0], award_id, now=signed)

    due = deadline(signed, 3, calendar_of(session))
    assert session.get_one(Award, award_id).answer_by == due
    lapse_due(session, due - timedelta(seconds=1))
    made = accept(session, sale.seller, award_id, now=due - timedelta(seconds=1))

    assert made is not None
    contract = session.get_one(Contract, made)
    assert (contract.kg, contract.price_fen_per_t) == (9_000_000, 1000)
    assert reserved(session) == [0, 0, 0]
    # what is left is sold on, to the same recycler too
    assert session.get_one(Award, sale.hold(0, 2_000_000, at=due)).kg == 6_000_000
    assert list(broken(session)) == []


def test_a_producer_that_signs_first_does_not_lengthen_the_hold(session: Session, sale: Sale) -> None:
    award_id = sale.hold()
    accept(session, sale.seller, award_id, now=NOON + 2 * HOUR)
    assert session.get_one(Award, award_id).answer_by == NOON + 25 * HOUR

    assert accept(session, sale.buyers[0], award_id, now=NOON + 24 * HOUR) is not None
    assert list(broken(session)) == []


@pytest.mark.parametrize(
    ("given", "kg", "error"),
    [
        ({"least_lot_kg": 12_000_000}, 3_000_000, Invalid),
        ({"cap_per_buyer_kg": 8_000_000}, 3_000_000, Conflict),
        ({"small_works_share_percent": 50}, 3_000_000, Conflict),
        ({}, 6_000_000, Invalid),
        ({"withdrawn_at": NOON}, 1_000_000, NotFound),
        ({"expires_at": NOON + HOUR}, 1_000_000, NotFound),
        ({"published_at": None}, 1_000_000, NotFound),
    ],
)
def test_what_the_rules_do_not_let_go_is_not_held(
    session: Session, make: Make, given: dict[str, Any], kg: int, error: type[Exception]
) -> None:
    sale = Sale(make, **given)

    with pytest.raises(error):
        sale.hold(kg=kg)

    assert (count(session, Award), count(session, Bid), count(session, OutboxMail)) == (0, 0, 0)
    assert not any(reserved(session))


def test_of_the_cap_what_one_has_already_counts(session: Session, make: Make) -> None:
    sale = Sale(make, cap_per_buyer_kg=10_000_000)
    award_id = sale.hold(kg=3_000_000)
    accept(session, sale.seller, award_id, now=NOON + 2 * HOUR)
    accept(session, sale.buyers[0], award_id, now=NOON + 2 * HOUR)

    with pytest.raises(Conflict, match="at most"):
        sale.hold(kg=500_000, at=NOON + 3 * HOUR)
    assert count(session, Award) == 1


def test_strangers_lines_own_waste_and_sales_with_bids_hold_nothing(session: Session, make: Make, sale: Sale) -> None:
    with pytest.raises(NotFound):
        new = NewHold(listing_id=sale.listing_id, line_id=sale.lines[1], kg_per_month=1000)
        hold_tonnes(session, sale.buyers[0], new, now=NOON + HOUR)
    plant = session.get_one(Organization, sale.plant_id)
    own = NewHold(listing_id=sale.listing_id, line_id=make.line(make.site(plant)).id, kg_per_month=1000)
    with pytest.raises(Conflict):
        hold_tonnes(session, sale.seller, own, now=NOON + HOUR)
    sealed = Sale(make, sale_kind="sealed", bids_close_at=NOON + 24 * HOUR)
    with pytest.raises(Conflict, match="fixed price"):
        sealed.hold()
    with pytest.raises(Conflict, match="fixed price"):
        bid = NewBid(listing_id=sale.listing_id, line_id=sale.lines[0], price_fen_per_t=1000, kg_per_month=1_000_000)
        submit_bid(session, sale.buyers[0], bid, sealer=SEALER, now=NOON + HOUR)

    assert (count(session, Award), count(session, Bid)) == (0, 0)


def test_another_price_than_was_read_is_not_held(session: Session, sale: Sale) -> None:
    with pytest.raises(Conflict, match="changed"):
        sale.hold(rules_sha256="0" * 64)
    assert (count(session, Award), count(session, StatedRules)) == (0, 0)


def test_the_price_stays_once_somebody_held_some(session: Session, sale: Sale) -> None:
    before = NewListing(
        first_month=Month(2027, 2), last_month=Month(2027, 4), kg_per_month=5_000_000, asking_fen_per_t=1000,
        sale_kind="fixed",
    )  # fmt: skip
    dearer = replace(before, asking_fen_per_t=1200)
    edit_listing(session, sale.seller, sale.listing_id, dearer, now=NOON)
    sale.hold()

    with pytest.raises(Conflict, match="held some"):
        edit_listing(session, sale.seller, sale.listing_id, before, now=NOON + 2 * HOUR)

    session.rollback()
    assert session.get_one(Listing, sale.listing_id).asking_fen_per_t == 1200
    assert session.scalars(select(Award.price_fen_per_t)).all() == [1200]

"""Bids are taken until the deadline to the microsecond, replaced and withdrawn, and awarded without overselling."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.contracts import FilingTerm, terms
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.listings import CLOSING_TIME
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import AcceptanceLimit, Filing
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Site
from marketplace.persistence.rounds import Award, AwardMonth, Contract
from marketplace.services import bids as services
from marketplace.services.awards import decline_award
from marketplace.services.bids import withdraw_bid
from marketplace.services.listings import award_bid, end_bidding, withdraw_listing
from marketplace.services.opening import open_bids
from marketplace.services.seals import unsealed
from tests.factories import NOON, SEALER, Make, accept
from tests.integration.services.market import CLOSES, MICROSECOND, Market


@pytest.fixture
def market(make: Make) -> Market:
    return Market(make)


def submit_bid(session: Session, actor: Actor, new: NewBid, *, now: datetime) -> int:
    return services.submit_bid(session, actor, new, sealer=SEALER, now=now)


def at_the_deadline(session: Session, market: Market) -> None:
    """Open the bids, as the worker does."""
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)


def bids(session: Session) -> list[tuple[int, int, bool, bool]]:
    """Return what is sealed: revision, price, replaced, withdrawn."""
    rows = session.scalars(select(Bid).order_by(Bid.id).execution_options(populate_existing=True))
    return [
        (bid.revision, unsealed(SEALER, bid).price_fen_per_t, bid.replaced_at is not None, bid.withdrawn_at is not None)
        for bid in rows
    ]


def reserved(session: Session, listing: Listing) -> list[int]:
    return list(
        session.scalars(
            select(ListingMonth.reserved_kg).where(ListingMonth.listing_id == listing.id).order_by(ListingMonth.month)
        )
    )


def test_a_bid_counts_a_microsecond_before_the_deadline_and_not_at_it(session: Session, market: Market) -> None:
    with pytest.raises(Conflict, match="Bidding ended"):
        submit_bid(session, market.buyer, market.bid(), now=CLOSES)
    assert bids(session) == []

    submit_bid(session, market.buyer, market.bid(), now=CLOSES - MICROSECOND)

    assert bids(session) == [(1, 1200, False, False)]
    assert session.scalar(select(Bid.received_at)) == CLOSES - MICROSECOND


def test_a_bid_is_replaced_and_the_same_bid_twice_is_one(session: Session, market: Market) -> None:
    first = submit_bid(session, market.buyer, market.bid(), now=NOON)

    again = submit_bid(session, market.buyer, market.bid(), now=NOON + MICROSECOND)
    second = submit_bid(session, market.buyer, market.bid(price_fen_per_t=1300), now=NOON + 2 * MICROSECOND)

    assert again == first
    assert second != first
    assert bids(session) == [(1, 1200, True, False), (2, 1300, False, False)]


def test_a_bid_is_withdrawn_until_the_deadline(session: Session, market: Market) -> None:
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    with pytest.raises(Conflict, match="Bidding ended"):
        withdraw_bid(session, market.buyer, bid_id, now=CLOSES)
    with pytest.raises(NotFound):
        withdraw_bid(session, market.seller, bid_id, now=NOON)
    assert bids(session) == [(1, 1200, False, False)]

    withdraw_bid(session, market.buyer, bid_id, now=CLOSES - MICROSECOND)
    submit_bid(session, market.buyer, market.bid(), now=CLOSES - MICROSECOND)

    assert bids(session) == [(1, 1200, False, True), (2, 1200, False, False)]


def test_the_price_is_nowhere_in_the_audit_log(session: Session, market: Market) -> None:
    submit_bid(session, market.buyer, market.bid(price_fen_per_t=1234), now=NOON)

    rows = session.scalars(select(AuditRow).where(AuditRow.object_kind == "bid")).all()

    assert [row.action for row in rows] == ["bid.submit"]
    assert "1234" not in str(rows[0].detail)


def test_own_and_related_waste_is_not_bid_for(session: Session, make: Make) -> None:
    market = Market(make)
    own = make.line(make.site(market.plant))
    group = make.organization(related_group="G")
    grouped = make.organization(related_group="G")
    related = make.listing(make.stream(make.site(group), values={"moisture": "0.4"}))
    line = make.line(make.site(grouped))

    with pytest.raises(Conflict, match="same organization"):
        submit_bid(session, market.seller, market.bid(line_id=own.id), now=NOON)
    with pytest.raises(Conflict, match="related parties"):
        submit_bid(session, make.signatory(grouped), market.bid(line_id=line.id, listing_id=related.id), now=NOON)

    assert bids(session) == []


def test_a_line_that_fails_a_hard_filter_is_refused_with_the_figure(session: Session, market: Market) -> None:
    limit = AcceptanceLimit(property="moisture", maximum=Decimal("0.1"))
    _, line, buyer = market.another(limits=(limit,))

    with pytest.raises(Conflict, match=r"takes at most 0\.1 %: 0\.3 % too much"):
        submit_bid(session, buyer, market.bid(line_id=line.id), now=NOON)

    assert bids(session) == []


def test_a_missing_value_may_be_bid_on_and_is_not_awarded(session: Session, market: Market) -> None:
    limit = AcceptanceLimit(property="loss_on_ignition", maximum=Decimal(8))
    _, line, buyer = market.another(limits=(limit,))
    bid_id = submit_bid(session, buyer, market.bid(line_id=line.id), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Conflict, match="a test is needed"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [0, 0, 0]


@pytest.mark.parametrize(
    ("given", "message"),
    [({"kg_per_month": 5_000_001}, "At most 5000000 t per month"), ({"line_id": 999}, "no such page")],
)
def test_more_than_offered_and_unknown_lines_are_refused(
    session: Session, market: Market, given: dict[str, int], message: str
) -> None:
    with pytest.raises((Invalid, NotFound), match=message):
        submit_bid(session, market.buyer, market.bid(**given), now=NOON)

    assert bids(session) == []


def test_without_verification_there_is_no_bid(session: Session, make: Make) -> None:
    market = Market(make)
    recycler = make.organization(verified_at=None)
    line = make.line(make.site(recycler))

    with pytest.raises(Conflict, match="awaits verification"):
        submit_bid(session, make.signatory(recycler), market.bid(line_id=line.id), now=NOON)
    clerk = make.actor(make.person("clerk", organization=market.recycler))
    with pytest.raises(NotAllowed):
        submit_bid(session, clerk, market.bid(), now=NOON)

    assert bids(session) == []


def test_an_unusual_price_is_asked_about_once(session: Session, market: Market) -> None:
    typed = market.bid(price_fen_per_t=120_000)

    with pytest.raises(Invalid, match="more than five times the usual 1000") as refused:
        submit_bid(session, market.buyer, typed, now=NOON)
    assert (refused.value.field, bids(session)) == ("confirmed", [])

    submit_bid(session, market.buyer, replace(typed, confirmed=True), now=NOON)

    assert bids(session) == [(1, 120_000, False, False)]


def test_an_award_reserves_and_says_why(session: Session, market: Market) -> None:
    bid_id = submit_bid(
        session, market.buyer, market.bid(transport="producer", price_fen_per_t=4000), now=NOON
    )  # asked about no more than four times the asking price

    at_the_deadline(session, market)
    award_id = award_bid(session, market.seller, bid_id, 2_000_000, now=CLOSES)

    award = session.get_one(Award, award_id)
    bid = session.get_one(Bid, bid_id)
    assert reserved(session, market.listing) == [2_000_000] * 3
    assert (award.kg, award.bid_id, award.round_id) == (6_000_000, bid_id, None)
    assert award.price_fen_per_t == 4000 - bid.freight_fen_per_t
    assert (award.producer_accepted_at, award.recycler_accepted_at) == (None, None)
    assert award.answer_by == datetime(2027, 2, 3, 17, tzinfo=CLOSING_TIME)  # from Friday noon to Wednesday
    months = session.execute(select(AwardMonth.month, AwardMonth.kg).order_by(AwardMonth.month)).all()
    assert [(str(month), kg) for month, kg in months] == [
        ("2027-02", 2_000_000),
        ("2027-03", 2_000_000),
        ("2027-04", 2_000_000),
    ]
    assert sorted(award.explanation) == ["park", "producer", "recycler"]
    assert award.explanation["recycler"][1]["values"] == {"rank": 1, "bids": 1}


def test_nothing_is_awarded_before_the_deadline_or_by_others(session: Session, market: Market) -> None:
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    with pytest.raises(Conflict, match="sealed until"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES - MICROSECOND)
    with pytest.raises(Conflict, match="open them first"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)
    with pytest.raises(NotFound):
        award_bid(session, market.buyer, bid_id, 1_000_000, now=CLOSES)
    clerk = market.make.actor(market.make.person("clerk", organization=market.plant))
    with pytest.raises(NotAllowed):
        award_bid(session, clerk, bid_id, 1_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [0, 0, 0]
    assert session.scalar(select(func.count(Award.id))) == 0


def test_two_awards_never_take_more_than_is_offered(session: Session, market: Market) -> None:
    _, line, buyer = market.another()
    first = submit_bid(session, market.buyer, market.bid(kg_per_month=4_000_000), now=NOON)
    second = submit_bid(session, buyer, market.bid(line_id=line.id, kg_per_month=4_000_000), now=NOON)

    at_the_deadline(session, market)
    award_bid(session, market.seller, first, 4_000_000, now=CLOSES)
    award_bid(session, market.seller, second, 4_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [5_000_000] * 3
    kg = list(session.scalars(select(Award.kg).order_by(Award.id)))
    assert kg == [12_000_000, 3_000_000]
    listing = session.get_one(Listing, market.listing.id, populate_existing=True)
    assert listing.bids_decided_at == CLOSES
    with pytest.raises(Conflict, match="has been ended"):
        award_bid(session, market.seller, second, 1, now=CLOSES)


def test_a_bid_is_awarded_once_and_within_what_it_asks(session: Session, market: Market) -> None:
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Invalid, match="for up to 3000000 t"):
        award_bid(session, market.seller, bid_id, 3_000_001, now=CLOSES)
    award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)
    with pytest.raises(Conflict, match="awarded already"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [1_000_000] * 3


def test_the_cap_and_the_least_lot_hold_at_the_award(session: Session, make: Make) -> None:
    market = Market(make, cap_per_buyer_kg=6_000_000, least_lot_kg=3_000_000)
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Conflict, match="at most 6000000 t"):
        award_bid(session, market.seller, bid_id, 2_000_001, now=CLOSES)
    with pytest.raises(Conflict, match="less than 3000000 t"):
        award_bid(session, market.seller, bid_id, 999_999, now=CLOSES)
    assert reserved(session, market.listing) == [0, 0, 0]

    award_bid(session, market.seller, bid_id, 2_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [2_000_000] * 3


def test_the_lines_capacity_holds_too(session: Session, make: Make) -> None:
    market = Market(make)
    _, line, buyer = market.another(capacity_kg_per_month=3_000_000, capacity_kg_per_year=5_000_000)
    bid_id = submit_bid(session, buyer, market.bid(line_id=line.id), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Conflict, match="permit of this intake line"):
        award_bid(session, market.seller, bid_id, 3_000_000, now=CLOSES)

    assert reserved(session, market.listing) == [0, 0, 0]
    assert session.scalar(select(func.count(Award.id))) == 0


def test_across_a_province_an_award_draws_on_the_filing(session: Session, make: Make) -> None:
    market = Market(make)
    recycler = make.organization()
    site = make.site(recycler, division_code="150902")
    line = make.line(site)
    buyer = make.signatory(recycler)
    with pytest.raises(Conflict, match="a filing is needed"):
        submit_bid(session, buyer, market.bid(line_id=line.id), now=NOON)
    filing = make.filing(market.stream, site, valid_to=date(2027, 12, 31))

    bid_id = submit_bid(session, buyer, market.bid(line_id=line.id), now=NOON)
    at_the_deadline(session, market)
    award_id = award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert filings_of(session, award_id) == [filing.id] * 3
    session.refresh(filing)
    assert filing.reserved_kg == 3_000_000


def across(make: Make, **listing: object) -> tuple[Market, Site, int]:
    """Return a market over a turn of the year, a site in the next province, and the id of a line there."""
    market = Market(make, first_month=Month(2027, 11), last_month=Month(2028, 2), **listing)
    site = make.site(market.recycler, division_code="150902")
    return market, site, make.line(site).id


def filings_of(session: Session, award_id: int) -> list[int | None]:
    rows = select(AwardMonth.filing_id).where(AwardMonth.award_id == award_id).order_by(AwardMonth.month)
    return list(session.scalars(rows))


def test_an_award_over_the_turn_of_the_year_draws_on_the_filings_of_both_years(session: Session, make: Make) -> None:
    market, site, line_id = across(make)
    this_year = make.filing(market.stream, site)
    small = make.filing(market.stream, site, filed_kg=49_000_000)
    next_year = make.filing(
        market.stream, site, filed_kg=9_000_000, valid_from=date(2028, 1, 1), valid_to=date(2028, 12, 31)
    )
    bid_id = submit_bid(session, market.buyer, market.bid(line_id=line_id), now=NOON)

    at_the_deadline(session, market)
    award_id = award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert filings_of(session, award_id) == [this_year.id, this_year.id, next_year.id, next_year.id]
    taken = select(Filing.id, Filing.reserved_kg).order_by(Filing.id)
    assert session.execute(taken).all() == [(this_year.id, 2_000_000), (small.id, 0), (next_year.id, 2_000_000)]
    assert list(broken(session)) == []
    session.rollback()
    decline_award(session, market.buyer, award_id, "The mill stands still.", now=CLOSES)
    assert session.execute(taken).all() == [(this_year.id, 0), (small.id, 0), (next_year.id, 0)]
    assert list(broken(session)) == []


def test_the_text_of_a_contract_names_each_filing(session: Session, make: Make) -> None:
    market, site, line_id = across(make)
    make.filing(market.stream, site, filing_no="B", valid_from=date(2028, 1, 1), valid_to=date(2028, 12, 31))
    make.filing(market.stream, site, filing_no="A")
    bid_id = submit_bid(session, market.buyer, market.bid(line_id=line_id), now=NOON)
    at_the_deadline(session, market)
    award_id = award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert accept(session, market.buyer, award_id, now=CLOSES) is None
    contract_id = accept(session, market.seller, award_id, now=CLOSES)

    made = session.get_one(Contract, contract_id)
    text = terms(made.terms)
    assert text.filings == (
        FilingTerm(number="A", valid_from=date(2027, 1, 1), valid_to=date(2027, 12, 31)),
        FilingTerm(number="B", valid_from=date(2028, 1, 1), valid_to=date(2028, 12, 31)),
    )
    assert text.sha256 == made.terms_sha256
    assert session.scalars(select(Filing.contracted_kg)).all() == [2_000_000, 2_000_000]
    assert list(broken(session)) == []


def test_a_month_without_a_filing_is_named_and_nothing_is_awarded(session: Session, make: Make) -> None:
    market, site, line_id = across(make)
    make.filing(market.stream, site)
    make.filing(market.stream, site, valid_from=date(2028, 1, 1), valid_to=date(2028, 1, 31), contracted_kg=50_000_000)
    bid_id = submit_bid(session, market.buyer, market.bid(line_id=line_id), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Conflict) as refused:
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert refused.value.sentence.values == {"unfiled_month": ("2028-01", "2028-02")}
    assert session.scalar(select(func.count(Award.id))) == 0
    assert reserved(session, market.listing) == [0, 0, 0, 0]


def test_the_bidding_ends_without_an_award_only_with_a_reason(session: Session, market: Market) -> None:
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    at_the_deadline(session, market)
    with pytest.raises(Invalid, match="tell the bidders why"):
        end_bidding(session, market.seller, market.listing.id, "  ", now=CLOSES)
    end_bidding(session, market.seller, market.listing.id, "价格太低", now=CLOSES)

    listing = session.get_one(Listing, market.listing.id, populate_existing=True)
    assert (listing.bids_decided_at, listing.bids_decided_because) == (CLOSES, "价格太低")
    with pytest.raises(Conflict, match="has been ended"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)


def test_a_withdrawn_listing_takes_no_bids_and_makes_no_awards(session: Session, market: Market) -> None:
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)
    withdraw_listing(session, market.seller, market.listing.id, now=NOON)

    with pytest.raises(NotFound):
        submit_bid(session, market.buyer, market.bid(price_fen_per_t=1500), now=NOON)
    with pytest.raises(Conflict, match="has been withdrawn"):
        award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES)

    assert bids(session) == [(1, 1200, False, False)]


def test_months_that_are_past_are_not_awarded(session: Session, make: Make) -> None:
    market = Market(make, bids_close_at=NOON + timedelta(days=20), first_month=Month(2027, 1))
    bid_id = submit_bid(session, market.buyer, market.bid(), now=NOON)

    make.opened(market.listing)
    award_bid(session, market.seller, bid_id, 1_000_000, now=(NOON + timedelta(days=20)).astimezone(UTC))

    assert reserved(session, market.listing) == [0, 1_000_000, 1_000_000, 1_000_000]

"""In an open sale bids lie in plain sight, better what stands, bind, and move an end that is near; names are told to nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM, Actor
from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.listings import NewListing
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.rounds import Award
from marketplace.persistence.salerules import StatedRules
from marketplace.queries.bidding import award_page
from marketplace.queries.opensales import OpenSale, open_sale, sale_version
from marketplace.services import bids as services
from marketplace.services.listings import award_bid, edit_listing
from marketplace.services.opening import open_bids
from tests.factories import NOON, SEALER, Make
from tests.integration.services.market import CLOSES, MICROSECOND, Market

NEAR = CLOSES - timedelta(minutes=2)


@pytest.fixture
def market(make: Make) -> Market:
    return Market(make, sale_kind="ascending", kg_per_month=5_000_000)


def submit(session: Session, actor: Actor, new: NewBid, *, now: object = NOON + timedelta(hours=1)) -> int:
    return services.submit_bid(session, actor, new, sealer=SEALER, now=now)  # type: ignore[arg-type]


def ends(session: Session, market: Market) -> tuple[object, object]:
    return tuple(
        session.execute(
            select(Listing.bids_close_at, Listing.planned_close_at).where(Listing.id == market.listing.id)
        ).one()
    )  # type: ignore[return-value]


def seen(session: Session, actor: Actor, market: Market, *, now: object = NOON + timedelta(hours=3)) -> OpenSale:
    return open_sale(session, actor, market.listing.id, now=now)  # type: ignore[arg-type]


def test_everybody_reads_bids_by_number_and_what_each_would_get(session: Session, market: Market) -> None:
    _, line, rival = market.another()
    submit(session, market.buyer, market.bid(price_fen_per_t=1200, kg_per_month=3_000_000))
    submit(session, rival, market.bid(line_id=line.id, price_fen_per_t=1300, kg_per_month=4_000_000))

    page = seen(session, market.buyer, market)

    assert [(row.bidder, row.own, row.net_fen_per_t, row.kg_per_month, row.gets_kg) for row in page.rows] == [
        (2, False, 1300, 4_000_000, 4_000_000),
        (1, True, 1200, 3_000_000, 1_000_000),
    ]
    assert (page.least_net_fen_per_t, page.offered_kg, page.moved) == (1300, 5_000_000, False)
    assert [row.own for row in seen(session, market.seller, market).rows] == [False, False]
    assert list(broken(session)) == []


def test_the_producer_reads_no_name_before_the_end(session: Session, market: Market) -> None:
    submit(session, market.buyer, market.bid())

    page = award_page(session, market.seller, market.listing.id, now=NOON + timedelta(hours=2))

    assert (page.rows, page.bidding, page.may_award) == ((), "open", False)
    assert page.sale is not None
    assert [row.net_fen_per_t for row in page.sale.rows] == [1200]
    with pytest.raises(Conflict, match="before that nothing is awarded"):
        award_bid(session, market.seller, 1, 3_000_000, now=NOON + timedelta(hours=2))
    with pytest.raises(Conflict, match="before that nothing is awarded"):
        open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES - MICROSECOND)
    assert session.scalar(select(func.count(Award.id))) == 0


def test_a_bid_that_gets_nothing_is_refused_with_what_it_needs(session: Session, market: Market) -> None:
    _, line, rival = market.another()
    submit(session, market.buyer, market.bid(price_fen_per_t=1200, kg_per_month=5_000_000))

    with pytest.raises(Conflict) as refused:
        submit(session, rival, market.bid(line_id=line.id, price_fen_per_t=1299, kg_per_month=1_000_000))

    assert refused.value.sentence.values == {"least_fen_per_t": 1300, "net_fen_per_t": 1299}
    assert session.scalar(select(func.count(Bid.id))) == 1
    assert session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "bid.submit")) == 1
    submit(session, rival, market.bid(line_id=line.id, price_fen_per_t=1300, kg_per_month=1_000_000))


def test_bids_bind(session: Session, market: Market) -> None:
    first = submit(session, market.buyer, market.bid(price_fen_per_t=1200))

    with pytest.raises(Conflict, match="bids bind"):
        services.withdraw_bid(session, market.buyer, first, now=NOON + timedelta(hours=2))
    for worse in ({"price_fen_per_t": 1199}, {"kg_per_month": 2_999_999}, {"price_fen_per_t": 1299}):
        with pytest.raises(Conflict):
            submit(session, market.buyer, market.bid(**worse))
    assert submit(session, market.buyer, market.bid(price_fen_per_t=1200)) == first
    second = submit(session, market.buyer, market.bid(price_fen_per_t=1300))

    rows = session.execute(
        select(Bid.id, Bid.revision, Bid.price_fen_per_t, Bid.sealed, Bid.replaced_at.is_not(None)).order_by(Bid.id)
    )
    assert [tuple(row) for row in rows] == [(first, 1, 1200, None, True), (second, 2, 1300, None, False)]
    assert list(broken(session)) == []


def test_a_late_bid_moves_the_end_and_not_the_rules(session: Session, market: Market) -> None:
    _, line, rival = market.another()
    submit(session, market.buyer, market.bid(price_fen_per_t=1200))
    assert ends(session, market) == (CLOSES, None)

    submit(session, rival, market.bid(line_id=line.id, price_fen_per_t=1300), now=NEAR)

    moved = CLOSES + timedelta(minutes=3)
    assert ends(session, market) == (moved, CLOSES)
    submit(session, market.buyer, market.bid(price_fen_per_t=1500), now=moved - MICROSECOND)
    assert ends(session, market) == (moved + timedelta(minutes=5) - MICROSECOND, CLOSES)
    assert session.execute(select(StatedRules.version, StatedRules.closes_at)).all() == [(1, CLOSES)]
    assert list(broken(session)) == []
    with pytest.raises(Conflict, match="Bidding ended"):
        submit(
            session, rival, market.bid(line_id=line.id, price_fen_per_t=1800),
            now=moved + timedelta(minutes=5) - MICROSECOND,
        )  # fmt: skip


def test_the_end_moves_by_two_hours_at_most(session: Session, market: Market) -> None:
    _, line, rival = market.another()
    latest = CLOSES + timedelta(hours=2)
    at, price = NEAR, 1200
    while at < latest:
        bid = market.bid(price_fen_per_t=price)
        submit(session, market.buyer, bid, now=at)
        at, price = at + timedelta(minutes=4, seconds=50), price + 100

    assert ends(session, market) == (latest, CLOSES)
    with pytest.raises(Conflict, match="Bidding ended"):
        submit(session, rival, market.bid(line_id=line.id, price_fen_per_t=price), now=latest)


def test_after_the_end_it_is_awarded_as_any_other(session: Session, market: Market) -> None:
    bid = submit(session, market.buyer, market.bid(), now=NEAR)
    closed = CLOSES + timedelta(minutes=3)

    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=closed)
    award_bid(session, market.seller, bid, 3_000_000, now=closed)

    assert session.execute(select(Award.bid_id, Award.price_fen_per_t)).all() == [(bid, 1200)]
    assert list(broken(session)) == []


def test_the_kind_of_a_sale_stays_and_hours_of_loading_change_after_the_end_moved(
    session: Session, market: Market
) -> None:
    submit(session, market.buyer, market.bid(), now=NEAR)
    moved = ends(session, market)
    columns = {
        name: getattr(market.listing, name)
        for name in ("first_month", "last_month", "kg_per_month", "asking_fen_per_t", "reserve_fen_per_t", "disclosure")
    }
    same = {**columns, "bids_close_at": CLOSES, "sale_kind": "ascending", "loading_hours": "06:00–10:00"}

    edit_listing(session, market.seller, market.listing.id, NewListing(**same), now=NEAR)
    assert ends(session, market) == moved

    for other in ({"sale_kind": "sealed"}, {"least_step_fen_per_t": 200}, {"soft_close_minutes": 10}):
        with pytest.raises(Conflict, match="rules of a sale stay"):
            edit_listing(session, market.seller, market.listing.id, NewListing(**(same | other)), now=NEAR)


def test_a_change_of_the_goods_voids_the_bids_and_names_its_own_deadline(session: Session, market: Market) -> None:
    submit(session, market.buyer, market.bid(), now=NEAR)
    columns = {
        name: getattr(market.listing, name)
        for name in ("first_month", "last_month", "asking_fen_per_t", "reserve_fen_per_t", "disclosure")
    }
    other = NewListing(**columns, kg_per_month=4_000_000, bids_close_at=CLOSES, sale_kind="ascending")

    edit_listing(session, market.seller, market.listing.id, other, confirmed=True, now=NEAR + timedelta(minutes=1))

    closes_at, planned = ends(session, market)
    assert planned is None
    assert closes_at == NEAR + timedelta(minutes=1, hours=24)
    assert seen(session, market.buyer, market, now=NEAR + timedelta(minutes=2)).rows == ()
    assert list(broken(session)) == []


def test_only_who_reads_the_figures_of_an_open_sale_reads_how_it_stands(session: Session, make: Make) -> None:
    sealed, masked = Market(make), Market(make, sale_kind="ascending", disclosure="masked")
    stranger = make.signatory(make.organization(verified_at=None))

    with pytest.raises(NotFound):
        open_sale(session, sealed.seller, sealed.listing.id, now=NOON)
    with pytest.raises(NotFound):
        open_sale(session, stranger, masked.listing.id, now=NOON)
    assert open_sale(session, masked.buyer, masked.listing.id, now=NOON).rows == ()


def test_the_token_changes_with_each_bid_and_at_the_end_alone(session: Session, market: Market) -> None:
    def token(now: object) -> str:
        return sale_version(session, market.listing.id, now=now)  # type: ignore[arg-type]

    before = token(NOON)
    assert before == token(NOON + timedelta(hours=1))
    submit(session, market.buyer, market.bid())
    after = token(NOON + timedelta(hours=2))

    assert after != before
    assert after == token(CLOSES - MICROSECOND)
    assert after != token(CLOSES)


def test_an_open_sale_without_a_deadline_is_refused() -> None:
    with pytest.raises(Invalid) as refused:
        NewListing(
            first_month=Month(2026, 4), last_month=Month(2026, 4), kg_per_month=1, asking_fen_per_t=0,
            sale_kind="ascending",
        )  # fmt: skip
    assert refused.value.field == "bids_close_on"

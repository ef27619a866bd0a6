"""Bids are opened at the deadline, all at once and once; what was changed is invalid; without the key nothing happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.adapters.sealing import KeyFile
from marketplace.domain.actors import SYSTEM
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.sealing import LENGTH, digest_of
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import SEALED, Bid, Listing
from marketplace.queries.bidding import award_page, bid_form_page
from marketplace.queries.bids import bid_page, bids_page
from marketplace.queries.listed import Wish
from marketplace.services.bids import submit_bid, withdraw_bid
from marketplace.services.listings import award_bid, end_bidding, withdraw_listing
from marketplace.services.opening import open_bids, open_due
from tests.factories import NOON, SEALER, Make
from tests.integration.services.market import CLOSES, MICROSECOND, Market

PLAIN = {
    "price_fen_per_t": 1200,
    "kg_per_month": 3_000_000,
    "transport": "recycler",
    "deduction_fen_per_t": 0,
    "note": "可提供罐车",
}


@pytest.fixture
def market(make: Make) -> Market:
    return Market(make)


def submit(session: Session, market: Market, **given: object) -> int:
    return submit_bid(session, market.buyer, market.bid(note="可提供罐车", **given), sealer=SEALER, now=NOON)


def columns(session: Session, bid_id: int) -> dict[str, object]:
    bid = session.get_one(Bid, bid_id, populate_existing=True)
    return {name: getattr(bid, name) for name in SEALED}


def opening_rows(session: Session) -> list[dict[str, object]]:
    return list(session.scalars(select(AuditRow.detail).where(AuditRow.action == "listing.open").order_by(AuditRow.id)))


def opened_at(session: Session, market: Market) -> datetime | None:
    return session.get_one(Listing, market.listing.id, populate_existing=True).bids_opened_at


def damage(session: Session, bid_id: int, **values: object) -> None:
    with transaction(session):
        session.execute(update(Bid).where(Bid.id == bid_id).values(**values))
    session.expire_all()


def test_before_the_deadline_no_column_holds_anything_of_it(session: Session, market: Market) -> None:
    bid_id = submit(session, market)

    assert columns(session, bid_id) == dict.fromkeys(SEALED)
    bid = session.get_one(Bid, bid_id)
    assert bid.sealed is not None
    assert len(bid.sealed) == 12 + LENGTH + 16
    assert (bid.opened_at, bid.seal_key_id, len(bid.receipt or "")) == (None, SEALER.seal(b"", b"").key_id, 64)
    with pytest.raises(ValueError, match="sealed"):
        _ = bid.terms
    assert list(broken(session)) == []


def test_at_the_deadline_and_not_before_all_that_stand_are_opened_at_once(session: Session, market: Market) -> None:
    first = submit(session, market, price_fen_per_t=900)
    second = submit(session, market)
    _, line, buyer = market.another()
    gone = submit_bid(session, buyer, market.bid(line_id=line.id), sealer=SEALER, now=NOON)
    withdraw_bid(session, buyer, gone, now=NOON)

    with pytest.raises(Conflict, match="sealed until"):
        open_bids(session, market.seller, market.listing.id, sealer=SEALER, now=CLOSES - MICROSECOND)
    assert (columns(session, second), opening_rows(session)) == (dict.fromkeys(SEALED), [])

    open_bids(session, market.seller, market.listing.id, sealer=SEALER, now=CLOSES)

    assert {name: columns(session, second)[name] for name in PLAIN} == PLAIN
    assert columns(session, first) == columns(session, gone) == dict.fromkeys(SEALED)
    assert opened_at(session, market) == CLOSES
    bid = session.get_one(Bid, second)
    assert bid.opened_at == CLOSES
    assert opening_rows(session) == [{"opened": 1, "invalid": 0, "receipts_sha256": digest_of([bid.receipt or ""])}]
    assert list(broken(session)) == []


def test_opened_again_nothing_changes(session: Session, market: Market) -> None:
    submit(session, market)
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)

    open_bids(session, market.seller, market.listing.id, sealer=SEALER, now=CLOSES + MICROSECOND)
    open_due(session, CLOSES + MICROSECOND, sealer=SEALER)

    assert opened_at(session, market) == CLOSES
    assert len(opening_rows(session)) == 1


def test_the_producer_opens_and_no_other(session: Session, market: Market) -> None:
    submit(session, market)
    make = market.make
    auditor, administrator = make.actor(make.person("auditor")), make.administrator(make.park())

    for stranger, refusal in ((market.buyer, NotFound), (administrator, NotFound), (auditor, NotAllowed)):
        with pytest.raises(refusal):
            open_bids(session, stranger, market.listing.id, sealer=SEALER, now=CLOSES)
    with pytest.raises(NotFound):
        open_bids(session, market.seller, 999, sealer=SEALER, now=CLOSES)
    assert opened_at(session, market) is None

    clerk = make.actor(make.person("clerk", organization=market.plant))
    open_bids(session, clerk, market.listing.id, sealer=SEALER, now=CLOSES)

    assert opened_at(session, market) == CLOSES


def test_what_was_changed_in_the_database_is_invalid_and_the_others_are_opened(
    session: Session, market: Market
) -> None:
    _, line, buyer = market.another()
    cheap = submit(session, market)
    dear = submit_bid(session, buyer, market.bid(line_id=line.id, price_fen_per_t=1500), sealer=SEALER, now=NOON)
    box = session.get_one(Bid, dear).sealed
    damage(session, cheap, sealed=box)  # another's bid put into the own row

    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)

    assert columns(session, cheap) == dict.fromkeys(SEALED)
    assert session.get_one(Bid, cheap).invalid_because == "changed"
    assert columns(session, dear)["price_fen_per_t"] == 1500
    assert [(row["opened"], row["invalid"]) for row in opening_rows(session)] == [(1, 1)]
    page = award_page(session, market.seller, market.listing.id, now=CLOSES)
    assert [row.bid_id for row in page.rows] == [dear]
    assert [each.because for each in page.invalid] == ["changed"]
    own = bid_page(session, market.buyer, cheap, now=CLOSES)
    assert (own.row.state, own.row.terms) == ("invalid", None)
    session.rollback()
    with pytest.raises(Conflict, match="invalid"):
        award_bid(session, market.seller, cheap, 1_000_000, now=CLOSES)
    award_bid(session, market.seller, dear, 1_000_000, now=CLOSES)
    assert list(broken(session)) == []


def test_without_the_key_nothing_is_taken_opened_or_lost(session: Session, market: Market, tmp_path: Path) -> None:
    bid_id = submit(session, market)
    elsewhere = KeyFile(tmp_path / "seal.key")

    with pytest.raises(Conflict, match="is not on this server"):
        submit_bid(session, market.buyer, market.bid(price_fen_per_t=900), sealer=elsewhere, now=NOON)
    for act in (
        lambda: open_bids(session, market.seller, market.listing.id, sealer=elsewhere, now=CLOSES),
        lambda: open_due(session, CLOSES, sealer=elsewhere),
    ):
        with pytest.raises(Conflict, match="is not on this server"):
            act()
    assert (columns(session, bid_id), opened_at(session, market)) == (dict.fromkeys(SEALED), None)
    assert session.get_one(Bid, bid_id).replaced_at is None

    open_due(session, CLOSES, sealer=SEALER)

    assert columns(session, bid_id)["price_fen_per_t"] == 1200


def test_the_worker_opens_what_is_due_and_one_without_its_key_does_not_stop_the_others(
    session: Session, make: Make, tmp_path: Path
) -> None:
    first, second, later = Market(make), Market(make), Market(make, bids_close_at=CLOSES + timedelta(days=1))
    gone = Market(make)
    lost = KeyFile(tmp_path / "seal.key", make=True)
    submit_bid(session, first.buyer, first.bid(), sealer=lost, now=NOON)
    for market in (second, later, gone):
        submit(session, market)
    withdraw_listing(session, gone.seller, gone.listing.id, now=NOON)

    with pytest.raises(Conflict, match="is not on this server"):
        open_due(session, CLOSES, sealer=SEALER)

    assert [opened_at(session, market) for market in (first, second, later, gone)] == [None, CLOSES, None, None]


def test_a_request_that_came_in_time_and_waited_past_the_opening_is_refused(session: Session, market: Market) -> None:
    bid_id = submit(session, market)
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)

    with pytest.raises(Conflict, match="Bidding ended"):
        submit_bid(session, market.buyer, market.bid(), sealer=SEALER, now=CLOSES - MICROSECOND)
    with pytest.raises(Conflict, match="Bidding ended"):
        withdraw_bid(session, market.buyer, bid_id, now=CLOSES - MICROSECOND)

    assert list(broken(session)) == []


def test_nothing_is_decided_while_bids_are_sealed(session: Session, market: Market) -> None:
    bid_id = submit(session, market)

    for act in (
        lambda: award_bid(session, market.seller, bid_id, 1_000_000, now=CLOSES),
        lambda: end_bidding(session, market.seller, market.listing.id, "价格太低", now=CLOSES),
    ):
        with pytest.raises(Conflict, match="open them first"):
            act()

    assert session.get_one(Listing, market.listing.id, populate_existing=True).bids_decided_at is None


def test_the_bidder_reads_its_receipt_and_not_its_price_until_the_opening(session: Session, market: Market) -> None:
    bid_id = submit(session, market)
    receipt = session.get_one(Bid, bid_id).receipt

    before = bid_page(session, market.buyer, bid_id, now=CLOSES)
    listed = bids_page(session, market.buyer, Wish(), now=NOON).listed.rows
    form = bid_form_page(session, market.buyer, market.listing.id, market.line.id, now=NOON)
    assert (before.row.terms, before.row.receipt, before.row.bidding) == (None, receipt, "to_open")
    assert [(row.terms, row.receipt, row.state) for row in listed] == [(None, receipt, "live")]
    assert form.live is not None
    assert (form.live.id, form.usual_fen_per_t) == (bid_id, 1000)  # the asking price alone
    session.rollback()
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)

    after = bid_page(session, market.buyer, bid_id, now=CLOSES)

    assert after.row.terms is not None
    assert (after.row.terms.price_fen_per_t, after.row.receipt) == (1200, receipt)


def test_the_question_about_an_unusual_price_knows_opened_bids_alone(session: Session, make: Make) -> None:
    asking = {"asking_fen_per_t": 100, "reserve_fen_per_t": None}
    market, other = Market(make, **asking), Market(make, **asking)
    late = Market(make, **asking, bids_close_at=CLOSES + timedelta(days=9))
    submit(session, market, price_fen_per_t=10, confirmed=True)
    usual = replace(other.bid(), line_id=market.line.id, price_fen_per_t=100)
    later = replace(usual, listing_id=late.listing.id)

    submit_bid(session, market.buyer, usual, sealer=SEALER, now=NOON)  # a sealed one is not known: nothing is asked
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)

    with pytest.raises(Invalid, match="more than five times the usual 10 "):
        submit_bid(session, market.buyer, later, sealer=SEALER, now=CLOSES)
    assert bid_form_page(session, market.buyer, late.listing.id, market.line.id, now=CLOSES).usual_fen_per_t == 10


@pytest.mark.parametrize(
    "values",
    [
        {"price_fen_per_t": 1200},
        {"note": "x"},
        {"opened_at": CLOSES},
        {"sealed": None},
        {"receipt": None},
    ],
)
def test_the_database_refuses_a_row_that_is_half_open(
    session: Session, market: Market, values: dict[str, object]
) -> None:
    bid_id = submit(session, market)

    with pytest.raises(IntegrityError):
        damage(session, bid_id, **values)
    session.rollback()

    assert columns(session, bid_id) == dict.fromkeys(SEALED)


def _too_early(session: Session, market: Market) -> None:
    session.execute(update(Listing).where(Listing.id == market.listing.id).values(bids_close_at=CLOSES + MICROSECOND))


def _one_forgotten(session: Session, market: Market) -> None:
    session.execute(update(Listing).where(Listing.id == market.listing.id).values(bids_close_at=CLOSES))
    session.execute(
        text(
            "update bids set opened_at = null, price_fen_per_t = null, kg_per_month = null, transport = null,"
            " freight_fen_per_t = null, deduction_fen_per_t = null, note = null"
        )
    )


def _decided_sealed(session: Session, market: Market) -> None:
    _one_forgotten(session, market)
    session.execute(
        update(Listing).where(Listing.id == market.listing.id).values(bids_opened_at=None, bids_decided_at=CLOSES)
    )


@pytest.mark.parametrize(("break_it", "code"), [(_too_early, "I14"), (_one_forgotten, "I15"), (_decided_sealed, "I15")])
def test_an_opening_that_is_early_or_in_part_is_found(
    session: Session, market: Market, break_it: Callable[[Session, Market], None], code: str
) -> None:
    submit(session, market)
    open_bids(session, SYSTEM, market.listing.id, sealer=SEALER, now=CLOSES)
    assert list(broken(session)) == []
    session.rollback()

    with transaction(session):
        break_it(session, market)

    assert {breach.invariant.code for breach in broken(session)} == {code}

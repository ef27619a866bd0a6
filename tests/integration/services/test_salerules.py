"""The rules of a sale are fixed and hashed before the first bid; other goods void what was bid, and the bidders are told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.bids import NewBid
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.hazards import questions
from marketplace.domain.listings import GOODS_FIELDS, MATERIAL_FIELDS, RULE_FIELDS, NewListing
from marketplace.domain.quantities import Month
from marketplace.domain.salerules import moved_deadline
from marketplace.domain.streams import NewSheet, NewStream, NewValue
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.salerules import StatedRules
from marketplace.persistence.streams import LabSheet, WasteStream
from marketplace.queries.bids import bid_page
from marketplace.services import salerules
from marketplace.services.bids import submit_bid, withdraw_bid
from marketplace.services.listings import award_bid, edit_listing, end_bidding, post_listing
from marketplace.services.streams import add_sheet, edit_stream, void_sheet
from tests.factories import NOON, SEALER, Make

HOUR, MICROSECOND = timedelta(hours=1), timedelta(microseconds=1)
CLOSES = NOON + timedelta(days=14)
SPRING = NewListing(
    first_month=Month(2027, 2),
    last_month=Month(2027, 4),
    kg_per_month=5_000_000,
    asking_fen_per_t=1000,
    reserve_fen_per_t=500,
    bids_close_at=CLOSES,
)
LESS = replace(SPRING, kg_per_month=4_000_000)


class Sale:
    """A published sale, and a recycler that has bid on it."""

    def __init__(self, session: Session, make: Make) -> None:
        self.session, self.make = session, make
        self.plant = make.organization(recycles=False)
        harmless = {question.code: not question.hazardous_if for question in questions("fly_ash")}
        self.stream = make.stream(make.site(self.plant), values={"moisture": "0.4"}, origin_answers=harmless)
        self.seller = make.signatory(self.plant)
        self.listing_id = post_listing(session, self.seller, self.stream.id, SPRING, publish=True, now=NOON)
        self.recycler = make.organization()
        self.line = make.line(make.site(self.recycler))
        self.person = make.person("signatory", organization=self.recycler)
        self.buyer = make.actor(self.person)

    def bid(self, *, now: datetime = NOON + HOUR, **given: object) -> int:
        values = {
            "listing_id": self.listing_id,
            "line_id": self.line.id,
            "price_fen_per_t": 1200,
            "kg_per_month": 3_000_000,
        }
        new = NewBid(**(values | given))  # type: ignore[arg-type]
        return submit_bid(self.session, self.buyer, new, sealer=SEALER, now=now)

    @property
    def listing(self) -> Listing:
        return self.session.get_one(Listing, self.listing_id, populate_existing=True)

    def sheet(self, number: str = "NEW-1", moisture: str = "0.6") -> NewSheet:
        return NewSheet(
            stream_id=self.stream.id,
            sheet_no=number,
            laboratory="测试化验室",
            accredited=True,
            sampled_on=date(2027, 1, 14),
            reported_on=date(2027, 1, 14),
            values=(NewValue(property="moisture", value=Decimal(moisture)),),
        )

    def described(self, **given: object) -> NewStream:
        stream = self.session.get_one(WasteStream, self.stream.id)
        names = ("site_id", "name", "material", "waste_code", "generation_kg_per_month", "origin_answers")
        return NewStream(**({name: getattr(stream, name) for name in names} | given))  # type: ignore[arg-type]


@pytest.fixture
def sale(session: Session, make: Make) -> Sale:
    return Sale(session, make)


def stated(session: Session) -> list[tuple[int, str, datetime, datetime]]:
    rows = session.scalars(select(StatedRules).order_by(StatedRules.id).execution_options(populate_existing=True))
    return [(row.version, row.sha256, row.since_at, row.closes_at) for row in rows]


def bids(session: Session) -> list[tuple[int, datetime | None, str]]:
    rows = session.scalars(select(Bid).order_by(Bid.id).execution_options(populate_existing=True))
    return [(row.revision, row.voided_at, row.voided_because) for row in rows]


def everything(session: Session) -> list[int]:
    session.rollback()
    tables = (StatedRules, Bid, OutboxMail, AuditRow, LabSheet, ListingMonth)
    return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def codes(session: Session) -> list[str]:
    return [breach.invariant.code for breach in broken(session)]


def test_each_field_of_a_listing_is_a_rule_or_goods_or_free() -> None:
    assert set(RULE_FIELDS) | set(GOODS_FIELDS) | {"storage_kg", "storage_fen_per_t"} == set(MATERIAL_FIELDS)
    assert set(RULE_FIELDS) & set(GOODS_FIELDS) == set()


def test_rules_are_hashed_when_the_sale_is_published_and_kept_with_the_bid(session: Session, sale: Sale) -> None:
    rules = session.scalars(select(StatedRules)).one()
    bid = session.get_one(Bid, sale.bid())

    said = json.loads(rules.text)
    assert (rules.version, rules.since_at, rules.closes_at) == (1, NOON, CLOSES)
    assert rules.sha256 == hashlib.sha256(rules.text.encode()).hexdigest() == bid.rules_sha256
    assert said["fixed"] == {
        "kind": "sealed",
        "ranking": "net_fen_per_t descending, then received_at, then number of the bid",
        "answer_business_days": 3,
        "standby_business_days": 10,
        "first_month": "2027-02",
        "last_month": "2027-04",
        "asking_fen_per_t": 1000,
        "least_lot_kg": 0,
        "cap_per_buyer_kg": None,
        "small_works_share_percent": 0,
        "disclosure": "members",
    }
    assert (said["bids_close_at"], said["goods"]["kg_per_month"]) == (CLOSES.isoformat(), 5_000_000)
    assert [mark["sampled_on"] for mark in said["goods"]["sheets"]] == ["2027-01-04"]
    assert "500" not in json.dumps(said["fixed"])  # the reserve is secret
    assert codes(session) == []


def test_a_sale_from_before_rules_were_hashed_states_them_with_the_first_bid(session: Session, make: Make) -> None:
    plant, recycler = make.organization(), make.organization()
    listing = make.listing(make.stream(make.site(plant), values={"moisture": "0.4"}))
    line = make.line(make.site(recycler))
    new = NewBid(listing_id=listing.id, line_id=line.id, price_fen_per_t=1200, kg_per_month=3_000_000)

    submit_bid(session, make.signatory(recycler), new, sealer=SEALER, now=NOON + HOUR)

    assert [(version, since) for version, _, since, _ in stated(session)] == [(1, NOON + HOUR)]
    assert codes(session) == []


@pytest.mark.parametrize(
    "change",
    [
        {"first_month": Month(2027, 3)},
        {"last_month": Month(2027, 5)},
        {"asking_fen_per_t": 900},
        {"reserve_fen_per_t": 400},
        {"least_lot_kg": 1000},
        {"cap_per_buyer_kg": 9_000_000},
        {"small_works_share_percent": 10},
        {"disclosure": "open"},
        {"inspect_from": date(2027, 1, 18), "inspect_until": date(2027, 1, 19), "inspect_how": "北门"},
        {"bids_close_at": CLOSES + HOUR},
        {"bids_close_at": None},
    ],
)
@pytest.mark.parametrize("with_bid", [False, True])
def test_a_rule_is_never_changed_and_the_refusal_does_not_tell_whether_there_are_bids(
    session: Session, sale: Sale, change: dict[str, object], *, with_bid: bool
) -> None:
    if with_bid:
        sale.bid()
    before = everything(session)

    with pytest.raises(Conflict, match="whether bids were made or not"):
        edit_listing(
            session,
            sale.seller,
            sale.listing_id,
            replace(SPRING, **change),
            confirmed=True,
            now=NOON + 2 * HOUR,  # type: ignore[arg-type]
        )

    assert everything(session) == before
    assert sale.listing.asking_fen_per_t == 1000


@pytest.mark.parametrize("with_bid", [False, True])
def test_other_goods_need_a_confirmation_in_the_same_words_with_and_without_bids(
    session: Session, sale: Sale, *, with_bid: bool
) -> None:
    if with_bid:
        sale.bid()
    before = everything(session)

    with pytest.raises(Invalid, match="any bids made so far on this sale become void") as refused:
        edit_listing(session, sale.seller, sale.listing_id, LESS, now=NOON + 2 * HOUR)

    assert refused.value.field == "confirmed"
    assert everything(session) == before
    assert sale.listing.kg_per_month == 5_000_000


def test_a_confirmed_change_voids_bids_tells_the_bidders_and_they_bid_again(session: Session, sale: Sale) -> None:
    first = sale.bid()
    at = NOON + 2 * HOUR

    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=at)

    assert bids(session) == [(1, at, "listing")]
    assert [row[0] for row in stated(session)] == [1, 2]
    assert sale.listing.bids_close_at == CLOSES
    mail = session.scalars(select(OutboxMail)).one()
    assert (mail.kind, mail.recipient, mail.values["cause"]) == ("bid_void", sale.person.email, "listing")
    void = session.scalars(select(AuditRow).where(AuditRow.action == "bid.void")).one()
    assert (void.object_id, void.organization_id, void.detail) == (
        first,
        sale.recycler.id,
        {"listing_id": sale.listing_id, "cause": "listing"},
    )
    row = bid_page(session, sale.buyer, first, now=at).row
    assert (row.state, row.voided_at, row.voided_because) == ("void", at, "listing")
    sale.bid(now=at + HOUR)
    assert bids(session) == [(1, at, "listing"), (2, None, "")]
    assert codes(session) == []


def test_rules_that_are_changed_by_a_clock_set_back_begin_after_those_before(session: Session, sale: Sale) -> None:
    earlier = NOON - timedelta(seconds=1)

    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=earlier)

    since = session.scalars(select(StatedRules.since_at).order_by(StatedRules.version)).all()
    assert since == [NOON, NOON + MICROSECOND]
    with pytest.raises(Conflict, match="changed since you opened the page"):
        sale.bid(now=NOON)
    assert session.scalar(select(func.count(Bid.id))) == 0


def test_bids_that_do_not_stand_are_left_alone(session: Session, sale: Sale) -> None:
    sale.bid()
    withdraw_bid(session, sale.buyer, sale.bid(price_fen_per_t=1300), now=NOON + HOUR)

    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=NOON + 2 * HOUR)

    assert bids(session) == [(1, None, ""), (2, None, "")]
    assert session.scalar(select(func.count(OutboxMail.id))) == 0


def test_in_the_last_day_the_deadline_moves_to_a_day_ahead(
    session: Session, sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale.bid()
    exactly, late = CLOSES - timedelta(hours=24), CLOSES - HOUR

    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=exactly)
    assert sale.listing.bids_close_at == CLOSES
    edit_listing(session, sale.seller, sale.listing_id, replace(LESS, note="湿排"), confirmed=True, now=late)

    assert sale.listing.bids_close_at == late + timedelta(hours=24)
    assert (sale.listing.expires_at or NOON) >= late + timedelta(days=15)
    sale.bid(now=late + 23 * HOUR)
    assert codes(session) == []
    monkeypatch.setattr(salerules, "moved_deadline", lambda close, _now: close)  # with the protection off I16 is broken
    again = replace(LESS, note="干排", bids_close_at=sale.listing.bids_close_at)
    edit_listing(session, sale.seller, sale.listing_id, again, confirmed=True, now=late + 23 * HOUR + MICROSECOND)
    assert codes(session) == ["I16b"]


def test_a_deadline_that_would_leave_the_window_is_refused(session: Session, make: Make) -> None:
    sale = Sale(session, make)
    other = make.stream(make.site(sale.plant), origin_answers=sale.stream.origin_answers)
    closes = datetime(2027, 2, 28, 12, tzinfo=NOON.tzinfo)
    short = replace(SPRING, last_month=Month(2027, 2), bids_close_at=closes)
    listing_id = post_listing(session, sale.seller, other.id, short, publish=True, now=NOON)
    before = everything(session)

    with pytest.raises(Conflict, match="end before anybody could bid again"):
        edit_listing(session, sale.seller, listing_id, replace(short, note="湿排"), confirmed=True, now=closes - HOUR)

    assert everything(session) == before


Change = Callable[[Session, Sale, bool, datetime], object]
CHANGES: dict[str, Change] = {
    "sheet": lambda session, sale, confirmed, now: add_sheet(
        session, sale.seller, sale.sheet(), confirmed=confirmed, now=now
    ),
    "void": lambda session, sale, confirmed, now: void_sheet(
        session,
        sale.seller,
        sale.stream.id,
        session.scalars(select(LabSheet.id).where(LabSheet.stream_id == sale.stream.id)).first() or 0,
        confirmed=confirmed,
        now=now,
    ),
    "stream": lambda session, sale, confirmed, now: edit_stream(
        session, sale.seller, sale.stream.id, sale.described(form="slurry"), confirmed=confirmed, now=now
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_known_of_the_waste_voids_bids_too(session: Session, sale: Sale, name: str) -> None:
    sale.bid()
    before, at = everything(session), NOON + 2 * HOUR

    with pytest.raises(Invalid, match="any bids made so far") as refused:
        CHANGES[name](session, sale, False, at)
    assert refused.value.field == "confirmed"
    assert everything(session) == before

    CHANGES[name](session, sale, True, at)

    assert bids(session) == [(1, at, "stream" if name == "stream" else "sheet")]
    assert [row[0] for row in stated(session)] == [1, 2]
    assert session.scalar(select(func.count(OutboxMail.id)).where(OutboxMail.kind == "bid_void")) == 1
    assert codes(session) == []


def test_what_says_nothing_of_the_goods_needs_no_confirmation(session: Session, sale: Sale) -> None:
    sale.bid()

    edit_stream(
        session, sale.seller, sale.stream.id, sale.described(name="改名", stock_kg=7_000_000), now=NOON + 2 * HOUR
    )
    hours = replace(SPRING, loading_hours="06:00-22:00", storage_kg=1_000_000)
    edit_listing(session, sale.seller, sale.listing_id, hours, now=NOON + 2 * HOUR)

    assert bids(session) == [(1, None, "")]
    assert len(stated(session)) == 1


@pytest.mark.parametrize("name", CHANGES)
def test_after_the_deadline_the_waste_is_described_as_it_is_and_bids_stand(
    session: Session, sale: Sale, name: str
) -> None:
    sale.bid()

    CHANGES[name](session, sale, False, CLOSES)

    assert bids(session) == [(1, None, "")]
    with pytest.raises(Conflict, match="what bids were asked for on stays as it is"):
        edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=CLOSES)
    assert sale.listing.kg_per_month == 5_000_000
    assert codes(session) == []


def test_where_nobody_bid_the_listing_is_free_once_that_is_known(session: Session, sale: Sale, make: Make) -> None:
    later = replace(SPRING, asking_fen_per_t=800, bids_close_at=CLOSES + timedelta(days=10))
    with pytest.raises(Conflict, match="what bids were asked for on stays as it is"):
        edit_listing(session, sale.seller, sale.listing_id, later, now=CLOSES)
    make.opened(sale.listing)
    end_bidding(session, sale.seller, sale.listing_id, "没有报价。", now=CLOSES)

    edit_listing(session, sale.seller, sale.listing_id, later, now=CLOSES)
    sale.bid(now=CLOSES + HOUR)

    assert [(version, since) for version, _, since, _ in stated(session)] == [(1, NOON), (2, CLOSES)]
    assert codes(session) == []


def test_a_bid_on_a_page_that_is_out_of_date_is_refused(session: Session, sale: Sale) -> None:
    read = stated(session)[0][1]
    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=NOON + HOUR)
    before = everything(session)

    with pytest.raises(Conflict, match="changed since you opened the page"):
        sale.bid(rules_sha256=read)
    assert everything(session) == before

    sale.bid(rules_sha256=stated(session)[1][1])
    sale.bid(price_fen_per_t=1300)  # without a page: whatever is in force
    assert [row[0] for row in bids(session)] == [1, 2]


def test_a_void_bid_stays_sealed_and_cannot_be_awarded_or_ranked(session: Session, sale: Sale, make: Make) -> None:
    void = sale.bid()
    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=NOON + 2 * HOUR)
    make.opened(sale.listing)

    with pytest.raises(Conflict, match="replaced or withdrawn"):
        award_bid(session, sale.seller, void, 1_000_000, now=CLOSES)
    end_bidding(session, sale.seller, sale.listing_id, "没有报价。", now=CLOSES)

    row = bid_page(session, sale.buyer, void, now=CLOSES).row
    assert (row.state, row.terms, row.standing) == ("void", None, None)
    assert session.get_one(Bid, void, populate_existing=True).opened_at is None
    assert codes(session) == []


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update bids set rules_sha256 = 'x'", "I16a"),
        ("update bids set received_at = received_at - 7200000000", "I16a"),
        ("update bids set withdrawn_at = null, voided_at = null, voided_because = ''", "I16a"),
    ],
)
def test_bids_on_other_rules_are_found(session: Session, sale: Sale, damage: str, code: str) -> None:
    sale.bid()
    edit_listing(session, sale.seller, sale.listing_id, LESS, confirmed=True, now=NOON + 2 * HOUR)
    assert codes(session) == []

    with transaction(session):
        session.execute(text(damage))

    assert set(codes(session)) == {code}


@pytest.mark.parametrize(
    "damage",
    [
        "update bids set voided_at = received_at",
        "update bids set voided_because = 'listing'",
        "update bids set voided_at = 5, withdrawn_at = 6, voided_because = 'listing'",
        "update bids set voided_at = 5, withdrawn_at = 5, voided_because = 'weather'",
        "update sale_rules set text = 'x'",
        "delete from sale_rules",
    ],
)
def test_the_database_itself_refuses_half_void_bids_and_other_rules(session: Session, sale: Sale, damage: str) -> None:
    sale.bid()

    with pytest.raises(DatabaseError), transaction(session):
        session.execute(text(damage))

    assert bids(session) == [(1, None, "")]


def test_the_deadline_only_moves_ahead() -> None:
    assert moved_deadline(CLOSES, CLOSES - timedelta(hours=25)) == CLOSES
    assert moved_deadline(CLOSES, CLOSES - HOUR) == CLOSES + timedelta(hours=23)

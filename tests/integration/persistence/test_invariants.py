"""Every invariant holds on what use cases write, and is found broken where it is broken."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from marketplace.domain.quantities import Month
from marketplace.persistence import invariants
from marketplace.persistence.database import transaction
from marketplace.services.awarding import award_bid
from marketplace.services.salerules import state_rules
from tests.factories import NOON, Make, accept
from tests.integration.services.test_holds import Sale


def codes(session: Session) -> set[str]:
    return {breach.invariant.code for breach in invariants.broken(session)}


def test_an_empty_database_breaks_nothing(session: Session) -> None:
    assert codes(session) == set()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update listing_months set reserved_kg = 1000", "I3a"),
        ("delete from listing_months where month = '2027-03'", "I24"),
        ("update listings set bids_close_at = 0", "I13"),
        ("update bids set revision = 3", "I12 I11a"),
        ("update rounds set published_at = 1, result_sha256 = 'x', input_sha256 = 'y'", "I17"),
    ],
)
def test_what_is_broken_is_named(session: Session, make: Make, damage: str, code: str) -> None:
    organization = make.organization()
    listing = make.listing(make.stream(make.site(organization)))
    make.bid(listing, make.line(), make.organization())
    make.round(make.park())
    assert codes(session) == set()

    with transaction(session):
        session.execute(text(damage))

    assert codes(session) == set(code.split())


DAMAGES = [
    ("update bids set receipt = 'another' where opened_at is not null", "I11a"),
    ("update contracts set terms_sha256 = 'another'", "I11b I20b"),
    ("delete from contract_signatures where side = 'producer'", "I20b I20c"),
    ("update contract_signatures set sha256 = substr(sha256, 2) || '-' where side = 'recycler'", "I20b"),
    ("update contract_signatures set organization_id = (select min(id) from organizations)", "I20b"),
    ("update contract_signatures set signed_at = signed_at - 1", "I20b"),
    ("update contracts set price_fen_per_t = price_fen_per_t + 1", "I11b I20a"),
    ("update sale_rules set sha256 = 'another'", "I11c I16a"),
    ("update bids set withdrawn_at = received_at, replaced_at = received_at where opened_at is null", "I12a"),
    ("update bids set withdrawn_at = received_at where opened_at is not null", "I12a I14a"),
    ("update awards set lapsed_at = answer_by - 1 where recycler_accepted_at is null", "I3a I3b I3c I4f"),
    ("update awards set recycler_accepted_at = answer_by where recycler_accepted_at is not null", "I20b I4f"),
    ("update awards set recycler_accepted_at = awarded_at where recycler_accepted_at is null", "I20c"),
    (
        "update awards set recycler_accepted_at = awarded_at, producer_accepted_at = awarded_at"
        " where recycler_accepted_at is null",
        "I20a I20c",
    ),
    ("update awards set transport = 'producer'", "I18a"),
    ("update award_months set kg = kg + 10000000 where month = '2027-02'", "I18a I3a I3b I3c I4a"),
    ("update awards set producer_id = recycler_id where recycler_accepted_at is null", "I18b"),
    ("update contracts set made_at = made_at + 1", "I20a"),
    ("update bids set received_from = (select min(id) from people) where opened_at is not null", "I21a"),
    ("update listings set withdrawn_at = published_at where bids_opened_at is not null", "I24a"),
    ("update awards set bid_id = null, round_id = (select min(id) from rounds)", "I17a"),
    (
        "update rounds set voided_at = 1, void_cause = 'x', published_at = 1, result_sha256 = 'y', input_sha256 = 'z';"
        "update awards set bid_id = null, round_id = (select min(id) from rounds)",
        "I17 I24b",
    ),
]


@pytest.mark.parametrize(("damage", "code"), DAMAGES)
def test_what_is_broken_in_a_trade_is_named(session: Session, make: Make, damage: str, code: str) -> None:
    """One sale with a contract and an award that waits, another that takes bids."""
    plant = make.organization(recycles=False)
    site, later = make.site(plant), NOON + timedelta(days=14)
    listing, other = make.listing(make.stream(site)), make.listing(make.stream(site))
    seller, firms = make.signatory(plant), [make.organization(produces=False) for _ in range(2)]
    lines = [make.line(make.site(firm)) for firm in firms]
    bids = [make.bid(listing, line, firm, kg_per_month=1_000_000) for line, firm in zip(lines, firms, strict=True)]
    make.bid(other, lines[0], firms[0])
    make.opened(listing, at=later)
    make.round(make.park())
    first, _ = (award_bid(session, seller, bid.id, 1_000_000, now=later) for bid in bids)
    for signatory in (seller, make.signatory(firms[0])):
        accept(session, signatory, first, now=later + timedelta(hours=1))
    with transaction(session):
        state_rules(session, other, now=NOON)
        session.execute(text("update bids set rules_sha256 = (select sha256 from sale_rules) where opened_at is null"))
    assert codes(session) == set()

    with transaction(session):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("set local session_replication_role = replica"))  # no trigger guards what is damaged
        else:
            for table in ("sale_rules", "contract_signatures"):
                for verb in ("update", "delete"):
                    session.execute(text(f"drop trigger if exists {table}_only_grows_{verb}"))
        for statement in damage.split(";"):
            session.execute(text(statement))

    assert codes(session) == set(code.split())


def test_a_month_whose_generation_goes_nowhere_is_named(session: Session, make: Make) -> None:
    organization = make.organization()
    stream = make.stream(make.site(organization))
    make.posting(stream, organization, month=Month(2027, 1), kg=5000)

    assert codes(session) == {"I8"}


def test_a_store_below_nothing_is_named(session: Session, make: Make) -> None:
    organization = make.organization()
    make.posting(make.stream(make.site(organization)), organization, debit="store", credit="utilized")

    assert codes(session) == {"I6"}


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        ("update bids set price_fen_per_t = price_fen_per_t + 1", "I12b"),
        ("update awards set awarded_at = awarded_at - 1", "I13"),
        ("update awards set recycler_id = (select min(recycler_id) from awards)", "I12b I18a I18b"),
        ("update listings set sale_kind = 'sealed'", "I13"),
        ("update bids set replaced_at = received_at", "I12a"),
    ],
)
def test_what_is_broken_at_a_fixed_price_is_named(session: Session, make: Make, damage: str, code: str) -> None:
    sale = Sale(make)
    sale.hold(0, 1_000_000)
    sale.hold(1, 1_000_000)
    assert codes(session) == set()

    with transaction(session):
        session.execute(text(damage))

    assert codes(session) == set(code.split())

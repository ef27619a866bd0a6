"""Both sides answer; two acceptances are a contract, a decline or the deadline gives the tonnes back."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from marketplace.domain.contracts import terms
from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import LineMonth
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Award, Contract, Round
from marketplace.services.awards import decline_award, lapse_due
from marketplace.services.listings import award_bid
from tests.factories import NOON, Make, accept
from tests.integration.services.rounds_world import AFTER, World, awards_of, published, world

DAY = timedelta(days=1)


def counters(session: Session) -> list[tuple[int, int]]:
    found = [
        (row[0], row[1])
        for table in (ListingMonth, LineMonth)
        for row in session.execute(select(table.reserved_kg, table.contracted_kg).order_by(table.id))
    ]
    session.rollback()
    return found


def test_two_acceptances_make_a_contract_over_one_text(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    producer, recycler = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])
    assert award.terms is not None
    digest = terms(award.terms).sha256

    first = accept(session, producer, award.id, terms_sha256=digest, now=AFTER)
    second = accept(session, recycler, award.id, terms_sha256=digest, now=AFTER + DAY)

    assert first is None
    contract = session.scalars(select(Contract)).one()
    assert (contract.id, contract.number) == (second, f"HY-2027-{award.id:06d}")
    assert (contract.kg, contract.price_fen_per_t) == (15_000_000, award.price_fen_per_t)
    assert (contract.terms, contract.terms_sha256) == (award.terms, digest)
    session.rollback()
    assert counters(session) == [(0, 5_000_000)] * 6
    assert list(broken(session)) == []


def test_the_same_acceptance_twice_has_one_effect(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    producer, recycler = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])

    answers = [accept(session, who, award.id, now=AFTER) for who in (producer, producer, recycler, recycler)]

    contract_id = session.scalars(select(Contract.id)).one()
    assert answers == [None, None, contract_id, contract_id]
    acts = select(func.count(AuditRow.id)).where(AuditRow.action.in_(["award.accept", "contract.make"]))
    assert session.scalar(acts) == 3


def test_a_decline_gives_the_tonnes_back_and_tells_the_other_side(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    recycler = make.signatory(made.recyclers[0])
    make.person("signatory", organization=made.plants[0], email="plant@test.example")
    accept(session, make.signatory(made.plants[0]), award.id, now=AFTER)
    with pytest.raises(Invalid):
        decline_award(session, recycler, award.id, " ", now=AFTER)

    decline_award(session, recycler, award.id, "Our kiln stands still.", now=AFTER)

    again = session.get_one(Award, award.id, populate_existing=True)
    assert (again.declined_by, again.decline_reason) == ("recycler", "Our kiln stands still.")
    mails = session.execute(select(OutboxMail.kind, OutboxMail.recipient).where(OutboxMail.kind == "declined")).all()
    assert ("declined", "plant@test.example") in mails
    assert len(mails) == 2  # the plant's two signatories
    session.rollback()
    assert counters(session) == [(0, 0)] * 6
    for act in (
        lambda: accept(session, recycler, award.id, now=AFTER),
        lambda: decline_award(session, recycler, award.id, "Again.", now=AFTER),
    ):
        with pytest.raises(Conflict, match="declined"):
            act()
    assert list(broken(session)) == []


def test_at_its_deadline_an_award_has_lapsed_whether_anybody_noticed_or_not(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round(answer_by=AFTER + DAY)
    award = published(session, made, of)[0]
    producer = make.signatory(made.plants[0])
    accept(session, producer, award.id, now=AFTER)

    with pytest.raises(Conflict, match="lapsed"):
        accept(session, make.signatory(made.recyclers[0]), award.id, now=AFTER + DAY)
    with pytest.raises(Conflict, match="lapsed"):
        accept(session, producer, award.id, now=AFTER + DAY)

    assert counters(session)[0] == (5_000_000, 0)
    lapse_due(session, AFTER + DAY - timedelta(microseconds=1))
    assert awards_of(session, of)[0].lapsed_at is None
    for _ in range(2):
        lapse_due(session, AFTER + DAY)
    assert awards_of(session, of)[0].lapsed_at == AFTER + DAY
    assert counters(session) == [(0, 0)] * 6
    assert session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "award.lapse")) == 1
    assert list(broken(session)) == []


def test_strangers_learn_nothing_and_clerks_do_not_sign(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    strangers = [make.signatory(make.organization()), make.administrator(make.park())]

    for stranger in strangers:
        for award_id in (award.id, award.id + 1):
            with pytest.raises(NotFound):
                accept(session, stranger, award_id, now=AFTER)
            with pytest.raises(NotFound):
                decline_award(session, stranger, award_id, "No.", now=AFTER)
    for reader in (make.actor(make.person("clerk", organization=made.plants[0])), made.administrator):
        with pytest.raises(NotAllowed):
            accept(session, reader, award.id, now=AFTER)

    assert awards_of(session, session.scalars(select(Round)).one())[0].producer_accepted_at is None


def test_another_text_is_not_accepted(session: Session, make: Make) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]

    with pytest.raises(Conflict, match="text"):
        accept(session, make.signatory(made.plants[0]), award.id, terms_sha256="0" * 64, now=AFTER)

    assert session.get_one(Award, award.id, populate_existing=True).producer_accepted_at is None


@pytest.mark.parametrize(
    ("damage", "match"),
    [
        ("update organizations set suspended_at = 1 where id = :recycler", "suspended"),
        ("update intake_lines set permit_valid_until = '2027-01-15'", "permit"),
        ("update intake_lines set permit_verified_at = null", "permit"),
        ("update intake_lines set retired_at = 1", "no longer kept"),
    ],
)
def test_what_no_longer_holds_makes_no_contract(session: Session, make: Make, damage: str, match: str) -> None:
    made = world(make)
    award = published(session, made, made.round())[0]
    producer, recycler = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])
    accept(session, producer, award.id, now=AFTER)
    with transaction(session):
        values = {"recycler": made.recyclers[0].id} if ":recycler" in damage else {}
        session.execute(text(damage), values)

    with pytest.raises(Conflict, match=match):
        accept(session, recycler, award.id, now=AFTER)

    assert session.scalar(select(func.count(Contract.id))) == 0
    assert session.get_one(Award, award.id, populate_existing=True).recycler_accepted_at is None


def test_an_awarded_bid_becomes_a_contract_when_both_sides_have_signed(session: Session, make: Make) -> None:
    made = World(make, make.park())
    listing = made.plant(bids_close_at=NOON)
    line = made.recycler()
    bid = make.bid(listing, line, made.recyclers[0], received_at=NOON - DAY, kg_per_month=1_000_000)
    make.opened(listing)
    seller, buyer = make.signatory(made.plants[0]), make.signatory(made.recyclers[0])
    award_id = award_bid(session, seller, bid.id, 1_000_000, now=AFTER)
    assert session.get_one(Award, award_id).state(AFTER) == "open"
    session.rollback()

    assert accept(session, buyer, award_id, now=AFTER) is None
    contract_id = accept(session, seller, award_id, now=AFTER)

    contract = session.get_one(Contract, contract_id)
    assert contract.kg == 3_000_000
    agreed = terms(contract.terms)
    assert agreed.round_number is None
    assert agreed.months == tuple((month, 1_000_000) for month in Month(2027, 2).until(Month(2027, 4)))
    assert agreed.permit_valid_until == date(2029, 12, 31)
    assert list(broken(session)) == []


def test_a_round_is_settled_when_its_last_award_is_final(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    award = published(session, made, of)[0]

    for organization in (made.plants[0], made.recyclers[0]):
        accept(session, make.signatory(organization), award.id, now=AFTER)

    assert session.get_one(Round, of.id, populate_existing=True).settled_at == AFTER

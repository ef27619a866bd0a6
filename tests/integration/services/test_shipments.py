"""A vehicle from the plan to the use: who may what, what is counted, what is refused and then writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict, Invalid, MarketplaceError, NotAllowed, NotFound
from marketplace.domain.quantities import Month
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import Filing
from marketplace.persistence.organizations import Site
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Contract
from marketplace.persistence.shipments import Shipment, Ticket
from marketplace.services import carried, shipments
from tests.factories import Make
from tests.integration.services.deeds import APRIL, FEBRUARY, IN_MARCH, MARCH
from tests.integration.services.lorries import DAY, HOUR, KG, Lorries, state, ticket
from tests.integration.services.test_amendments import whole

SPELL = timedelta(minutes=20)


@pytest.fixture
def lorries(session: Session, make: Make) -> Lorries:
    return Lorries(make)


def shipped(session: Session) -> int:
    session.rollback()
    found = session.scalars(select(Contract.shipped_kg)).one()
    session.rollback()
    return found


def test_from_the_plan_to_the_use(session: Session, lorries: Lorries) -> None:
    made = lorries.first

    shipments.dispatch(session, lorries.weigher_out, made, ticket(), now=IN_MARCH)
    assert (state(session, made), shipped(session)) == ("dispatched", KG)
    later = IN_MARCH + 2 * HOUR
    shipments.arrive(session, lorries.weigher_in, made, ticket("B7", KG - 60, at=later), now=later)
    assert state(session, made) == "arrived"
    assert shipments.receive(session, lorries.weigher_in, made, now=later) == "received"
    shipments.use(session, lorries.taker, made, APRIL, now=later + timedelta(days=30))

    row = lorries.row(made)
    assert (row.record_no, row.out_kg, row.in_kg, row.counted_kg) == ("CC20270310001", KG, KG - 60, KG - 60)
    assert (row.out_month, row.in_month, row.used_month) == (MARCH, MARCH, APRIL)
    assert state(session, made) == "utilized"
    acts = session.scalars(select(AuditRow.action).where(AuditRow.object_kind == "shipment").order_by(AuditRow.id))
    assert list(acts) == ["shipment.plan", "shipment.dispatch", "shipment.arrive", "shipment.receive", "shipment.use"]
    assert whole(session) == []


def test_the_numbers_of_record_begin_anew_each_day(session: Session, lorries: Lorries) -> None:
    made = [lorries.sent(number=f"{n}", at=IN_MARCH + n * HOUR, plate=f"晋F1234{n}") for n in (1, 2)]
    tomorrow = lorries.sent(number="1", at=IN_MARCH + timedelta(days=1), plate="晋F99999")

    assert [lorries.row(each).record_no for each in (*made, tomorrow)] == [
        "CC20270310001", "CC20270310002", "CC20270311001",
    ]  # fmt: skip


def test_the_same_request_twice_has_one_effect(session: Session, lorries: Lorries) -> None:
    first = shipments.dispatch(session, lorries.weigher_out, lorries.first, ticket(), now=IN_MARCH)

    assert shipments.dispatch(session, lorries.weigher_out, lorries.first, ticket(), now=IN_MARCH + HOUR) == first

    assert session.scalar(select(func.count(Ticket.id))) == 1
    assert shipped(session) == KG


REFUSED: dict[str, tuple[type[MarketplaceError], str, Callable[[Session, Lorries], object]]] = {
    "a stranger weighs": (
        NotFound, "no such page", lambda s, t: shipments.dispatch(s, Actor(), t.first, ticket(), now=IN_MARCH),
    ),
    "the other side weighs out": (
        NotAllowed, "role does not allow", lambda s, t: shipments.dispatch(s, t.taker, t.first, ticket(), now=IN_MARCH),
    ),
    "the operator of the other site": (
        NotFound, "no such page", lambda s, t: shipments.dispatch(s, t.weigher_in, t.first, ticket(), now=IN_MARCH),
    ),
    "an operator plans": (
        NotFound, "no such page", lambda s, t: shipments.cancel_shipment(s, t.weigher_in, t.first, "x", now=IN_MARCH),
    ),
    "a weighing to come": (
        Invalid, "has not come yet",
        lambda s, t: shipments.dispatch(s, t.seller, t.first, ticket(at=IN_MARCH + HOUR), now=IN_MARCH),
    ),
    "weighed in before it left": (
        Conflict, "has not left", lambda s, t: shipments.arrive(s, t.taker, t.first, ticket(), now=IN_MARCH),
    ),
    "received before it left": (Conflict, "has not left", lambda s, t: shipments.receive(s, t.taker, t.first, now=IN_MARCH)),
    "used before it was received": (
        Conflict, "has not left", lambda s, t: shipments.use(s, t.taker, t.first, MARCH, now=IN_MARCH),
    ),
    "cancelled without a word": (
        Invalid, "Say why", lambda s, t: shipments.cancel_shipment(s, t.seller, t.first, " ", now=IN_MARCH),
    ),
    "planned for yesterday": (Invalid, "is over", lambda s, t: t.plan(day=date(2027, 3, 9))),
    "planned beyond the contract": (Invalid, "runs from", lambda s, t: t.plan(day=date(2027, 5, 1))),
    "no plate": (Invalid, "no plate", lambda s, t: t.plan(plate="12345")),
    "more than the contract": (
        Conflict, "leave less than",
        lambda s, t: [t.sent(150_000, number=f"{n}", plate="晋F11111", at=IN_MARCH + n * SPELL) for n in range(22)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_writes_nothing(session: Session, lorries: Lorries, case: str) -> None:
    refusal, words, act = REFUSED[case]
    if case == "more than the contract":  # 3,000 t and five per cent more: 21 of 150 t
        with pytest.raises(refusal, match=words):
            act(session, lorries)
        assert shipped(session) == 21 * 150_000
        assert session.scalar(select(func.count(Ticket.id))) == 21
        return
    with pytest.raises(refusal, match=words):
        act(session, lorries)
    session.rollback()
    assert state(session, lorries.first) == "planned"
    assert session.scalar(select(func.count(Ticket.id))) == 0
    assert session.scalar(select(func.count(Shipment.id))) == 1
    assert shipped(session) == 0


def test_a_number_belongs_to_one_shipment_a_day(session: Session, lorries: Lorries) -> None:
    lorries.sent()

    with pytest.raises(Conflict, match="another shipment"):
        shipments.dispatch(
            session, lorries.seller, lorries.first, replace(ticket(at=IN_MARCH + HOUR), key="another-key"),
            now=IN_MARCH + HOUR,
        )  # fmt: skip

    assert state(session, lorries.first) == "planned"
    next_day = IN_MARCH + timedelta(days=1)
    shipments.dispatch(session, lorries.seller, lorries.first, ticket(at=next_day), now=next_day)
    assert shipped(session) == 2 * KG


def test_scales_that_differ_too_much_need_a_weight_that_both_propose(session: Session, lorries: Lorries) -> None:
    made = lorries.there(KG - 500)
    later = IN_MARCH + 3 * HOUR

    assert shipments.receive(session, lorries.taker, made, now=later) == "disputed"
    assert lorries.row(made).counted_kg is None
    with pytest.raises(Conflict, match="first both sides agree"):
        shipments.use(session, lorries.taker, made, MARCH, now=later)
    with pytest.raises(Invalid, match="between the two"):
        shipments.propose_weight(session, lorries.seller, made, KG + 1, now=later)
    assert shipments.propose_weight(session, lorries.seller, made, KG - 100, now=later) == "disputed"
    assert shipments.propose_weight(session, lorries.taker, made, KG - 200, now=later) == "disputed"
    assert shipments.propose_weight(session, lorries.seller, made, KG - 200, now=later) == "received"

    row = lorries.row(made)
    assert (row.counted_kg, row.proposed_kg, row.disputed_at) == (KG - 200, None, None)
    told = session.scalars(select(OutboxMail.kind).order_by(OutboxMail.id)).all()
    assert [kind for kind in told if kind.startswith("weight")] == ["weights_differ"] * 2 + ["weight_proposed"] * 2


def test_a_ticket_is_corrected_by_a_later_version_and_may_end_a_dispute(session: Session, lorries: Lorries) -> None:
    made = lorries.there(KG - 5000)
    later = IN_MARCH + 3 * HOUR
    shipments.receive(session, lorries.taker, made, now=later)
    right = ticket("B0001", KG - 50, at=IN_MARCH + 2 * HOUR, key="right-key", reason="皮重录错。")
    with pytest.raises(Invalid, match="Say why"):
        shipments.correct_ticket(session, lorries.weigher_in, made, "destination", replace(right, reason=""), now=later)
    with pytest.raises(Invalid, match="stay as they are"):
        shipments.correct_ticket(
            session, lorries.weigher_in, made, "destination", replace(right, number="B9"), now=later
        )

    shipments.correct_ticket(session, lorries.weigher_in, made, "destination", right, now=later)

    row = lorries.row(made)
    assert (state(session, made), row.in_kg, row.counted_kg) == ("received", KG - 50, KG - 50)
    versions = session.execute(select(Ticket.version, Ticket.reason).where(Ticket.place == "destination"))
    assert [tuple(each) for each in versions] == [(1, ""), (2, "皮重录错。")]
    with pytest.raises(Conflict, match="under way"):
        shipments.correct_ticket(
            session, lorries.weigher_in, made, "destination", replace(right, key="once-more"), now=later
        )


def test_a_corrected_weight_at_the_plant_moves_the_counter(session: Session, lorries: Lorries) -> None:
    made = lorries.sent()
    right = ticket("0001", KG - 1000, key="right-key", reason="毛重录错。")

    shipments.correct_ticket(session, lorries.weigher_out, made, "origin", right, now=IN_MARCH + HOUR)

    assert shipped(session) == KG - 1000
    assert lorries.row(made).out_kg == KG - 1000


def test_what_is_rejected_goes_back_and_is_free_again(session: Session, lorries: Lorries) -> None:
    made = lorries.there()
    later = IN_MARCH + 3 * HOUR

    shipments.reject(session, lorries.weigher_in, made, "含水率超标。", now=later)
    with pytest.raises(Conflict, match="was rejected"):
        shipments.receive(session, lorries.taker, made, now=later)
    assert shipped(session) == KG
    shipments.take_back(session, lorries.weigher_out, made, now=later)
    shipments.take_back(session, lorries.weigher_out, made, now=later)  # the same again

    assert (state(session, made), shipped(session)) == ("returned", 0)


@pytest.mark.parametrize(("month", "words"), [(FEBRUARY, "before"), (APRIL, "not begun")])
def test_use_is_between_receipt_and_today(session: Session, lorries: Lorries, month: Month, words: str) -> None:
    made = lorries.there()
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)

    with pytest.raises(Invalid, match=words):
        shipments.use(session, lorries.taker, made, month, now=IN_MARCH + 4 * HOUR)

    assert state(session, made) == "received"


def test_only_a_signatory_confirms_the_use(session: Session, lorries: Lorries) -> None:
    made = lorries.there()
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)

    for who in (lorries.weigher_in, lorries.seller):
        with pytest.raises(NotAllowed):
            shipments.use(session, who, made, MARCH, now=IN_MARCH + 4 * HOUR)


def test_nothing_leaves_under_a_contract_that_is_over(session: Session, lorries: Lorries) -> None:
    lorries.terminate(lorries.taker, now=IN_MARCH)

    with pytest.raises(Conflict, match="terminated"):
        shipments.dispatch(session, lorries.seller, lorries.first, ticket(), now=IN_MARCH)


def across(session: Session, lorries: Lorries) -> Filing:
    """Move the works to another province, with a filing of 50 t and two trips."""
    with transaction(session):
        session.execute(update(Site).where(Site.id == lorries.in_site).values(division_code="150622"))
        filing = Filing(
            stream_id=session.scalars(select(Shipment.stream_id)).first(),
            receiving_site_id=lorries.in_site,
            filing_no="备2027-1",
            filed_kg=50_000,
            filed_trips=2,
            valid_from=date(2027, 3, 10),
            valid_to=date(2027, 12, 31),
            entered_at=IN_MARCH,
        )
        session.add(filing)
    return filing


def test_no_filing_no_shipment_across(session: Session, lorries: Lorries) -> None:
    filing = across(session, lorries)
    one = lorries.sent(20_000, number="1", plate="晋F11111")
    two = lorries.sent(20_000, number="2", plate="晋F22222", at=IN_MARCH + HOUR)
    assert lorries.row(one).filing_id == filing.id

    with pytest.raises(Conflict, match="without a filing"):
        lorries.sent(1000, number="3", plate="晋F33333", at=IN_MARCH + 2 * HOUR)
    assert shipped(session) == 40_000
    shipments.arrive(session, lorries.taker, two, ticket("B2", 20_000, at=IN_MARCH + 2 * HOUR), now=IN_MARCH + 2 * HOUR)
    shipments.reject(session, lorries.taker, two, "湿。", now=IN_MARCH + 2 * HOUR)
    shipments.take_back(session, lorries.seller, two, now=IN_MARCH + 3 * HOUR)

    session.rollback()
    assert tuple(session.execute(select(Filing.shipped_kg, Filing.shipped_trips)).one()) == (20_000, 1)
    with pytest.raises(Conflict, match="without a filing"):  # one trip is left, and 30 t
        lorries.sent(30_001, number="4", plate="晋F44444", at=IN_MARCH + 3 * HOUR)
    lorries.sent(30_000, number="5", plate="晋F55555", at=IN_MARCH + 4 * HOUR)


def test_a_filing_does_not_cross_its_days(session: Session, lorries: Lorries) -> None:
    across(session, lorries)
    with transaction(session):
        session.execute(update(Filing).values(valid_from=date(2027, 3, 11)))

    with pytest.raises(Conflict, match="without a filing"):
        lorries.sent(1000)


def test_what_makes_one_look_twice_is_kept_with_the_ticket(session: Session, lorries: Lorries) -> None:
    lorries.sent(number="1")
    again = lorries.plan()
    heavy = ticket("2", 36_000, at=IN_MARCH + timedelta(hours=4), tare=17_000)
    shipments.dispatch(session, lorries.weigher_out, again, heavy, now=IN_MARCH + timedelta(hours=4))

    marks = session.scalars(select(Ticket.marks).order_by(Ticket.id)).all()
    assert marks == [[], ["overload", "tare_differs"]]


@pytest.mark.parametrize("verb", ["update tickets set gross_kg = gross_kg + 1", "delete from tickets"])
def test_the_database_itself_refuses_to_change_a_ticket(session: Session, lorries: Lorries, verb: str) -> None:
    lorries.sent()

    with pytest.raises(DatabaseError, match="only grows"), transaction(session):
        session.execute(text(verb))


def test_without_the_counter_more_would_leave_than_there_is(
    session: Session, lorries: Lorries, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: with the counter off the twenty-second truck leaves."""
    monkeypatch.setattr(carried, "_moved", lambda *_: True)
    for n in range(22):
        lorries.sent(150_000, number=f"{n}", plate="晋F11111", at=IN_MARCH + n * SPELL)
    assert session.scalar(select(func.sum(Shipment.out_kg))) == 22 * 150_000
    assert IN_MARCH.date() == DAY

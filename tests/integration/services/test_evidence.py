"""What shipments move in the ledger of who made the waste, month by month, and what a plant states beside it."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.errors import Conflict
from marketplace.domain.ledger import Figures, MonthFigures, NewOpeningStock
from marketplace.domain.quantities import Month
from marketplace.domain.shipments import NewShipment
from marketplace.persistence.database import transaction
from marketplace.persistence.ledger import Posting
from marketplace.persistence.organizations import Site
from marketplace.persistence.shipments import Shipment
from marketplace.queries.ledger import stream_ledger
from marketplace.queries.parks import park_page
from marketplace.queries.postings import Wanted, postings_page
from marketplace.queries.today import today_page
from marketplace.services import evidence, shipments
from marketplace.services.ledger import open_stock, state_month
from tests.factories import Make
from tests.integration.services.deeds import APRIL, IN_MARCH, MARCH
from tests.integration.services.lorries import HOUR, KG, Lorries, ticket
from tests.integration.services.test_amendments import whole

IN_APRIL = IN_MARCH + timedelta(days=31)


@pytest.fixture
def lorries(session: Session, make: Make) -> Lorries:
    return Lorries(make)


def stream_of(session: Session) -> int:
    found = session.scalars(select(Shipment.stream_id)).first()
    session.rollback()
    assert found is not None
    return found


def figures(session: Session, lorries: Lorries, month: Month) -> Figures:
    session.rollback()
    page = stream_ledger(session, lorries.seller, stream_of(session), 2027, now=IN_APRIL)
    return next(row.figures for row in page.stream.months if row.month == month)


def used(session: Session, lorries: Lorries, month: Month, **there: int) -> int:
    """Let a lorry arrive in March and be used in a month."""
    made = lorries.there(**there)
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)
    shipments.use(session, lorries.taker, made, month, now=IN_APRIL)
    return made


def test_what_left_is_made_and_on_its_way(session: Session, lorries: Lorries) -> None:
    lorries.sent()

    assert figures(session, lorries, MARCH) == Figures(generated_kg=KG, stored_kg=KG)
    assert whole(session) == []


def test_the_weight_that_counts_is_that_of_both(session: Session, lorries: Lorries) -> None:
    made = lorries.there(net_in=KG - 60)
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)

    assert figures(session, lorries, MARCH) == Figures(generated_kg=KG - 60, stored_kg=KG - 60)
    grades = session.execute(select(Posting.evidence, func.count()).group_by(Posting.evidence)).all()
    assert sorted(tuple(each) for each in grades) == [("both_ends", 2), ("one_end", 2)]
    assert whole(session) == []


def test_it_is_used_in_the_month_that_the_receiver_names(session: Session, lorries: Lorries) -> None:
    used(session, lorries, APRIL)

    assert figures(session, lorries, MARCH) == Figures(generated_kg=KG, stored_kg=KG)
    april = figures(session, lorries, APRIL)
    assert (april.utilized_kg, april.utilized_from_stock_kg, april.carried) == (KG, KG, ((MARCH, KG),))
    page = stream_ledger(session, lorries.seller, stream_of(session), 2027, now=IN_APRIL)
    assert page.stream.total == Figures(generated_kg=KG, utilized_kg=KG)
    assert page.stream.rate == 1
    assert whole(session) == []


def test_what_came_back_was_never_sent(session: Session, lorries: Lorries) -> None:
    made = lorries.there()
    shipments.reject(session, lorries.taker, made, "湿。", now=IN_MARCH + 3 * HOUR)
    shipments.take_back(session, lorries.seller, made, now=IN_MARCH + 4 * HOUR)

    assert figures(session, lorries, MARCH).empty
    assert whole(session) == []


@pytest.mark.parametrize(
    ("flow", "first", "last", "kg"),
    [
        ("generated", MARCH, MARCH, 2 * KG),
        ("stored", MARCH, MARCH, KG),  # one was used in March, the other in April
        ("stored", MARCH, APRIL, 0),
        ("utilized", MARCH, MARCH, KG),
        ("utilized", MARCH, APRIL, 2 * KG),
        ("utilized_from_stock", MARCH, APRIL, 0),
        ("utilized_from_stock", APRIL, APRIL, KG),
        ("stored", APRIL, APRIL, 0),
    ],
)
def test_each_figure_opens_to_the_postings_that_make_it(
    session: Session, lorries: Lorries, flow: str, first: Month, last: Month, kg: int
) -> None:
    used(session, lorries, MARCH, number="1")
    used(session, lorries, APRIL, number="2")
    wanted = Wanted(stream_id=stream_of(session), first=first, last=last, flow=flow)

    page = postings_page(session, lorries.seller, wanted)

    assert (page.sum_kg, sum(row.kg for row in page.rows)) == (kg, kg)
    assert {row.shipment for row in page.rows} <= {"CC20270310001", "CC20270310002"}


def test_a_month_with_shipments_is_not_stated_until_the_plant_says_so(session: Session, lorries: Lorries) -> None:
    used(session, lorries, MARCH)
    page = stream_ledger(session, lorries.seller, stream_of(session), 2027, now=IN_APRIL)
    assert [row.state for row in page.stream.months if row.month == MARCH] == ["missing"]
    session.rollback()

    stated = Figures(generated_kg=5_000_000, utilized_kg=KG, stored_kg=5_000_000 - KG)
    state_month(
        session, lorries.seller, MonthFigures(stream_id=stream_of(session), month=MARCH, figures=stated), now=IN_APRIL
    )

    assert figures(session, lorries, MARCH) == stated
    with pytest.raises(Conflict, match="Shipments have moved"):
        less = MonthFigures(
            stream_id=stream_of(session),
            month=MARCH,
            figures=Figures(generated_kg=5_000_000, stored_kg=5_000_000),
            reason="更正。",
        )
        state_month(session, lorries.seller, less, now=IN_APRIL)
    assert figures(session, lorries, MARCH) == stated
    assert whole(session) == []


def old_stock(session: Session, lorries: Lorries, kg: int) -> int:
    """Plan a lorry that fetches what lies in the store, in which so much does."""
    open_stock(session, lorries.seller, NewOpeningStock(stream_id=stream_of(session), month=MARCH, kg=kg), now=IN_MARCH)
    new = NewShipment(
        contract_id=lorries.contract_id,
        day=date(2027, 3, 10),
        planned_kg=KG,
        plate="晋F12345",
        driver="张三",
        from_stock=True,
    )
    return shipments.plan_shipment(session, lorries.seller, new, now=IN_MARCH)


def test_old_stock_is_used_from_stock_and_not_made(session: Session, lorries: Lorries) -> None:
    made = old_stock(session, lorries, 50_000)
    shipments.dispatch(session, lorries.seller, made, ticket(), now=IN_MARCH)
    later = IN_MARCH + HOUR
    shipments.arrive(session, lorries.taker, made, ticket("B1", at=later), now=later)
    shipments.receive(session, lorries.taker, made, now=later)
    shipments.use(session, lorries.taker, made, MARCH, now=later)

    march = figures(session, lorries, MARCH)
    assert march == Figures(utilized_kg=KG, utilized_from_stock_kg=KG)
    assert march.over(MARCH) == march
    assert whole(session) == []


def test_no_more_leaves_a_store_than_lies_in_it(
    session: Session, lorries: Lorries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = old_stock(session, lorries, KG - 1)

    with pytest.raises(Conflict, match="In the store lie"):
        shipments.dispatch(session, lorries.seller, made, ticket(), now=IN_MARCH)
    assert session.scalar(select(func.count(Posting.id))) == 0
    session.rollback()

    monkeypatch.setattr(evidence, "_must_lie_there", lambda *_: None)  # the control
    shipments.dispatch(session, lorries.seller, made, ticket(), now=IN_MARCH)
    assert [each.partition(" ")[0] for each in whole(session)] == ["I6"]


def test_a_corrected_weight_corrects_the_ledger(session: Session, lorries: Lorries) -> None:
    made = lorries.sent()
    right = ticket("0001", KG - 1000, key="right-key", reason="毛重录错。")
    shipments.correct_ticket(session, lorries.weigher_out, made, "origin", right, now=IN_MARCH + HOUR)

    assert figures(session, lorries, MARCH) == Figures(generated_kg=KG - 1000, stored_kg=KG - 1000)
    assert whole(session) == []


@pytest.mark.parametrize(
    ("damage", "codes"),
    [
        ("update contracts set shipped_kg = shipped_kg + 1", "I5"),
        ("update shipments set counted_kg = counted_kg + 1000", "I5b I7"),
        ("update shipments set out_kg = out_kg + 1000", "I5 I9"),
        ("update shipments set in_kg = in_kg - 1", "I9"),
        ("update tickets set gross_kg = gross_kg + 1 where place = 'destination'", "I9"),
        ("update tickets set number = 'other' where version = 2", "I9b"),
        ("update tickets set version = 3 where version = 2", "I9b"),
        ("update postings set kg = kg + 1 where credit = 'utilized'", "I7"),
        ("update postings set month = '2027-02' where credit = 'utilized'", "I7"),
        ("delete from postings where credit = 'utilized'", "I7"),
    ],
)
def test_a_broken_chain_is_named(session: Session, lorries: Lorries, damage: str, codes: str) -> None:
    made = lorries.sent()
    right = ticket("0001", KG - 10, key="right-key", reason="毛重录错。")
    shipments.correct_ticket(session, lorries.weigher_out, made, "origin", right, now=IN_MARCH + HOUR)
    later = IN_MARCH + 2 * HOUR
    shipments.arrive(session, lorries.taker, made, ticket("B1", KG - 10, at=later), now=later)
    shipments.receive(session, lorries.taker, made, now=later)
    shipments.use(session, lorries.taker, made, MARCH, now=later)
    assert whole(session) == []
    with transaction(session):
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("set local session_replication_role = replica"))
        else:
            for table in ("tickets", "postings"):
                for verb in ("update", "delete"):
                    session.execute(text(f"drop trigger if exists {table}_only_grows_{verb}"))
        session.execute(text(damage))

    assert {each.split()[0] for each in whole(session)} == set(codes.split())


def test_a_park_counts_shipments_once_the_month_is_stated(session: Session, make: Make, lorries: Lorries) -> None:
    used(session, lorries, MARCH)
    park = make.park()
    with transaction(session):
        session.execute(update(Site).where(Site.id == lorries.out_site).values(park_id=park.id))
    administrator = make.administrator(park)
    wanted = Wanted(park_id=park.id, first=MARCH, last=MARCH, flow="utilized")

    def shown() -> tuple[Figures, int]:
        session.rollback()
        page = park_page(session, administrator, park.id, first=MARCH, last=MARCH, scope="all", now=IN_APRIL)
        return page.total, postings_page(session, administrator, wanted).sum_kg

    assert shown() == (Figures(), 0)
    session.rollback()
    stated = Figures(generated_kg=5_000_000, utilized_kg=KG, stored_kg=5_000_000 - KG)
    state_month(
        session, lorries.seller, MonthFigures(stream_id=stream_of(session), month=MARCH, figures=stated), now=IN_APRIL
    )
    assert shown() == (stated, KG)


def test_a_stated_month_that_was_told_before_counts_what_left_since(session: Session, lorries: Lorries) -> None:
    """A month may be told by postings alone; whoever states it anew has its shipments counted with it."""
    stream_id = stream_of(session)
    first = Figures(generated_kg=100_000, stored_kg=100_000)
    state_month(session, lorries.seller, MonthFigures(stream_id=stream_id, month=MARCH, figures=first), now=IN_MARCH)
    lorries.sent()
    assert figures(session, lorries, MARCH) == Figures(generated_kg=100_000 + KG, stored_kg=100_000 + KG)

    state_month(
        session, lorries.seller,
        MonthFigures(stream_id=stream_id, month=MARCH, figures=first, reason="含外运。"), now=IN_APRIL,
    )  # fmt: skip

    assert figures(session, lorries, MARCH) == first
    assert whole(session) == []


def test_the_day_begins_with_what_waits(session: Session, lorries: Lorries) -> None:
    lorries.there(number="1")
    made = lorries.there(net_in=KG - 900, number="2")
    shipments.receive(session, lorries.taker, made, now=IN_MARCH + 3 * HOUR)
    done = lorries.there(number="3")
    shipments.receive(session, lorries.taker, done, now=IN_MARCH + 3 * HOUR)
    session.rollback()

    def told(who: Actor) -> list[tuple[str, str, object]]:
        page = today_page(session, who, month=MARCH, now=IN_MARCH + 4 * HOUR)
        found = [
            (each.kind, str(each.state), (each.text.values or {}).get("count"))
            for each in page.tasks
            if each.noun == "shipments"
        ]
        session.rollback()
        return sorted(found)

    assert told(lorries.taker) == [("fail", "Scales differ", 1), ("wait", "To confirm", 1), ("wait", "Weighed in", 1)]
    assert told(lorries.seller) == [("fail", "Scales differ", 1)]

"""Storage in rounds: from what may wait to counters, second passes and what is refused, on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.domain.lines import NewLine
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine, LineMonth
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.rounds import Award, AwardMonth, AwardWait, Round, RoundFile
from marketplace.services.awards import decline_award
from marketplace.services.lines import edit_line
from marketplace.services.proposals import rest_of
from marketplace.services.rounds import publish_round, replay
from marketplace.services.snapshots import read_snapshot
from marketplace.solver.engines import engine
from tests.factories import Make, accept
from tests.integration.services.rounds_world import AFTER, World, awards_of, published, solve

FEBRUARY, MARCH, APRIL = (Month(2027, number) for number in (2, 3, 4))


def bridged(make: Make) -> World:
    """Return a plant whose yard holds 3,000 t of its 5,000 t a month, and a line closed in February that uses 7,000 t."""
    made = World(make, make.park())
    made.plant(storage_kg=3_000_000, storage_fen_per_t=100)
    made.recycler(closed_months="2", capacity_kg_per_month=7_000_000)
    return made


def full_silo(make: Make) -> World:
    """Return a plant with 5,000 t in February alone, and a line that uses 4,000 t a month with a silo for 800 t."""
    made = World(make, make.park())
    made.plant(first_month=FEBRUARY, last_month=FEBRUARY)
    made.recycler(capacity_kg_per_month=4_000_000, storage_kg=800_000, storage_fen_per_t=200)
    return made


def counted(session: Session, table: type[ListingMonth | LineMonth]) -> dict[Month, tuple[int, int]]:
    session.rollback()
    rows = session.execute(select(table.month, table.reserved_kg, table.contracted_kg).order_by(table.month)).all()
    session.rollback()
    return {row.month: (row.reserved_kg, row.contracted_kg) for row in rows}


def waiting(session: Session) -> list[tuple[str, Month, Month, int]]:
    session.rollback()
    query = select(AwardWait.side, AwardWait.since_month, AwardWait.until_month, AwardWait.kg).order_by(AwardWait.id)
    rows = [tuple(row) for row in session.execute(query)]
    session.rollback()
    return rows


def test_what_waits_is_reserved_in_the_month_in_which_it_is_ready(session: Session, make: Make) -> None:
    made = bridged(make)

    (award,) = published(session, made, made.round())

    months = session.execute(select(AwardMonth.month, AwardMonth.kg).order_by(AwardMonth.month)).all()
    assert [tuple(row) for row in months] == [(MARCH, 7_000_000), (APRIL, 6_000_000)]
    assert waiting(session) == [("producer", FEBRUARY, MARCH, 3_000_000), ("producer", MARCH, APRIL, 1_000_000)]
    assert counted(session, ListingMonth) == {
        FEBRUARY: (3_000_000, 0), MARCH: (5_000_000, 0), APRIL: (5_000_000, 0),
    }  # fmt: skip
    assert counted(session, LineMonth) == {MARCH: (7_000_000, 0), APRIL: (6_000_000, 0)}
    assert list(broken(session)) == []
    assert award.kg == 13_000_000


def test_what_arrives_is_reserved_in_the_month_in_which_it_is_used(session: Session, make: Make) -> None:
    made = full_silo(make)

    published(session, made, made.round())

    assert waiting(session) == [("recycler", FEBRUARY, MARCH, 800_000)]
    assert counted(session, ListingMonth) == {FEBRUARY: (4_800_000, 0)}
    assert counted(session, LineMonth) == {FEBRUARY: (4_000_000, 0), MARCH: (800_000, 0)}
    assert list(broken(session)) == []


def test_a_declined_award_gives_its_months_and_its_storage_back(session: Session, make: Make) -> None:
    made = bridged(make)
    of = made.round()
    (award,) = published(session, made, of)

    decline_award(session, make.signatory(made.recyclers[0]), award.id, "No kiln until May.", now=AFTER)

    assert set(counted(session, ListingMonth).values()) == {(0, 0)}
    assert set(counted(session, LineMonth).values()) == {(0, 0)}
    assert list(broken(session)) == []
    (lot,) = read_snapshot(session, session.get_one(Round, of.id), now=AFTER).lots
    assert lot.storage_kg == ((FEBRUARY, 3_000_000), (MARCH, 3_000_000))


def test_a_contract_holds_it_and_the_next_round_finds_the_rest(session: Session, make: Make) -> None:
    made = bridged(make)
    of = made.round()
    (award,) = published(session, made, of)
    accept(session, make.signatory(made.plants[0]), award.id, now=AFTER)
    accept(session, make.signatory(made.recyclers[0]), award.id, now=AFTER)

    assert counted(session, ListingMonth)[FEBRUARY] == (0, 3_000_000)
    assert list(broken(session)) == []
    today = read_snapshot(session, session.get_one(Round, of.id), now=AFTER)
    assert today.lots[0].months == ((FEBRUARY, 2_000_000),)
    assert today.lots[0].storage_kg == ((MARCH, 2_000_000),)  # of February none is left
    rest = rest_of(session, session.get_one(Round, of.id), today)
    assert rest.lots[0].months == ((FEBRUARY, 2_000_000),)
    assert rest.lots[0].storage_kg == ((MARCH, 2_000_000),)


def test_a_round_with_storage_is_repeated_to_the_byte(session: Session, make: Make) -> None:
    made = bridged(make)
    of = made.round()
    published(session, made, of)

    assert all(each.same for each in replay(session, of.id, engine))
    text = session.scalars(select(RoundFile.content).where(RoundFile.kind == "input")).one()
    assert Snapshot.from_json(text).to_json() == text
    assert Snapshot.from_json(text).lots[0].storage_fen_per_t == 100


def test_what_the_yard_does_not_hold_any_more_is_not_published(session: Session, make: Make) -> None:
    made = bridged(make)
    of = made.round()
    solve(session, made.administrator, of)
    with transaction(session):
        session.get_one(Listing, made.listings[0].id).storage_kg = 1_000_000

    with pytest.raises(Conflict, match="holds no more than"):
        publish_round(session, made.administrator, of.id, now=AFTER)

    assert awards_of(session, of) == []
    assert session.scalar(select(func.count(AwardWait.id))) == 0
    assert set(counted(session, ListingMonth).values()) == {(0, 0)}


def test_a_line_may_not_hold_less_than_is_to_wait(session: Session, make: Make) -> None:
    made = full_silo(make)
    published(session, made, made.round())
    line, actor = made.lines[0], make.signatory(made.recyclers[0])

    def of(kg: int) -> NewLine:
        return NewLine(
            site_id=line.site_id, name=line.name, route=line.route, materials=(("fly_ash", 6000),),
            capacity_kg_per_month=4_000_000, capacity_kg_per_year=line.capacity_kg_per_year, storage_kg=kg,
            permit_no=line.permit_no, permit_valid_until=line.permit_valid_until,
        )  # fmt: skip

    with pytest.raises(Conflict, match="are to wait in front of the line"):
        edit_line(session, actor, line.id, of(799_999), now=AFTER)
    session.rollback()
    assert session.get_one(IntakeLine, line.id).storage_kg == 800_000
    session.rollback()
    edit_line(session, actor, line.id, of(800_000), now=AFTER)


def test_a_line_may_not_stand_still_when_something_arrives_that_it_uses_later(session: Session, make: Make) -> None:
    made = World(make, make.park())
    for kg in (4_000_000, 800_000):
        made.plant(first_month=FEBRUARY, last_month=FEBRUARY, kg_per_month=kg)
    made.recycler(capacity_kg_per_month=4_000_000, storage_kg=800_000)
    now_used, _ = published(session, made, made.round())
    line, actor = made.lines[0], make.signatory(made.recyclers[0])
    decline_award(session, actor, now_used.id, "No.", now=AFTER)
    assert counted(session, LineMonth) == {FEBRUARY: (0, 0), MARCH: (800_000, 0)}

    def closed(number: int) -> NewLine:
        return NewLine(
            site_id=line.site_id, name=line.name, route=line.route, materials=(("fly_ash", 6000),),
            capacity_kg_per_month=4_000_000, capacity_kg_per_year=line.capacity_kg_per_year, storage_kg=800_000,
            permit_no=line.permit_no, permit_valid_until=line.permit_valid_until, closed_months=frozenset({number}),
        )  # fmt: skip

    for number in (2, 3):  # in which it arrives, and is used
        with pytest.raises(Conflict, match="cannot stand still then"):
            edit_line(session, actor, line.id, closed(number), now=AFTER)
        session.rollback()
    edit_line(session, actor, line.id, closed(4), now=AFTER)


def test_more_that_waits_than_a_yard_holds_is_found(session: Session, make: Make) -> None:
    made = bridged(make)
    (award,) = published(session, made, made.round())
    with transaction(session):
        session.get_one(Listing, made.listings[0].id).storage_kg = 2_999_999
        session.add(
            AwardWait(award_id=award.id, side="recycler", since_month=APRIL, until_month=Month(2027, 5), kg=6_000_001)
        )

    assert {each.invariant.code for each in broken(session)} >= {"I4b", "I4c", "I3b"}
    with transaction(session):
        session.get_one(Listing, made.listings[0].id).storage_kg = 3_000_000
        session.execute(AwardWait.__table__.delete().where(AwardWait.side == "recycler"))
    assert session.scalar(select(func.count(Award.id))) == 1

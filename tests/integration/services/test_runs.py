"""What goes wrong in a run leaves nothing behind; what was declined is allotted again; a replay gives the same bytes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import SYSTEM
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import LEASE
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.base import Base
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import IntakeLine, LineMonth, LineYear
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.outbox import OutboxMail
from marketplace.persistence.rounds import Leftover, Round, RoundFile
from marketplace.services.awards import decline_award
from marketplace.services.counters import Share, reserve
from marketplace.services.rounds import (
    ask_recourse,
    ask_run,
    publish_round,
    replay,
    run_round,
    settle_due,
    state_of_round,
)
from marketplace.solver import engines
from marketplace.solver.problem import Allocation, Problem, SolverFailed
from tests.factories import SEALER, Make
from tests.integration.services.rounds_world import AFTER, World, awards_of, published, sessions, solve, world

DAY = timedelta(days=1)


def state(session: Session, round_id: int, now: object = AFTER) -> str:
    of = session.get_one(Round, round_id, populate_existing=True)
    found = state_of_round(of, now)  # type: ignore[arg-type]
    session.rollback()
    return found


def reserved(session: Session) -> tuple[list[int], list[int], list[int]]:
    found = (
        list(session.scalars(select(ListingMonth.reserved_kg).order_by(ListingMonth.id))),
        list(session.scalars(select(LineMonth.reserved_kg).order_by(LineMonth.id))),
        list(session.scalars(select(LineYear.reserved_kg).order_by(LineYear.id))),
    )
    session.rollback()
    return found


def test_what_was_sold_between_run_and_publication_sends_the_round_back(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    actor = made.administrator
    solve(session, actor, of)
    taken = Share(made.listings[0].id, made.lines[0].id, {Month(2027, 3): 1})
    with transaction(session):
        reserve(session, taken)

    with pytest.raises(Conflict, match="has been sold since"):
        publish_round(session, actor, of.id, now=AFTER)

    assert state(session, of.id) == "closed"
    assert (awards_of(session, of), session.scalar(select(func.count(Leftover.id)))) == ([], 0)
    assert session.scalar(select(func.count(OutboxMail.id))) == 0
    assert reserved(session)[0] == [0, 1, 0]
    of_now = session.get_one(Round, of.id, populate_existing=True)
    assert of_now.failed_because is not None
    session.rollback()
    solve(session, actor, of)
    publish_round(session, actor, of.id, now=AFTER)
    assert [award.kg for award in awards_of(session, of)] == [14_999_999]


@pytest.mark.parametrize(
    ("table", "changed", "match"),
    [
        (Listing, {"withdrawn_at": AFTER}, "off the board"),
        (Listing, {"expires_at": AFTER}, "off the board"),
        (IntakeLine, {"retired_at": AFTER}, "retired"),
        (IntakeLine, {"permit_verified_at": None}, "no longer verified"),
        (Organization, {"suspended_at": AFTER}, "suspended"),
    ],
)
def test_what_does_not_stand_any_more_is_not_awarded(
    session: Session, make: Make, table: type[Base], changed: dict[str, object], match: str
) -> None:
    made = world(make)
    actor, of = made.administrator, made.round()
    solve(session, actor, of)
    with transaction(session):
        session.execute(update(table).values(**changed))

    with pytest.raises(Conflict, match=match):
        publish_round(session, actor, of.id, now=AFTER)

    assert state(session, of.id) == "closed"
    assert awards_of(session, of) == []
    assert not any(kg for row in reserved(session) for kg in row)


def test_a_round_that_a_dead_run_holds_is_settled_once_when_its_lease_has_lapsed(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    published(session, made, of)
    with transaction(session):
        session.execute(update(Round).values(solving_at=of.answer_by))
    said = []

    for later in (timedelta(0), LEASE, 2 * LEASE):
        settle_due(session, of.answer_by + later)
        said.append(session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "round.settle")))

    assert said == [0, 1, 1]


def failing(problem: Problem, /, *, progress: object = None) -> Allocation:
    raise SolverFailed("no time left")


def unproved(problem: Problem, /, *, progress: object = None) -> Allocation:
    return engines.engine("greedy")(problem)


def wrong(problem: Problem, /, *, progress: object = None) -> Allocation:
    found = engines.engine("scipy")(problem)
    return replace(found, kg=found.kg + 1)


def broken_engine(problem: Problem, /, *, progress: object = None) -> Allocation:
    raise RuntimeError("a defect")


@pytest.mark.parametrize("solver", [failing, wrong])
def test_a_run_without_a_proved_plan_gives_the_round_back_with_the_reason(
    session: Session, make: Make, solver: engines.Engine
) -> None:
    made = world(make)
    of = made.round()

    with pytest.raises(Conflict, match="could be proved"):
        solve(session, made.administrator, of, solver=solver)

    assert state(session, of.id) == "closed"
    row = session.get_one(Round, of.id, populate_existing=True)
    assert row.failed_because == {
        "text": "The solver found no plan that could be proved. Nothing was published.",
        "values": {},
    }
    assert session.scalars(select(RoundFile.kind)).all() == ["input"]
    session.rollback()
    with pytest.raises(Conflict):
        publish_round(session, made.administrator, of.id, now=AFTER)
    assert solve(session, made.administrator, of).report.awards == 1


def test_a_defect_of_the_engine_gives_the_round_back_too(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()

    with pytest.raises(RuntimeError):
        solve(session, made.administrator, of, solver=broken_engine)

    assert state(session, of.id) == "closed"


def test_the_greedy_baseline_is_refused_where_it_misses_tonnes(session: Session, make: Make) -> None:
    made = World(make, make.park())
    near = make.organization(park_id=made.park.id)
    make.listing(make.stream(make.site(near)))
    made.plants.append(near)
    picky = make.stream(make.site(near, lat_udeg=40_500_000), material="coal_gangue", waste_code="060-001-S03")
    make.listing(picky)
    first = make.line(
        make.site(make.organization(park_id=made.park.id)),
        materials={"fly_ash": 6000, "coal_gangue": 9000},
        capacity_kg_per_month=5_000_000,
        capacity_kg_per_year=60_000_000,
    )
    made.lines.append(first)
    made.recycler()
    of = made.round()

    with pytest.raises(Conflict, match="could be proved"):
        solve(session, made.administrator, of, solver=unproved)

    assert state(session, of.id) == "closed"


def test_a_zombie_writes_nothing_once_another_run_has_the_round(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    actor = made.administrator
    round_id = of.id
    session.rollback()

    def overtaken(problem: Problem, /, *, progress: object = None) -> Allocation:
        with sessions(session)() as other, transaction(other):
            other.execute(text("update rounds set solving_at = :then"), {"then": 0})
        later = AFTER + timedelta(minutes=2)
        run_round(
            sessions(session),
            actor,
            round_id,
            engine=engines.engine("scipy"),
            engine_name="scipy",
            sealer=SEALER,
            now=lambda: later,
        )
        return engines.engine("scipy")(problem)

    with pytest.raises(Conflict, match="another has taken"):
        solve(session, actor, of, solver=overtaken)

    row = session.get_one(Round, of.id, populate_existing=True)
    assert (row.attempt, row.failed_because, row.solving_at) == (2, None, None)
    assert state(session, of.id) == "solved"
    assert sorted(session.execute(select(RoundFile.pass_no, RoundFile.kind)).all()) == [
        (1, "input"), (2, "input"), (2, "result"),
    ]  # fmt: skip


def test_a_round_whose_worker_died_is_taken_over_after_the_lease(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round(solving_at=AFTER - timedelta(seconds=59), attempt=1)
    actor = made.administrator
    with pytest.raises(Conflict):
        ask_run(session, actor, of.id, now=AFTER)
    with transaction(session):
        session.execute(text("update rounds set solving_at = solving_at - 1000000"))

    job = ask_run(session, actor, of.id, now=AFTER)
    solve(session, actor, of)

    assert job
    assert state(session, of.id) == "solved"


def test_what_is_declined_is_allotted_again_with_the_rest_fixed(session: Session, make: Make) -> None:
    made = world(make)  # one line that is nearest for both plants
    made.plant()
    other = made.recycler(price=5000)
    of = made.round()
    before = published(session, made, of)
    actor = made.administrator
    with pytest.raises(Conflict, match="Nothing was declined"):
        ask_recourse(session, actor, of.id, now=AFTER)
    kept = next(award for award in before if award.listing_id == made.listings[0].id)
    gone = next(award for award in before if award.listing_id == made.listings[1].id)
    decline_award(session, make.signatory(made.plants[1]), gone.id, "The price.", now=AFTER + timedelta(hours=1))

    job = ask_recourse(session, actor, of.id, now=AFTER + timedelta(hours=2))
    session.rollback()
    solve(session, SYSTEM, of, recourse=True)

    assert job
    after = awards_of(session, of)
    assert [award.id for award in after[: len(before)]] == [award.id for award in before]
    assert [(award.listing_id, award.line_id, award.kg, award.pass_no) for award in after[len(before) :]] == [
        (gone.listing_id, other.id if gone.line_id != other.id else made.lines[0].id, gone.kg, 2)
    ]
    assert kept.line_id
    row = session.get_one(Round, of.id, populate_existing=True)
    assert (row.recourse_passes, row.solving_at) == (1, None)
    assert list(broken(session)) == []


def test_recourse_gives_out_no_more_than_there_is_today(session: Session, make: Make) -> None:
    made = world(make)
    other = made.recycler(price=5000)
    of = made.round()
    award = published(session, made, of)[0]
    decline_award(session, make.signatory(made.plants[0]), award.id, "The price.", now=AFTER)
    rest = other.id if award.line_id != other.id else made.lines[0].id
    with transaction(session):
        reserve(session, Share(award.listing_id, rest, {Month(2027, 3): 4_000_000}))

    solve(session, SYSTEM, of, recourse=True)

    assert [(one.line_id, one.kg) for one in awards_of(session, of)[1:]] == [(rest, 11_000_000)]


def test_recourse_is_done_at_most_twice(session: Session, make: Make) -> None:
    made = world(make)
    made.recycler(price=5900)
    made.recycler(price=5800)
    of = made.round()
    signs = make.signatory(made.plants[0])
    published(session, made, of)
    for turn in range(2):
        decline_award(session, signs, awards_of(session, of)[-1].id, "No.", now=AFTER + timedelta(minutes=turn))
        solve(session, SYSTEM, of, recourse=True)
    assert len(awards_of(session, of)) == 3
    decline_award(session, signs, awards_of(session, of)[-1].id, "No.", now=AFTER + timedelta(minutes=3))

    assert state(session, of.id) == "settled"
    with pytest.raises(Conflict):
        solve(session, SYSTEM, of, recourse=True)


def test_a_replay_gives_the_same_bytes_and_tampering_shows(session: Session, make: Make) -> None:
    made = world(make)
    made.plant(kg_per_month=3_000_000)
    made.recycler(price=5000)
    of = made.round()
    published(session, made, of)

    (same,) = replay(session, of.id, engines.engine)

    assert same.same
    assert same.result_now == same.result_sha256
    dialect = session.get_bind().dialect.name
    with transaction(session):
        if dialect == "sqlite":
            session.execute(text("drop trigger round_files_only_grows_update"))
        else:
            session.execute(text("alter table round_files disable trigger round_files_only_grows"))
        session.execute(
            text("update round_files set content = replace(content, '3000000', '2900000') where kind = 'input'")
        )
        if dialect != "sqlite":
            session.execute(text("alter table round_files enable trigger round_files_only_grows"))
    (tampered,) = replay(session, of.id, engines.engine)
    assert not tampered.same
    assert tampered.result_now != tampered.result_sha256
    with pytest.raises(NotFound):
        replay(session, of.id + 1, engines.engine)

"""A round from opening to settlement: what is reserved, who is told, what a failure leaves behind."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import NewRound, RoundResult, Snapshot
from marketplace.jobs.rounds import solve as handler
from marketplace.jobs.work import Tools
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.lines import LineMonth, LineYear
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.outbox import Job, OutboxMail
from marketplace.persistence.rounds import Award, Leftover, Round, RoundFile
from marketplace.services import jobs
from marketplace.services.awards import decline_award, lapse_due
from marketplace.services.counters import Share, reserve
from marketplace.services.rounds import (
    ask_recourse,
    ask_run,
    close_round,
    open_round,
    publish_round,
    run_round,
    settle_due,
    state_of_round,
    void_round,
)
from marketplace.services.snapshots import read_snapshot
from marketplace.solver import engines
from marketplace.solver.problem import Allocation, Problem
from tests.factories import NOON, SEALER, Make, accept
from tests.integration.services.rounds_world import AFTER, awards_of, published, sessions, solve, world

DAY = timedelta(days=1)


def new(park_id: int, **changes: object) -> NewRound:
    usual = {
        "park_id": park_id,
        "kind": "market",
        "objective": "utilization",
        "first_month": Month(2027, 2),
        "last_month": Month(2027, 4),
        "opens_at": NOON,
        "closes_at": NOON + 7 * DAY,
        "answers_until": NOON + 14 * DAY,
        "max_km": 200,
        "circuity": Decimal("1.3"),
    }
    return NewRound(**(usual | changes))  # type: ignore[arg-type]


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


def test_rounds_of_a_park_are_numbered_one_after_the_other(session: Session, make: Make) -> None:
    made = world(make)
    actor = made.administrator

    first = open_round(session, actor, new(made.park.id), now=NOON)
    second = open_round(session, actor, new(made.park.id, kind="planning"), now=NOON)

    assert list(session.execute(select(Round.id, Round.number, Round.kind, Round.max_m).order_by(Round.id))) == [
        (first, 1, "market", 200_000),
        (second, 2, "planning", 200_000),
    ]
    assert state(session, first, NOON) == "collecting"


def test_only_the_parks_own_administrator_opens_and_runs_rounds(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    strangers = [make.administrator(make.park()), make.signatory(made.plants[0]), make.signatory(make.organization())]

    for stranger in strangers:
        for act in (
            lambda who: open_round(session, who, new(made.park.id), now=NOON),
            lambda who: close_round(session, who, of.id, now=NOON),
            lambda who: ask_run(session, who, of.id, now=AFTER),
            lambda who: solve(session, who, of),
            lambda who: publish_round(session, who, of.id, now=AFTER),
            lambda who: void_round(session, who, of.id, "why", now=AFTER),
            lambda who: ask_recourse(session, who, of.id, now=AFTER),
        ):
            with pytest.raises(NotFound):
                act(stranger)
    with pytest.raises(NotAllowed):
        publish_round(session, make.actor(make.person("auditor")), of.id, now=AFTER)

    assert session.scalar(select(func.count(Round.id))) == 1
    assert session.scalar(select(func.count(AuditRow.id))) == 0


def test_a_round_that_closes_in_the_past_is_not_opened(session: Session, make: Make) -> None:
    made = world(make)
    actor = made.administrator

    with pytest.raises(Invalid):
        open_round(session, actor, new(made.park.id), now=NOON + 8 * DAY)

    assert session.scalar(select(func.count(Round.id))) == 0


def test_a_round_is_closed_early_once(session: Session, make: Make) -> None:
    made = world(make)
    of = make.round(made.park)
    actor = made.administrator

    close_round(session, actor, of.id, now=NOON)

    assert state(session, of.id, NOON) == "closed"
    with pytest.raises(Conflict):
        close_round(session, actor, of.id, now=NOON)


def test_what_a_round_reads_is_what_is_free_in_its_window(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round(last_month=Month(2027, 3))
    line = made.recycler(capacity_kg_per_month=9_000_000, capacity_kg_per_year=12_000_001, closed_months="3")
    with transaction(session):
        reserve(session, Share(made.listings[0].id, line.id, {Month(2027, 2): 2_000_000}))

    snapshot = read_snapshot(session, of, now=AFTER)

    assert [(lot.listing_id, lot.months) for lot in snapshot.lots] == [
        (made.listings[0].id, ((Month(2027, 2), 3_000_000), (Month(2027, 3), 5_000_000)))
    ]
    assert snapshot.lots[0].offered.reserve_fen_per_t == 500
    assert [(one.line_id, one.months) for one in snapshot.lines] == [
        (made.lines[0].id, ((Month(2027, 2), 20_000_000), (Month(2027, 3), 20_000_000))),
        (line.id, ((Month(2027, 2), 7_000_000),)),
    ]


def test_what_the_annual_permit_leaves_is_read_beside_the_months_where_it_is_less(session: Session, make: Make) -> None:
    made = world(make)
    line = made.recycler(capacity_kg_per_month=9_000_000, capacity_kg_per_year=10_000_000)

    snapshot = read_snapshot(session, made.round(), now=AFTER)

    assert dict(snapshot.lines[1].months) == dict.fromkeys(Month(2027, 2).until(Month(2027, 4)), 9_000_000)
    assert [each.year_left_kg for each in snapshot.lines] == [(), ((2027, 10_000_000),)]
    assert (snapshot.lines[1].line_id, snapshot.lines[1].accepting.room_kg) == (line.id, 10_000_000)


def test_who_is_not_verified_or_suspended_takes_no_part_and_reads_why(session: Session, make: Make) -> None:
    made = world(make)
    unverified, suspended = made.plant(), made.plant()
    made.plant(withdrawn_at=NOON)
    made.plant(expires_at=AFTER)
    with transaction(session):
        made.plants[1].verified_at = None
        made.plants[2].suspended_at = NOON
        session.add_all(made.plants[1:3])
    of = made.round()

    awards = published(session, made, of)

    assert [award.listing_id for award in awards] == [made.listings[0].id]
    left = session.execute(
        select(Leftover.listing_id, Leftover.kg, Leftover.reason)
        .where(Leftover.listing_id.is_not(None))
        .order_by(Leftover.listing_id)
    ).all()
    assert left == [(unverified.id, 15_000_000, "not_verified"), (suspended.id, 15_000_000, "suspended")]


def test_a_run_is_one_job_however_often_it_is_asked_for(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    actor = made.administrator

    first, second = (ask_run(session, actor, of.id, now=AFTER) for _ in range(2))

    assert first == second
    held = jobs.claim(session, first, now=AFTER)
    assert held is not None
    handler(sessions(session), held, lambda *_, **__: None, Tools(SEALER))
    jobs.finish(session, held, now=AFTER)
    assert state(session, of.id) == "solved"
    assert ask_run(session, actor, of.id, now=AFTER) != first
    assert session.scalar(select(func.count(Job.id))) == 2


def test_a_collecting_round_is_not_run(session: Session, make: Make) -> None:
    made = world(make)
    of = make.round(made.park)
    actor = made.administrator

    with pytest.raises(Conflict):
        ask_run(session, actor, of.id, now=NOON)
    with pytest.raises(Conflict):
        solve(session, actor, make.round(made.park, closes_at=AFTER + DAY))

    assert session.scalar(select(func.count(Job.id))) == 0
    assert session.scalar(select(func.count(RoundFile.id))) == 0


def test_a_run_freezes_what_it_reads_and_proves_what_it_finds(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()

    result = solve(session, made.administrator, of)

    files = session.execute(select(RoundFile.pass_no, RoundFile.kind, RoundFile.sha256, RoundFile.content)).all()
    assert {(row.pass_no, row.kind, row.sha256) for row in files} == {
        (1, "input", result.snapshot_sha256),
        (1, "result", result.sha256),
    }
    content = {row.kind: row.content for row in files}
    assert Snapshot.from_json(content["input"]).sha256 == result.snapshot_sha256
    assert RoundResult.from_json(content["result"]).to_json() == result.to_json()
    assert state(session, of.id) == "solved"
    assert session.scalar(select(func.count(Award.id))) == 0
    assert list(broken(session)) == []


def test_publishing_reserves_on_both_sides_and_tells_both(session: Session, make: Make) -> None:
    made = world(make)
    for organization in (*made.plants, *made.recyclers):
        make.person("signatory", organization=organization, email=f"s{organization.id}@test.example")
        make.person("clerk", organization=organization)
    of = made.round()

    awards = published(session, made, of)

    assert [(award.kg, award.pass_no, award.listing_id, award.line_id) for award in awards] == [
        (15_000_000, 1, made.listings[0].id, made.lines[0].id)
    ]
    # midway between the reserve of 5.00 and what 60.00 delivered leaves after freight
    freight = awards[0].freight_fen_per_t
    assert awards[0].price_fen_per_t == 500 + (6000 - freight - 500) // 2
    assert awards[0].terms is not None
    assert awards[0].terms["delivered_fen_per_t"] == awards[0].price_fen_per_t + freight
    assert reserved(session) == ([5_000_000] * 3, [5_000_000] * 3, [15_000_000])
    mails = session.scalars(
        select(OutboxMail.recipient).where(OutboxMail.kind == "awards").order_by(OutboxMail.recipient)
    ).all()
    assert mails == [
        f"s{organization_id}@test.example"
        for organization_id in sorted((made.plants[0].id, made.recyclers[0].id), key=str)
    ]
    assert state(session, of.id) == "published"
    assert list(broken(session)) == []


def test_of_four_runs_and_four_publications_at_once_one_succeeds(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    actor = made.administrator
    round_id = of.id
    session.rollback()

    def at_once(act: object) -> list[str]:
        outcome: list[str] = []
        barrier = threading.Barrier(4)

        def try_it() -> None:
            barrier.wait()
            try:
                act()  # type: ignore[operator]
                outcome.append("done")
            except Conflict:
                outcome.append("conflict")

        threads = [threading.Thread(target=try_it) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sorted(outcome)

    started = threading.Semaphore(0)
    entered: list[int] = []

    def slow(problem: Problem, /, *, progress: object = None) -> Allocation:
        entered.append(1)
        started.acquire(timeout=1)  # lets the three others come meanwhile
        return engines.engine("scipy")(problem)

    make_session = sessions(session)
    runs = at_once(
        lambda: run_round(
            make_session, actor, round_id, engine=slow, engine_name="scipy", sealer=SEALER, now=lambda: AFTER
        )
    )

    def publish() -> None:
        with make_session() as own:
            publish_round(own, actor, round_id, now=AFTER)

    assert (runs, len(entered)) == (["conflict"] * 3 + ["done"], 1)
    assert at_once(publish) == ["conflict"] * 3 + ["done"]
    assert len(awards_of(session, of)) == 1
    assert reserved(session)[0] == [5_000_000] * 3
    assert list(broken(session)) == []


def test_a_planning_round_recommends_without_prices_and_reserves_nothing(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round(kind="planning")

    awards = published(session, made, of)

    assert [(award.kg, award.price_fen_per_t, award.terms) for award in awards] == [(15_000_000, None, None)]
    assert reserved(session) == ([0, 0, 0], [], [])
    signs = make.signatory(made.plants[0])
    with pytest.raises(Conflict, match="only recommends"):
        accept(session, signs, awards[0].id, now=AFTER)
    with pytest.raises(Conflict, match="only recommends"):
        decline_award(session, signs, awards[0].id, "no", now=AFTER)
    lapse_due(session, AFTER + 60 * DAY)
    settle_due(session, AFTER + 60 * DAY)
    assert awards_of(session, of)[0].lapsed_at is None
    assert session.get_one(Round, of.id, populate_existing=True).settled_at == AFTER + 60 * DAY
    assert list(broken(session)) == []


def test_a_published_round_is_void_until_a_contract_stands(session: Session, make: Make) -> None:
    made = world(make)
    first, second = made.round(), made.round(number=99)
    awards = published(session, made, first)
    actor = made.administrator
    with pytest.raises(Invalid):
        void_round(session, actor, first.id, "  ", now=AFTER)

    void_round(session, actor, first.id, "Wrong months.", now=AFTER)

    assert state(session, first.id) == "void"
    assert reserved(session) == ([0, 0, 0], [0, 0, 0], [0])
    award = awards_of(session, first)[0]
    assert (award.declined_by, award.decline_reason) == ("park", "Wrong months.")
    assert list(broken(session)) == []
    again = published(session, made, second)
    assert again[0].id != awards[0].id
    for organization in (made.plants[0], made.recyclers[0]):
        accept(session, make.signatory(organization), again[0].id, now=AFTER)
    with pytest.raises(Conflict):
        void_round(session, actor, second.id, "Too late.", now=AFTER)
    assert state(session, second.id) == "settled"


def test_a_round_that_is_solved_is_not_closed_once_more(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    solve(session, made.administrator, of)

    with pytest.raises(Conflict, match="collecting"):
        close_round(session, made.administrator, of.id, now=AFTER)

    session.rollback()
    assert session.get_one(Round, of.id, populate_existing=True).closed_at == NOON
    assert session.scalar(select(func.count(AuditRow.id)).where(AuditRow.action == "round.close")) == 0

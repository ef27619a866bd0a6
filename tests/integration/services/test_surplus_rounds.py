"""A round for the greatest surplus, with a subsidy, from opening to contract: on both databases, to the fen."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.domain.canonical import sha256
from marketplace.domain.contracts import terms
from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import NewRound, RoundResult, Snapshot
from marketplace.persistence.database import transaction
from marketplace.persistence.invariants import broken
from marketplace.persistence.rounds import Contract, Round, RoundFile
from marketplace.services.awards import decline_award
from marketplace.services.rounds import close_round, open_round, publish_round, replay
from marketplace.solver.engines import engine
from tests.factories import NOON, Make, accept
from tests.integration.services.rounds_world import AFTER, awards_of, solve, world

DAY = timedelta(days=1)


def new(park_id: int, **changes: object) -> NewRound:
    usual = {
        "park_id": park_id,
        "kind": "market",
        "objective": "surplus",
        "first_month": Month(2027, 2),
        "last_month": Month(2027, 4),
        "opens_at": NOON,
        "closes_at": NOON + 7 * DAY,
        "answers_until": NOON + 30 * DAY,
        "max_km": 200,
        "circuity": Decimal("1.3"),
        "subsidy_fen_per_t": 500,
    }
    return NewRound(**(usual | changes))  # type: ignore[arg-type]


def test_from_opening_to_contract_and_once_more(session: Session, make: Make) -> None:
    made = world(make)
    actor, park_id = made.administrator, made.park.id
    producer = make.signatory(made.plants[0])
    recycler = make.signatory(made.recyclers[0])
    session.rollback()

    round_id = open_round(session, actor, new(park_id), now=NOON)
    close_round(session, actor, round_id, now=NOON + DAY)
    of = session.get_one(Round, round_id)
    result = solve(session, actor, of)
    publish_round(session, actor, round_id, now=AFTER)
    (award,) = awards_of(session, session.get_one(Round, round_id))
    text = terms(award.terms or {})
    accept(session, producer, award.id, terms_sha256=text.sha256, now=AFTER)
    accept(session, recycler, award.id, terms_sha256=text.sha256, now=AFTER)

    frozen = session.scalars(select(RoundFile.content).where(RoundFile.kind == "input")).one()
    snapshot = Snapshot.from_json(frozen)
    (lot,), (line,) = snapshot.lots, snapshot.lines
    net = (line.accepting.materials["fly_ash"] or 0) - award.freight_fen_per_t - award.deduction_fen_per_t
    assert (snapshot.objective, snapshot.subsidy_fen_per_t) == ("surplus", 500)
    # The line has room to spare in every month, so that the waste is short and its producer has the surplus.
    assert award.price_fen_per_t == net
    assert lot.offered.reserve_fen_per_t is not None
    surplus = (net - lot.offered.reserve_fen_per_t + 500) * 15_000
    assert result.report.surplus is not None
    assert (result.report.surplus.total_fen, result.report.surplus.producers_fen) == (surplus, surplus)
    assert result.report.surplus.recyclers_fen == 0
    assert result.report.subsidy_fen == 500 * 15_000
    assert text.subsidy_fen_per_t == 500
    contract = session.scalars(select(Contract)).one()
    assert (contract.price_fen_per_t, contract.terms["subsidy_fen_per_t"]) == (net, 500)
    assert list(broken(session)) == []
    session.rollback()
    (again,) = replay(session, round_id, engine)
    assert again.same


def test_what_was_declined_is_priced_anew_by_those_who_are_left(session: Session, make: Make) -> None:
    made = world(make)
    second = made.recycler(price=5000)
    of = made.round(objective="surplus", answer_by=NOON + 30 * DAY)
    actor = made.administrator
    solve(session, actor, of)
    publish_round(session, actor, of.id, now=AFTER)
    (award,) = awards_of(session, of)
    assert award.line_id == made.lines[0].id
    first_price = award.price_fen_per_t
    assert first_price is not None
    decline_award(session, make.signatory(made.plants[0]), award.id, "No.", now=AFTER)

    solve(session, actor, of, recourse=True)

    _, again = awards_of(session, of)
    assert (again.line_id, again.kg) == (second.id, award.kg)
    assert again.price_fen_per_t == first_price - 1000
    assert [each.same for each in replay(session, of.id, engine)] == [True, True]


def test_a_round_for_the_tonnes_keeps_the_bytes_that_it_had(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    solve(session, made.administrator, of)
    files = {row.kind: row.content for row in session.scalars(select(RoundFile))}
    session.rollback()

    told = {"subsidy_fen_per_t", '"surplus"', "subsidy_fen", '"prices"'}
    assert not any(word in content for word in told for content in files.values())
    assert RoundResult.from_json(files["result"]).snapshot_sha256 == sha256(files["input"])


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"kind": "planning", "subsidy_fen_per_t": 0}, "objective"),
        ({"kind": "planning", "objective": "utilization"}, "subsidy"),
        ({"subsidy_fen_per_t": -1}, "subsidy"),
        ({"subsidy_fen_per_t": 100_001}, "subsidy"),
        ({"objective": "profit"}, "objective"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_field(make: Make, changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        new(1, **changes)

    assert refusal.value.field == field


@pytest.mark.parametrize(
    "values",
    [{"kind": "planning", "objective": "surplus"}, {"kind": "planning", "subsidy_fen_per_t": 1}, {"subsidy_fen_per_t": -1},
     {"subsidy_fen_per_t": 100_001}, {"objective": "profit"}],
)  # fmt: skip
def test_the_database_refuses_it_whoever_writes(session: Session, make: Make, values: dict[str, object]) -> None:
    world(make).round()

    with pytest.raises(IntegrityError), transaction(session):
        session.execute(update(Round).values(**values))

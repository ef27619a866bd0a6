"""Costs of contracts, whole truckloads and monthly means of a round, from opening to replay: on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from marketplace.domain.contracts import terms
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Arriving, Snapshot
from marketplace.persistence.audit import AuditRow
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import AcceptanceLimit
from marketplace.persistence.rounds import AwardMonth, Leftover, Round, RoundFile
from marketplace.services.awards import decline_award
from marketplace.services.rounds import close_round, open_round, publish_round, replay
from marketplace.services.snapshots import read_snapshot
from marketplace.solver.engines import engine
from tests.factories import NOON, Make
from tests.integration.services.rounds_world import AFTER, FEBRUARY, World, awards_of, published, solve, world
from tests.integration.services.test_caps import bought
from tests.integration.services.test_surplus_rounds import new

LOAD = 31_000


def mean(**given: object) -> AcceptanceLimit:
    values = {"property": "moisture", "maximum": Decimal(10), "monthly_mean": True}
    return AcceptanceLimit(**(values | given))


def blending(make: Make) -> World:
    """Return a plant whose ash has 14 % of water, one whose has 7 %, and a line that asks for 10 % in the mean of a month."""
    made = World(make, make.park())
    for percent in ("14", "7"):
        organization = make.organization(park_id=made.park.id, recycles=False)
        stream = make.stream(make.site(organization), values={"moisture": percent})
        made.plants.append(organization)
        made.listings.append(make.listing(stream))
    made.recycler(limits=(mean(),))
    return made


def test_from_opening_to_replay(session: Session, make: Make) -> None:
    made = world(make)
    actor = made.administrator
    asked = replace(new(made.park.id, objective="utilization"), contract_fee_fen=8_000, truckload_kg=LOAD)
    session.rollback()

    round_id = open_round(session, actor, asked, now=NOON)
    close_round(session, actor, round_id, now=NOON + timedelta(days=1))
    of = session.get_one(Round, round_id)
    result = solve(session, actor, of)
    publish_round(session, actor, round_id, now=AFTER)

    assert [award.kg for award in result.awards] == [3 * 161 * LOAD]  # of 5,000 t a month 161 loads and a bit
    assert (result.report.fees_fen, result.report.truckload_kg) == (8_000, LOAD)
    kg = session.scalars(select(AwardMonth.kg).order_by(AwardMonth.month)).all()
    assert kg == [161 * LOAD] * 3
    left = session.execute(select(Leftover.kg, Leftover.reason).where(Leftover.listing_id.is_not(None))).all()
    assert [tuple(row) for row in left] == [(3 * 9_000, "part_truckload")]
    detail = session.scalars(select(AuditRow.detail).where(AuditRow.action == "round.open")).one()
    assert (detail["contract_fee_fen"], detail["truckload_kg"]) == (8_000, LOAD)
    session.rollback()
    assert [each.same for each in replay(session, round_id, engine)] == [True]


def test_a_round_without_them_is_frozen_as_it_was(session: Session, make: Make) -> None:
    made = world(make)
    of = made.round()
    solve(session, made.administrator, of)

    frozen = "".join(session.scalars(select(RoundFile.content)))

    for word in ("contract_fee", "truckload", "fees_fen", "monthly_mean", "arriving", "means"):
        assert word not in frozen


def test_a_line_takes_what_its_mean_balances_and_the_contract_says_so(session: Session, make: Make) -> None:
    made = blending(make)

    awards = published(session, made, made.round())

    wet, dry = awards
    assert (wet.kg, dry.kg) == (11_250_000, 15_000_000)  # 3 x 3,750 t of 4 % beyond, 3 x 5,000 t of 3 % within
    limit = terms(dry.terms or {}).limits[0]
    assert (limit.monthly_mean, limit.maximum) == (True, 10)
    reasons = session.scalars(select(Leftover.reason).where(Leftover.listing_id == made.listings[0].id)).all()
    assert reasons == ["monthly_mean"]


def test_what_was_sold_to_the_line_before_counts_in_its_mean(session: Session, make: Make) -> None:
    made = blending(make)
    of, award = made.round(), bought(made, 1_000_000)
    with transaction(session):
        session.add(award)
        session.flush()
        session.add(AwardMonth(award_id=award.id, month=FEBRUARY, kg=1_000_000))

    (line,) = read_snapshot(session, of, now=AFTER).lines

    expected = Arriving(month=FEBRUARY, material="fly_ash", property="moisture", kg=1_000_000, value=Decimal(14))
    assert line.arriving == (expected,)
    session.rollback()
    with transaction(session):
        session.merge(award).lapsed_at = AFTER
    (line,) = read_snapshot(session, of, now=AFTER).lines
    assert line.arriving == ()


@pytest.mark.parametrize("lapses", [True, False])
def test_a_mean_that_lost_what_balances_it_is_not_published(session: Session, make: Make, *, lapses: bool) -> None:
    """Given a round solved beside 1,000 t of 14 % that were sold; when these lapse before it is published, it is run again."""
    made = blending(make)
    of, award = made.round(), bought(made, 1_000_000)
    with transaction(session):
        session.add(award)
        session.flush()
        session.add(AwardMonth(award_id=award.id, month=FEBRUARY, kg=1_000_000))
    solve(session, made.administrator, of)
    if lapses:
        with transaction(session):
            session.merge(award).lapsed_at = AFTER

    if not lapses:  # the control
        assert publish_round(session, made.administrator, of.id, now=AFTER) == 2
        return
    with pytest.raises(Conflict, match="whose mean of a month must keep its limit, has changed"):
        publish_round(session, made.administrator, of.id, now=AFTER)
    assert awards_of(session, of) == []


def test_what_was_declined_is_allotted_again_within_the_mean(session: Session, make: Make) -> None:
    made = blending(make)
    of = made.round(answer_by=NOON + timedelta(days=30))
    _, dry = published(session, made, of)
    session.rollback()
    decline_award(session, make.signatory(made.plants[1]), dry.id, "No.", now=AFTER)

    solve(session, made.administrator, of, recourse=True)

    assert [award.listing_id for award in awards_of(session, of)] == [each.id for each in made.listings]
    frozen = session.scalars(select(RoundFile.content).where(RoundFile.kind == "input").order_by(RoundFile.pass_no))
    again = Snapshot.from_json(frozen.all()[-1])
    assert [(each.month, each.kg) for each in again.lines[0].arriving] == [
        (FEBRUARY.plus(ahead), 3_750_000) for ahead in range(3)
    ]


def test_what_lapsed_meanwhile_balances_nothing_in_a_second_pass(session: Session, make: Make) -> None:
    made = World(make, make.park())
    for percent, given in (("7", {"withdrawn_at": NOON}), ("14", {}), ("14", {})):
        organization = make.organization(park_id=made.park.id, recycles=False)
        stream = make.stream(make.site(organization), values={"moisture": percent})
        made.plants.append(organization)
        made.listings.append(make.listing(stream, **given))
    made.recycler(limits=(mean(),))
    of, dry = made.round(answer_by=NOON + timedelta(days=30)), bought(made, 1_000_000)
    with transaction(session):
        session.add(dry)
        session.flush()
        session.add(AwardMonth(award_id=dry.id, month=FEBRUARY, kg=1_000_000))
    (wet,) = published(session, made, of)
    assert wet.kg == 750_000  # 1,000 t of 3 % within balance it

    decline_award(session, make.signatory(made.recyclers[0]), wet.id, "No.", now=AFTER)
    with transaction(session):
        session.merge(dry).lapsed_at = AFTER
    solve(session, made.administrator, of, recourse=True)

    assert [award.id for award in awards_of(session, of)] == [wet.id]  # nothing balances the other wet lot


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"contract_fee_fen": -1}, "contract_fee"),
        ({"contract_fee_fen": 10_000_001}, "contract_fee"),
        ({"truckload_kg": 999}, "truckload"),
        ({"truckload_kg": 100_001}, "truckload"),
    ],
)
def test_what_makes_no_sense_is_refused_by_the_field(changes: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        new(1, **changes)

    assert refusal.value.field == field


def test_a_stranger_opens_no_such_round(session: Session, make: Make) -> None:
    made = world(make)
    asked = replace(new(made.park.id), contract_fee_fen=1, truckload_kg=LOAD)
    stranger = make.signatory(made.plants[0])
    session.rollback()

    with pytest.raises(NotFound):
        open_round(session, stranger, asked, now=NOON)

    assert session.scalar(select(func.count(Round.id))) == 0


@pytest.mark.parametrize(
    "wrong",
    [{"contract_fee_fen": -1}, {"contract_fee_fen": 10_000_001}, {"truckload_kg": 0}, {"truckload_kg": 100_001}],
)
def test_the_database_refuses_what_no_form_lets_through(session: Session, make: Make, wrong: dict[str, int]) -> None:
    made = world(make)
    of = made.round(last_month=Month(2027, 4))
    round_id = of.id
    session.rollback()

    with pytest.raises(IntegrityError), transaction(session):
        session.execute(update(Round).where(Round.id == round_id).values(**wrong))

"""The round of the demo world: it shows what stands between plants and lines, and lifts the park past the goal."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.cli.demo import world
from marketplace.matching.assembly import assemble
from marketplace.matching.clearing import clear
from marketplace.persistence.rounds import Round
from marketplace.queries.parks import park_page
from marketplace.services.rounds import publish_round, run_round
from marketplace.services.snapshots import read_snapshot
from marketplace.solver.engines import engine
from tests.factories import SEALER, Make
from tests.integration.services.rounds_world import sessions

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
CLOSED = NOW + timedelta(days=3)

SHOWN = {
    "material",
    "limit",
    "missing_value",
    "line_radius",
    "permit_expired",
    "permit_unverified",
    "closed_months",
    "filing_needed",
    "priced_out",
    "line_least_lot",
    "capacity_full",
}


def test_it_shows_each_of_the_reasons_why_waste_finds_no_line(session: Session) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)
    of = session.scalars(select(Round)).one()
    snapshot = read_snapshot(session, of, now=CLOSED)

    result = clear(snapshot, engine("scipy"))

    told = {left.code for left in result.leftovers}
    told |= {other.code for award in result.awards for other in award.alternatives}
    assembled = assemble(snapshot)
    for lot in snapshot.lots:
        for line in snapshot.lines:
            for month, _ in lot.months:
                fit = assembled.check_pair((lot.listing_id, line.line_id), (month,))
                told |= {reason.code for reason in fit.reasons}
    assert told >= SHOWN


def test_its_awards_lift_the_park_past_the_goal(session: Session, make: Make) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)
    of = session.scalars(select(Round)).one()
    park_id, round_id, actor = of.park_id, of.id, make.administrator(of)
    session.rollback()

    run_round(
        sessions(session),
        actor,
        round_id,
        engine=engine("scipy"),
        engine_name="scipy",
        sealer=SEALER,
        now=lambda: CLOSED,
    )
    publish_round(session, actor, round_id, now=CLOSED)

    forecast = park_page(session, actor, park_id, now=CLOSED).forecast
    assert forecast is not None
    assert forecast.base_rate is not None
    assert forecast.rate is not None
    assert forecast.base_rate < Decimal("0.57") < forecast.rate

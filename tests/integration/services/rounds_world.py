"""A park with plants and a recycler beside it, and a round ready to be run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session, sessionmaker

from marketplace.domain.actors import Actor
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import RoundResult
from marketplace.persistence.database import sessions_of
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, Round
from marketplace.services.rounds import publish_round, run_round
from marketplace.solver import engines
from marketplace.solver.engines import Engine as Solver
from tests.factories import NOON, SEALER, Make

AFTER = NOON + timedelta(days=1)
"""When the round has been closed."""


@dataclass
class World:
    """Who there is."""

    make: Make
    park: Park
    plants: list[Organization] = field(default_factory=list)
    recyclers: list[Organization] = field(default_factory=list)
    listings: list[Listing] = field(default_factory=list)
    lines: list[IntakeLine] = field(default_factory=list)

    @property
    def administrator(self) -> Actor:
        """Somebody who administers the park."""
        return self.make.administrator(self.park)

    def plant(self, **listing: object) -> Listing:
        """Add a plant with a listing of 5,000 t a month for February to April."""
        organization = self.make.organization(park_id=self.park.id, recycles=False)
        made = self.make.listing(self.make.stream(self.make.site(organization)), **listing)
        self.plants.append(organization)
        self.listings.append(made)
        return made

    def recycler(self, price: int = 6000, **line: object) -> IntakeLine:
        """Add a recycler some 20 km away with a line for fly ash, 20,000 t a month."""
        organization = self.make.organization(park_id=self.park.id, produces=False)
        site = self.make.site(organization, lat_udeg=40_200_000, lon_udeg=113_450_000)
        made = self.make.line(site, materials={"fly_ash": price}, **line)
        self.recyclers.append(organization)
        self.lines.append(made)
        return made

    def round(self, **given: object) -> Round:
        """Open a round that was closed at noon."""
        return self.make.round(self.park, **({"closed_at": NOON, "answer_by": NOON + timedelta(days=30)} | given))


def world(make: Make) -> World:
    """Return a park with one plant and one recycler: 15,000 t for a line with room for all of it."""
    made = World(make, make.park())
    made.plant()
    made.recycler()
    return made


def sessions(session: Session) -> sessionmaker[Session]:
    """Return what makes sessions to the same database."""
    bind = session.get_bind()
    assert isinstance(bind, Engine)
    return sessions_of(bind)


def solve(
    session: Session,
    actor: Actor,
    of: Round,
    *,
    solver: Solver | None = None,
    recourse: bool = False,
    now: datetime = AFTER,
) -> RoundResult:
    """Run a round, as the worker does."""
    round_id = of.id
    session.rollback()  # or this session would go on reading what was there before
    return run_round(
        sessions(session),
        actor,
        round_id,
        engine=solver or engines.engine("scipy"),
        engine_name="scipy",
        sealer=SEALER,
        recourse=recourse,
        now=lambda: now,
    )


def published(session: Session, made: World, of: Round, *, now: datetime = AFTER) -> list[Award]:
    """Run and publish a round and return its awards."""
    actor = made.administrator
    solve(session, actor, of, now=now)
    publish_round(session, actor, of.id, now=now)
    return awards_of(session, of)


def awards_of(session: Session, of: Round) -> list[Award]:
    """Return the awards of a round by id."""
    round_id = of.id
    session.rollback()
    query = select(Award).where(Award.round_id == round_id).order_by(Award.id).execution_options(populate_existing=True)
    found = list(session.scalars(query))
    session.rollback()
    return found


FEBRUARY = Month(2027, 2)

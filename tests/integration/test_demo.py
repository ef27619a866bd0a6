"""The demo world: believable, whole, the same at every load, and instructive."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from marketplace.cli.demo import world
from marketplace.domain.quantities import Month
from marketplace.matching.clearing import clear
from marketplace.persistence import invariants
from marketplace.persistence.ledger import Posting
from marketplace.persistence.lines import Filing, IntakeLine
from marketplace.persistence.listings import Bid
from marketplace.persistence.organizations import Organization
from marketplace.persistence.people import Person
from marketplace.persistence.rounds import Round
from marketplace.persistence.tables import Base
from marketplace.services.seals import unsealed
from marketplace.services.snapshots import read_snapshot
from marketplace.solver.engines import engine
from tests.factories import SEALER

NOW = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


def dump(session: Session) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows; of a sealed bid what it says, for it looks otherwise each time."""
    rows = {
        name: [
            tuple(map(str, row))
            for row in session.execute(
                select(*(column for column in table.columns if column.name not in {"sealed", "receipt"})).order_by(
                    *table.primary_key
                )
            )
        ]
        for name, table in Base.metadata.tables.items()
    }
    bids = session.scalars(select(Bid).order_by(Bid.id))
    return rows | {"terms": [(str(unsealed(SEALER, bid)),) for bid in bids]}


def test_every_invariant_holds_in_it(session: Session) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)

    assert list(invariants.broken(session)) == []


def test_it_is_the_same_at_every_load(session: Session) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)
    first = dump(session)
    session.rollback()
    with session.begin():
        if session.get_bind().dialect.name == "sqlite":
            for (trigger,) in session.execute(text("select name from sqlite_master where type = 'trigger'")).all():
                session.execute(text(f"drop trigger {trigger}"))
            session.execute(text("pragma defer_foreign_keys = on"))
            for table in reversed(Base.metadata.sorted_tables):
                session.execute(table.delete())
        else:
            names = ", ".join(f'"{name}"' for name in Base.metadata.tables)
            session.execute(text(f"truncate {names} restart identity cascade"))
    session.expunge_all()

    world.load(session, "!", sealer=SEALER, now=NOW)

    assert dump(session) == first


def test_the_rate_of_the_bulk_classes_is_near_51_percent(session: Session) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)

    moved = {
        (debit, credit): kg
        for debit, credit, kg in session.execute(
            select(Posting.debit, Posting.credit, func.sum(Posting.kg))
            .where(Posting.material != "scrap_steel", Posting.month >= Month(2025, 11))
            .group_by(Posting.debit, Posting.credit)
        )
    }
    generated, from_stock = moved["process", "yard"], moved["store", "utilized"]
    rate = (moved["yard", "utilized"] + from_stock) / (generated + from_stock)

    assert 0.505 < rate < 0.52


def test_it_is_loaded_once_and_everybody_in_it_is_there(session: Session) -> None:
    assert not world.is_settled(session)

    world.load(session, "!", sealer=SEALER, now=NOW)

    assert world.is_settled(session)
    assert session.scalar(select(func.count(Organization.id))) == 26
    assert set(session.scalars(select(Person.email))) >= {
        f"{name}@demo.example" for name in ("plant", "recycler", "park", "operator", "auditor")
    }


def test_ash_goes_to_the_alumina_line_under_the_filings_of_both_years(session: Session) -> None:
    world.load(session, "!", sealer=SEALER, now=NOW)
    of = session.scalars(select(Round)).one()
    line_id = session.scalars(select(IntakeLine.id).where(IntakeLine.name_en == "Alumina line")).one()
    filings = session.execute(select(Filing.id, Filing.valid_from).order_by(Filing.valid_from)).all()

    result = clear(read_snapshot(session, of, now=NOW), engine("scipy"))

    moved = {
        month.year: filing_id
        for award in result.awards
        if award.line_id == line_id
        for month, filing_id in award.filings
    }
    assert moved == {row.valid_from.year: row.id for row in filings}

"""
What leaves under a contract and a filing: counters, moved by one conditional UPDATE each, so that no two trucks at one
moment carry more than there is.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import CursorResult, select, update
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.amendments import contract_state, must_be_in_force
from marketplace.domain.contracts import Terms, terms
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.listings import CLOSING_TIME, month_at
from marketplace.domain.places import province_of
from marketplace.persistence.amendments import Amendment, Termination
from marketplace.persistence.lines import Filing
from marketplace.persistence.organizations import Site
from marketplace.persistence.rounds import Award, Contract
from marketplace.persistence.shipments import Shipment
from marketplace.services.awards import belonging_of


def held_text(session: Session, contract_id: int, *, now: datetime, actor: Actor | None = None) -> Terms:
    """
    Hold a contract and return the text in force; with an actor, one who may plan shipments under it.

    Raises NotFound, NotAllowed; Conflict if the contract is over.
    """
    contract = session.scalar(
        select(Contract).where(Contract.id == contract_id).with_for_update().execution_options(populate_existing=True)
    )
    if contract is None:
        raise NotFound
    if actor is not None:
        actor.must("shipment.plan", belonging_of(session, session.get_one(Award, contract.award_id))[0])
    last = session.scalar(
        select(Amendment.terms)
        .where(Amendment.contract_id == contract_id, Amendment.made_at.is_not(None))
        .order_by(Amendment.version.desc())
        .limit(1)
    )
    text = terms(contract.terms if last is None else last)
    ended_at = session.scalar(select(Termination.terminated_at).where(Termination.contract_id == contract_id))
    last_month = max((month for month, _ in text.months), default=None)
    must_be_in_force(contract_state(month_at(now), last_month=last_month, terminated_at=ended_at))
    return text


def take_out(session: Session, row: Shipment, kg: int, *, most_kg: int, day: date) -> None:
    """
    Take a vehicle's kilograms out of its contract and, where it crosses provinces, of a filing with one trip.

    Sets the shipment's filing. Raises Conflict, and then the caller's transaction takes nothing, if the contract holds
    less, or no filing in force on the day does.
    """
    if not _moved(
        session,
        update(Contract)
        .where(Contract.id == row.contract_id, Contract.shipped_kg + kg <= most_kg)
        .values(shipped_kg=Contract.shipped_kg + kg),
    ):
        raise Conflict(
            "The contract and what it may be exceeded by leave less than %(wanted_kg)s t for this vehicle.",
            wanted_kg=kg,
        )
    if not _crosses(session, row):
        return
    for filing_id in session.scalars(
        select(Filing.id)
        .where(
            Filing.stream_id == row.stream_id,
            Filing.receiving_site_id == row.to_site_id,
            Filing.ended_at.is_(None),
            Filing.valid_from <= day,
            Filing.valid_to >= day,
        )
        .order_by(Filing.valid_to, Filing.id)
    ).all():
        if _moved(
            session,
            update(Filing)
            .where(
                Filing.id == filing_id,
                Filing.shipped_kg + kg <= Filing.filed_kg,
                Filing.shipped_trips < Filing.filed_trips,
            )
            .values(shipped_kg=Filing.shipped_kg + kg, shipped_trips=Filing.shipped_trips + 1),
        ):
            row.filing_id = filing_id
            return
    raise Conflict(
        "Nothing leaves the province without a filing: none that holds %(wanted_kg)s t and one more trip is in force today.",
        wanted_kg=kg,
    )


def give_back(session: Session, row: Shipment) -> None:
    """Give a vehicle's kilograms back to its contract and its filing, with the trip."""
    kg = row.out_kg or 0
    _moved(
        session,
        update(Contract).where(Contract.id == row.contract_id).values(shipped_kg=Contract.shipped_kg - kg),
    )
    if row.filing_id is not None:
        _moved(
            session,
            update(Filing)
            .where(Filing.id == row.filing_id)
            .values(shipped_kg=Filing.shipped_kg - kg, shipped_trips=Filing.shipped_trips - 1),
        )


def day_at(at: datetime) -> date:
    """Return the day, in China, of an instant."""
    return at.astimezone(CLOSING_TIME).date()


def _crosses(session: Session, row: Shipment) -> bool:
    """Return whether a shipment leaves its province: the first two digits of the two sites decide."""
    codes = session.scalars(select(Site.division_code).where(Site.id.in_((row.from_site_id, row.to_site_id)))).all()
    return len({province_of(code) for code in codes}) > 1


def _moved(session: Session, statement: Any) -> bool:
    done = cast("CursorResult[Any]", session.execute(statement, execution_options={"synchronize_session": False}))
    return done.rowcount == 1

"""A contract held while it is changed or ended: after its round and its listing, before any counter."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.amendments import ContractState, contract_state, must_be_in_force
from marketplace.domain.contracts import Side, Terms, terms
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import month_at
from marketplace.persistence.amendments import Amendment, Termination
from marketplace.persistence.audit import record
from marketplace.persistence.listings import Listing
from marketplace.persistence.rounds import Award, Contract
from marketplace.services.awards import belonging_of
from marketplace.services.ladder import hold_listing
from marketplace.services.proposals import hold_round


@dataclass(frozen=True)
class HeldContract:
    """A contract, held with its award until the transaction ends, and the side that the actor answers for."""

    contract: Contract
    award: Award
    listing: Listing | None
    """Of an award of a bid, held too."""
    text: Terms
    """The version in force."""
    version: int
    since: datetime
    """When the version in force was signed by both."""
    sides: tuple[tuple[Side, int], ...]
    """Those that the actor may sign for, with their organizations."""
    park_id: int | None

    @property
    def side(self) -> Side:
        """The side that the actor acts for."""
        return self.sides[0][0]

    @property
    def organization_id(self) -> int:
        """The organization that the actor acts for."""
        return self.sides[0][1]


def held_contract(
    session: Session, actor: Actor, contract_id: int, now: datetime, *, closed: bool = False
) -> HeldContract:
    """Hold a contract that an actor may change; with ``closed`` one that is over too, which its caller asks about."""
    row = session.execute(
        select(Contract.award_id, Award.round_id)
        .join(Award, Award.id == Contract.award_id)
        .where(Contract.id == contract_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    if row.round_id is not None:
        hold_round(session, row.round_id)
    listing = hold_listing(session, row.award_id)
    award = session.get_one(Award, row.award_id, populate_existing=True, with_for_update=True)
    contract = session.get_one(Contract, contract_id, populate_existing=True, with_for_update=True)
    belonging, park_id = belonging_of(session, award)
    actor.must("contract.change", belonging)
    sides: list[tuple[Side, int]] = [
        side
        for side in (("producer", award.producer_id), ("recycler", award.recycler_id))
        if actor.may("contract.change", Belonging.to(side[1]))
    ]
    last = session.scalars(
        select(Amendment)
        .where(Amendment.contract_id == contract_id, Amendment.made_at.is_not(None))
        .order_by(Amendment.version.desc())
        .limit(1)
    ).one_or_none()
    text = terms(contract.terms if last is None else last.terms)
    version = 1 if last is None else last.version
    since = contract.made_at if last is None or last.made_at is None else last.made_at
    held = HeldContract(contract, award, listing, text, version, since, tuple(sides), park_id)
    if not closed:
        must_be_in_force(state_of(session, held, now))
    return held


def state_of(session: Session, held: HeldContract, now: datetime) -> ContractState:
    """Return how a contract stands that is held."""
    ended_at = session.scalar(select(Termination.terminated_at).where(Termination.contract_id == held.contract.id))
    last = max((month for month, _ in held.text.months), default=None)
    return contract_state(month_at(now), last_month=last, terminated_at=ended_at)


def open_proposal(session: Session, contract_id: int) -> Amendment | None:
    """Return the version that is proposed and neither signed by both nor over; there is at most one."""
    return session.scalars(
        select(Amendment).where(
            Amendment.contract_id == contract_id,
            Amendment.made_at.is_(None),
            Amendment.declined_at.is_(None),
            Amendment.withdrawn_at.is_(None),
        )
    ).one_or_none()


def note(session: Session, actor: Actor, action: str, held: HeldContract, now: datetime, **detail: object) -> None:
    """Write the audit row of an act on a contract."""
    record(
        session,
        actor,
        action,
        "contract",
        held.contract.id,
        now=now,
        organization_id=held.organization_id,
        park_id=held.park_id,
        number=held.contract.number,
        **detail,
    )

"""Reads: the versions of a contract, one that is proposed with its difference, and how a contract was ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.amendments import AmendmentState, Difference, amendment_state, difference
from marketplace.domain.contracts import Side, Terms, terms
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.amendments import Amendment, AmendmentSignature, Termination
from marketplace.persistence.listings import ListingMonth
from marketplace.persistence.rounds import Award, AwardMonth, Contract
from marketplace.queries.deals import Deal, deal, deals
from marketplace.queries.todo import Task


@dataclass(frozen=True)
class Signature:
    """Who signed for a side, over which hash."""

    side: Side
    name: str
    at: datetime
    sha256: str


@dataclass(frozen=True)
class Version:
    """A version of a contract that was proposed, and how far it is; the first one is the contract itself."""

    id: int
    version: int
    proposed_by: Side
    reason: str
    proposed_at: datetime
    made_at: datetime | None
    decline_reason: str
    state: AmendmentState
    terms: Terms
    terms_sha256: str


@dataclass(frozen=True)
class Ended:
    """That a side ended a contract, why, and what was free again."""

    side: Side
    cause: str
    reason: str
    name: str
    at: datetime
    month: Month
    delivered_kg: int
    freed_kg: int
    sha256: str


@dataclass(frozen=True)
class AmendmentPage:
    """A version that one side proposes, with what it changes."""

    contract_id: int
    number: str
    version: Version
    difference: Difference
    signatures: tuple[Signature, ...]
    intact: bool
    deal: Deal
    side: Side | None
    may_change: bool
    ended: bool
    """Whether the contract is terminated."""

    @property
    def waiting(self) -> bool:
        """Whether the proposal waits for signatures."""
        return self.version.state in ("open", "half")

    @property
    def may_sign(self) -> bool:
        """Whether the reader signs for a side that has not."""
        return self.may_change and self.waiting and self.side not in {each.side for each in self.signatures}


@dataclass(frozen=True)
class PlanPage:
    """The months of a contract that may be planned anew, with what is planned and what more the listing has."""

    months: tuple[tuple[Month, int, int], ...]
    """Month, planned, and free of the listing."""
    terms: Terms


def versions_of(session: Session, contract_id: int) -> tuple[Version, ...]:
    """Return the versions of a contract after its first, oldest proposal first. One SELECT."""
    signed = (
        select(func.count(AmendmentSignature.id))
        .where(AmendmentSignature.amendment_id == Amendment.id)
        .correlate(Amendment)
        .scalar_subquery()
    )
    rows = session.execute(
        select(Amendment, signed.label("signatures"))
        .where(Amendment.contract_id == contract_id)
        .order_by(Amendment.id)
    )  # fmt: skip
    return tuple(_version(row.Amendment, row.signatures) for row in rows)


def ended_of(session: Session, contract_id: int) -> Ended | None:
    """Return how a contract was terminated; none if it was not. One SELECT."""
    row = session.scalars(select(Termination).where(Termination.contract_id == contract_id)).one_or_none()
    if row is None:
        return None
    return Ended(
        _side(row.side), row.cause, row.reason, row.person_name, row.terminated_at, row.month, row.delivered_kg,
        row.freed_kg, row.sha256,
    )  # fmt: skip


def signatures_of(session: Session, amendment_id: int) -> tuple[Signature, ...]:
    """Return who signed a version after the first. One SELECT."""
    rows = session.execute(
        select(
            AmendmentSignature.side, AmendmentSignature.person_name, AmendmentSignature.signed_at,
            AmendmentSignature.sha256,
        )
        .where(AmendmentSignature.amendment_id == amendment_id)
        .order_by(AmendmentSignature.id)
    )  # fmt: skip
    return tuple(Signature(_side(row[0]), *row[1:]) for row in rows)


def amendment_page(
    session: Session, actor: Actor, contract_id: int, amendment_id: int, *, now: datetime
) -> AmendmentPage:
    """Return one version that was proposed. Raises NotFound. Five SELECTs."""
    row = session.execute(
        select(Contract.award_id, Contract.number, Contract.terms).where(Contract.id == contract_id)
    ).one_or_none()
    if row is None:
        raise NotFound
    found = deal(session.execute(deals().where(Award.id == row.award_id)).one(), now)
    actor.must("contract.read", found.belonging())
    versions = versions_of(session, contract_id)
    this = next((each for each in versions if each.id == amendment_id), None)
    if this is None:
        raise NotFound
    before = next(
        (each.terms for each in versions if each.terms.sha256 == this.terms.replaces_sha256), terms(row.terms)
    )
    side = found.side_of(actor)
    return AmendmentPage(
        contract_id=contract_id,
        number=row.number,
        version=this,
        difference=difference(before, this.terms),
        signatures=signatures_of(session, amendment_id),
        intact=this.terms.sha256 == this.terms_sha256,
        deal=found,
        side=side,
        may_change=side is not None and actor.may("contract.change", found.belonging()),
        ended=ended_of(session, contract_id) is not None,
    )


def plan_page(session: Session, contract_id: int, current: Terms, *, now: datetime) -> PlanPage:
    """Return what of the plan of a contract, which the reader may change, is not past. One SELECT."""
    planned = dict(current.months)
    rows = session.execute(
        select(ListingMonth.month, ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg)
        .join(Award, Award.listing_id == ListingMonth.listing_id)
        .join(Contract, Contract.award_id == Award.id)
        .where(Contract.id == contract_id, ListingMonth.month >= month_at(now))
        .order_by(ListingMonth.month)
    )
    return PlanPage(tuple((month, planned.get(month, 0), int(free)) for month, free in rows), current)


def in_force(session: Session, contract_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return kilograms and price of contracts that are changed, by the version in force. One SELECT."""
    rows = session.execute(
        select(Amendment.contract_id, Amendment.kg, Amendment.price_fen_per_t)
        .where(Amendment.contract_id.in_(contract_ids), Amendment.made_at.is_not(None))
        .order_by(Amendment.contract_id, Amendment.version)
    )
    return {row.contract_id: (row.kg, row.price_fen_per_t) for row in rows}


def terminated(session: Session, contract_ids: Collection[int]) -> dict[int, int]:
    """Return what terminated contracts freed, in kilograms. One SELECT."""
    rows = session.execute(
        select(Termination.contract_id, Termination.freed_kg).where(Termination.contract_id.in_(contract_ids))
    )
    return {row.contract_id: row.freed_kg for row in rows}


def proposals(session: Session, actor: Actor) -> Iterable[Task]:
    """Yield the changes of own contracts that wait for a signature of the own side. One SELECT."""
    own = [each for each in actor.organization_ids if actor.may("contract.read", Belonging.to(each))]
    rows = session.execute(
        select(Contract.id, Contract.number, Amendment.version)
        .join(Amendment, Amendment.contract_id == Contract.id)
        .where(
            Amendment.made_at.is_(None),
            Amendment.declined_at.is_(None),
            Amendment.withdrawn_at.is_(None),
            or_(
                and_(Contract.producer_id.in_(own), ~_signed_by("producer")),
                and_(Contract.recycler_id.in_(own), ~_signed_by("recycler")),
            ),
        )
        .order_by(Amendment.id)
    )
    for contract_id, number, version in rows:
        yield Task(
            "wait",
            Sentence("To sign"),
            Sentence("Contract %(number)s: version %(version)s is proposed.", {"number": number, "version": version}),
            Sentence("Look"),
            "contracts",
            contract_id,
            rank=100,
        )


def _signed_by(side: Side) -> ColumnElement[bool]:
    return exists().where(AmendmentSignature.amendment_id == Amendment.id, AmendmentSignature.side == side)


def planned_this_month(session: Session, award_id: int, *, now: datetime) -> int:
    """Return the kilograms that a contract plans for the month that it is. One SELECT."""
    return (
        session.scalar(
            select(AwardMonth.kg).where(AwardMonth.award_id == award_id, AwardMonth.month == month_at(now))
        )
        or 0
    )  # fmt: skip


def _version(row: Amendment, signatures: int) -> Version:
    return Version(
        id=row.id,
        version=row.version,
        proposed_by=_side(row.proposed_by),
        reason=row.reason,
        proposed_at=row.proposed_at,
        made_at=row.made_at,
        decline_reason=row.decline_reason,
        state=amendment_state(
            signatures=signatures, made_at=row.made_at, declined_at=row.declined_at, withdrawn_at=row.withdrawn_at
        ),
        terms=terms(row.terms),
        terms_sha256=row.terms_sha256,
    )


def _side(text: Any) -> Side:
    return "producer" if text == "producer" else "recycler"

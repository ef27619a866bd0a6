"""Reads: the file of a counterparty: who it is, under which permits it takes what, and what became of its deals, in counts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.domain.actors import Actor
from marketplace.domain.contracts import Side, award_state
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.persistence.amendments import Amendment, ShortfallMonth, Termination
from marketplace.persistence.lines import IntakeLine, LineMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, AwardMonth, Contract
from marketplace.queries.deals import Deal, deal, deals


@dataclass(frozen=True)
class LineFile:
    """An intake line: its permit, what it may take in a month, and how much of this month all its producers hold."""

    name: str
    name_en: str
    permit_no: str
    permit_valid_until: date | None
    permit_verified_at: datetime | None
    capacity_kg_per_month: int
    capacity_kg_per_year: int
    committed_kg: int

    def permit_holds(self, today: date) -> bool:
        """Whether a verified permit holds on a day."""
        return (
            self.permit_verified_at is not None
            and self.permit_valid_until is not None
            and today <= self.permit_valid_until
        )


@dataclass(frozen=True)
class Record:
    """
    What became of all awards of an organization on one side, in counts; each is a fact of this platform, none a mark.

    ``answered`` are those that it had to answer and whose time is over or whose answer is there: the sum of the three
    after it. ``terminated_other`` are contracts that the other side ended.
    """

    since: datetime | None
    awards: int
    waiting: int
    answered: int
    signed: int
    declined: int
    unanswered: int
    contracts: int
    terminated: int
    terminated_other: int
    shortfalls: int
    """Versions by which it takes less than was planned; of a recycler alone."""
    partners: int
    kg_ahead: int
    """Under contract from this month on."""


@dataclass(frozen=True)
class CounterpartyPage:
    """One side of a deal, as whoever reads the deal may see it."""

    deal: Deal
    side: Side
    id: int
    name_zh: str
    name_en: str
    credit_code: str
    park_zh: str
    park_en: str
    contact_name: str
    contact_phone: str
    registered_at: datetime
    verified_at: datetime | None
    suspended_at: datetime | None
    small_works: bool
    lines: tuple[LineFile, ...]
    record: Record
    today: date


def counterparty_page(session: Session, actor: Actor, award_id: int, side: Side, *, now: datetime) -> CounterpartyPage:
    """
    Return the file of a side of an award that the actor may read. Raises NotFound. At most seven SELECTs.

    It tells no price, and of deals with others nothing but counts.
    """
    row = session.execute(deals().where(Award.id == award_id)).one_or_none()
    if row is None:
        raise NotFound
    found = deal(row, now)
    actor.must("award.read", found.belonging())
    organization_id = found.producer_id if side == "producer" else found.recycler_id
    of, park_zh, park_en = session.execute(
        select(Organization, Park.name_zh, Park.name_en)
        .join(Park, Organization.park_id == Park.id)
        .where(Organization.id == organization_id)
    ).one()
    return CounterpartyPage(
        deal=found,
        side=side,
        id=of.id,
        name_zh=of.name_zh,
        name_en=of.name_en,
        credit_code=of.credit_code,
        park_zh=park_zh,
        park_en=park_en,
        contact_name=of.contact_name,
        contact_phone=of.contact_phone,
        registered_at=of.registered_at,
        verified_at=of.verified_at,
        suspended_at=of.suspended_at,
        small_works=of.small_works,
        lines=_lines(session, organization_id, month_at(now)) if side == "recycler" else (),
        record=_record(session, organization_id, side, now),
        today=now.date(),
    )


def _lines(session: Session, organization_id: int, month: Month) -> tuple[LineFile, ...]:
    committed = (
        select(func.coalesce(func.sum(LineMonth.reserved_kg + LineMonth.contracted_kg), 0))
        .where(LineMonth.line_id == IntakeLine.id, LineMonth.month == month)
        .correlate(IntakeLine)
        .scalar_subquery()
        .label("committed_kg")
    )
    rows = session.execute(
        select(
            IntakeLine.name, IntakeLine.name_en, IntakeLine.permit_no, IntakeLine.permit_valid_until,
            IntakeLine.permit_verified_at, IntakeLine.capacity_kg_per_month, IntakeLine.capacity_kg_per_year, committed,
        )
        .join(Site, IntakeLine.site_id == Site.id)
        .where(Site.organization_id == organization_id, IntakeLine.retired_at.is_(None))
        .order_by(IntakeLine.id)
    )  # fmt: skip
    return tuple(
        LineFile(
            name=row.name,
            name_en=row.name_en or row.name,
            permit_no=row.permit_no,
            permit_valid_until=row.permit_valid_until,
            permit_verified_at=row.permit_verified_at,
            capacity_kg_per_month=row.capacity_kg_per_month,
            capacity_kg_per_year=row.capacity_kg_per_year,
            committed_kg=int(row.committed_kg),
        )
        for row in rows
    )


def _record(session: Session, organization_id: int, side: Side, now: datetime) -> Record:
    producing = side == "producer"
    mine: ColumnElement[bool] = (Award.producer_id if producing else Award.recycler_id) == organization_id
    other = Award.recycler_id if producing else Award.producer_id
    accepted = Award.producer_accepted_at if producing else Award.recycler_accepted_at
    counts: Counter[str] = Counter()
    since: datetime | None = None
    for row in session.execute(
        select(
            Award.awarded_at, Award.answer_by, Award.price_fen_per_t, Award.producer_accepted_at,
            Award.recycler_accepted_at, Award.declined_at, Award.declined_by, Award.lapsed_at, accepted.label("mine"),
        ).where(mine, Award.price_fen_per_t.is_not(None))
    ):  # fmt: skip
        since = min(since or row.awarded_at, row.awarded_at)
        counts["awards"] += 1
        counts[_answer(row, side, now)] += 1
    ended = aliased(Termination)
    fell_short = (
        select(func.count(ShortfallMonth.amendment_id.distinct()))
        .join(Amendment, ShortfallMonth.amendment_id == Amendment.id)
        .join(Contract, Amendment.contract_id == Contract.id)
        .where(Contract.recycler_id == organization_id)
        .scalar_subquery()
    )
    contracts = session.execute(
        select(func.count(Contract.id), func.count(ended.id), func.count(other.distinct()), fell_short)
        .join(Award, Contract.award_id == Award.id)
        .outerjoin(ended, ended.contract_id == Contract.id)
        .where(mine)
    ).one()
    by_it = session.scalar(
        select(func.count(Termination.id))
        .join(Contract, Termination.contract_id == Contract.id)
        .where(
            or_(Contract.producer_id == organization_id, Contract.recycler_id == organization_id),
            Termination.organization_id == organization_id,
            Termination.side == side,
        )
    )
    ahead = session.scalar(
        select(func.sum(AwardMonth.kg))
        .join(Contract, Contract.award_id == AwardMonth.award_id)
        .join(Award, Award.id == Contract.award_id)
        .where(mine, AwardMonth.month >= month_at(now))
    )
    return Record(
        since=since,
        awards=counts["awards"],
        waiting=counts["waiting"],
        answered=counts["signed"] + counts["declined"] + counts["unanswered"],
        signed=counts["signed"],
        declined=counts["declined"],
        unanswered=counts["unanswered"],
        contracts=contracts[0],
        terminated=by_it or 0,
        terminated_other=contracts[1] - (by_it or 0),
        shortfalls=0 if producing else contracts[3],
        partners=contracts[2],
        kg_ahead=int(ahead or 0),
    )


def _answer(row: Any, side: Side, now: datetime) -> str:
    """Return what a side did with an award; ``void`` if it came to nothing before this side had to answer."""
    if row.mine is not None:
        return "signed"
    if row.declined_by == side:
        return "declined"
    state = award_state(
        now,
        price_fen_per_t=row.price_fen_per_t,
        answer_by=row.answer_by,
        producer_accepted_at=row.producer_accepted_at,
        recycler_accepted_at=row.recycler_accepted_at,
        declined_at=row.declined_at,
        lapsed_at=row.lapsed_at,
    )
    if state == "lapsed":
        return "unanswered"
    return "void" if state == "declined" else "waiting"

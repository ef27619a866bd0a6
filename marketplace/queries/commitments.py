"""Reads: what of the lines of a park is committed, over all producers, without any price; and who is over-committed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, cast

from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.commitments import Capacity, Committed, total
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence
from marketplace.persistence.fit import closed_months
from marketplace.persistence.kept import readable as readable_line
from marketplace.persistence.lines import IntakeLine, LineMonth, LineYear
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.rounds import Award, AwardMonth, Contract
from marketplace.persistence.streams import WasteStream
from marketplace.queries.deals import From, Producer, Recycler, To, deals, readable
from marketplace.queries.lines import MONTHS_SHOWN, months_of
from marketplace.queries.todo import Task

LIVE: Final = (Award.price_fen_per_t.is_not(None), Award.declined_at.is_(None), Award.lapsed_at.is_(None))
"""The awards that hold what the counters count."""


@dataclass(frozen=True)
class LineCommitted:
    """A line of the park, with all that is committed of it."""

    line_id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    permit_no: str
    permit_valid_until: date | None
    permit_verified: bool
    committed: Committed

    def at(self, month: Month) -> Capacity:
        """Return a month of it."""
        return dict(self.committed.months)[month]

    @property
    def pressing(self) -> tuple[object, ...]:
        """By what it is sorted: over-committed first, then what no permit covers, then the fullest."""
        fullest = max((each.load or 0 for _, each in self.committed.months), default=0)
        return (
            -self.committed.over_kg,
            not self.committed.uncovered,
            -fullest,
            self.organization_zh,
            self.name,
            self.line_id,
        )


@dataclass(frozen=True)
class Outside:
    """A line that another park oversees, with what plants of this park are to send it; what else it does is not ours."""

    line_id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    months: tuple[tuple[Month, Capacity], ...]

    def at(self, month: Month) -> Capacity:
        """Return a month of it; its capacity is not known here."""
        return dict(self.months).get(month, Capacity(0, 0, 0))

    @property
    def ahead(self) -> Capacity:
        """All months together."""
        return total(each for _, each in self.months)


@dataclass(frozen=True)
class CommitmentsPage:
    """The lines of a park and what is committed of them from a month on."""

    park_id: int
    name_zh: str
    name_en: str
    months: tuple[Month, ...]
    lines: tuple[LineCommitted, ...]
    outside: tuple[Outside, ...]

    @property
    def month(self) -> Month:
        """The month that is shown; the others follow it."""
        return self.months[0]

    @property
    def over(self) -> int:
        """How many lines are over-committed."""
        return sum(bool(line.committed.over_kg) for line in self.lines)

    @property
    def uncovered(self) -> int:
        """Of how many lines something is committed that no permit covers."""
        return sum(bool(line.committed.uncovered) for line in self.lines)

    @property
    def together(self) -> Capacity:
        """The month of all lines of the park."""
        return total(line.at(self.month) for line in self.lines)


@dataclass(frozen=True)
class Held:
    """An award or a contract that holds some of a line."""

    award_id: int
    contract_id: int | None
    contract_number: str | None
    producer_zh: str
    producer_en: str
    stream: str
    stream_en: str
    material: str
    months: tuple[tuple[Month, int], ...]

    @property
    def kg(self) -> int:
        """What it moves in the months that are shown."""
        return sum(kg for _, kg in self.months)


@dataclass(frozen=True)
class CommitmentPage:
    """One line: what is committed of it, if the park oversees it, and by which awards and contracts."""

    park_id: int
    park_zh: str
    park_en: str
    line_id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    line: LineCommitted | None
    held: tuple[Held, ...]
    may_lower: bool


def commitments_page(
    session: Session, actor: Actor, park_id: int, *, first: Month | None = None, now: datetime
) -> CommitmentsPage:
    """
    Return the lines of a park, over-committed ones first, and those outside that its plants send something to.

    A month that is past is shown as this one. Raises NotFound if the park is not the actor's to see. Five SELECTs.
    """
    park = _park(session, actor, park_id)
    months = _months(first, now)
    lines = _lines(session, actor, park_id, months)
    outside = _outside(session, actor, park_id, {line.line_id for line in lines}, months)
    return CommitmentsPage(park_id, park.name_zh, park.name_en, months, lines, outside)


def commitment_page(session: Session, actor: Actor, park_id: int, line_id: int, *, now: datetime) -> CommitmentPage:
    """
    Return one line with the awards and contracts that hold it from this month on.

    Of a line that another park oversees they are those of this park's plants alone. Raises NotFound. Seven SELECTs.
    """
    park = _park(session, actor, park_id)
    months = _months(None, now)
    mine = next(iter(_lines(session, actor, park_id, months, IntakeLine.id == line_id)), None)
    held = _held(session, actor, line_id, months, () if mine else (_of_plants(park_id),))
    if mine is None and not held:
        raise NotFound
    row = session.execute(
        select(IntakeLine, Organization, Site.park_id)
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(IntakeLine.id == line_id)
    ).one()
    line, organization, site_park = row
    whose = Belonging.to(organization.id, organization.park_id, site_park)
    return CommitmentPage(
        park_id=park_id,
        park_zh=park.name_zh,
        park_en=park.name_en,
        line_id=line_id,
        name=line.name,
        name_en=line.name_en,
        organization_zh=organization.name_zh,
        organization_en=organization.name_en,
        line=mine,
        held=held,
        may_lower=line.retired_at is None and actor.may("permit.verify", whose),
    )


def over_committed(session: Session, actor: Actor, *, now: datetime) -> Iterable[Task]:
    """Yield the lines, own or overseen, of which more is committed than is approved. One SELECT."""
    month = Month.of(now.date())
    of_month = _beyond(
        LineMonth.reserved_kg + LineMonth.contracted_kg - IntakeLine.capacity_kg_per_month,
        LineMonth.line_id == IntakeLine.id,
        LineMonth.month >= month,
    )
    of_year = _beyond(
        LineYear.reserved_kg + LineYear.contracted_kg - IntakeLine.capacity_kg_per_year,
        LineYear.line_id == IntakeLine.id,
        LineYear.year >= month.year,
    )
    rows = session.execute(
        select(
            IntakeLine.id,
            IntakeLine.name,
            IntakeLine.name_en,
            Organization.name_zh,
            Organization.name_en,
            of_month,
            of_year,
        )
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(readable_line(actor, "line.read"), or_(of_month > 0, of_year > 0))
        .order_by(IntakeLine.id)
    )
    for line_id, line, line_en, organization, organization_en, month_kg, year_kg in rows:
        yield Task(
            "fail",
            Sentence("Over-committed"),
            Sentence(
                "%(organization_named)s, %(line_named)s: up to %(over_kg)s t more are committed than is approved.",
                {
                    "organization_named": (organization, organization_en),
                    "line_named": (line, line_en),
                    "over_kg": max(month_kg or 0, year_kg or 0),
                },
            ),
            Sentence("Look"),
            "lines",
            line_id,
        )


def _beyond(kg: ColumnElement[int], *where: ColumnElement[bool]) -> Any:
    return select(func.max(kg)).where(*where).correlate(IntakeLine).scalar_subquery()


def _park(session: Session, actor: Actor, park_id: int) -> Any:
    park = session.execute(select(Park.name_zh, Park.name_en).where(Park.id == park_id)).one_or_none()
    if park is None:
        raise NotFound
    actor.must("park.read", Belonging.to_park(park_id))
    return park


def _months(first: Month | None, now: datetime) -> tuple[Month, ...]:
    this_month = Month.of(now.date())
    begin = max(first or this_month, this_month)
    return tuple(begin.until(begin.plus(MONTHS_SHOWN - 1)))


def _lines(
    session: Session, actor: Actor, park_id: int, months: tuple[Month, ...], *where: ColumnElement[bool]
) -> tuple[LineCommitted, ...]:
    """Return the lines that a park oversees; of those retired, the ones of which something is still committed."""
    rows = session.execute(
        select(IntakeLine, Organization.name_zh, Organization.name_en)
        .join(Site, Site.id == IntakeLine.site_id)
        .join(Organization, Organization.id == Site.organization_id)
        .where(or_(Site.park_id == park_id, Organization.park_id == park_id), readable_line(actor, "line.read"), *where)
        .order_by(IntakeLine.id)
    ).all()
    ids = [row.IntakeLine.id for row in rows]
    of_month: dict[int, dict[Month, tuple[int, int]]] = defaultdict(dict)
    for line_id, month, reserved, contracted in session.execute(
        select(LineMonth.line_id, LineMonth.month, LineMonth.reserved_kg, LineMonth.contracted_kg).where(
            LineMonth.line_id.in_(ids), LineMonth.month.in_(months)
        )
    ):
        of_month[line_id][month] = reserved, contracted
    years = sorted({month.year for month in months})
    of_year: dict[int, dict[int, tuple[int, int]]] = defaultdict(dict)
    for line_id, year, reserved, contracted in session.execute(
        select(LineYear.line_id, LineYear.year, LineYear.reserved_kg, LineYear.contracted_kg).where(
            LineYear.line_id.in_(ids), LineYear.year.in_(years)
        )
    ):
        of_year[line_id][year] = reserved, contracted
    found = [
        LineCommitted(
            line.id,
            line.name,
            line.name_en,
            name_zh,
            name_en,
            line.permit_no,
            line.permit_valid_until,
            line.permit_verified_at is not None,
            Committed(
                months_of(months, line.capacity_kg_per_month, closed_months(line.closed_months), of_month[line.id]),
                tuple(
                    (year, Capacity(line.capacity_kg_per_year, *of_year[line.id].get(year, (0, 0)))) for year in years
                ),
                line.permit_valid_until if line.permit_verified_at is not None else None,
                line.retired_at is not None,
            ),
        )
        for line, name_zh, name_en in rows
    ]
    kept = (
        line
        for line in found
        if not line.committed.retired or any(each.committed_kg for _, each in line.committed.months)
    )
    return tuple(sorted(kept, key=lambda line: line.pressing))


def _of_plants(park_id: int) -> ColumnElement[bool]:
    return or_(Producer.park_id == park_id, From.park_id == park_id)


def _outside(
    session: Session, actor: Actor, park_id: int, inside: set[int], months: tuple[Month, ...]
) -> tuple[Outside, ...]:
    """Return the lines that another park oversees and that plants of this one send something to."""
    query = cast(
        "Select[Any]",
        deals()
        .join(AwardMonth, AwardMonth.award_id == Award.id)
        .where(
            readable(actor, "award.read"),
            *LIVE,
            _of_plants(park_id),
            or_(To.park_id.is_(None), To.park_id != park_id),
            Recycler.park_id != park_id,
            Award.line_id.not_in(inside),
            AwardMonth.month.in_(months),
        )
        .with_only_columns(
            Award.line_id,
            IntakeLine.name,
            IntakeLine.name_en,
            Recycler.name_zh,
            Recycler.name_en,
            AwardMonth.month,
            func.sum(case((Contract.id.is_(None), AwardMonth.kg), else_=0)),
            func.sum(case((Contract.id.is_not(None), AwardMonth.kg), else_=0)),
        )
        .group_by(
            Award.line_id,
            IntakeLine.name,
            IntakeLine.name_en,
            Recycler.name_zh,
            Recycler.name_en,
            AwardMonth.month,
        )
        .order_by(Recycler.name_zh, IntakeLine.name, Award.line_id, AwardMonth.month),
    )
    by_line: dict[tuple[int, str, str, str, str], list[tuple[Month, Capacity]]] = {}
    for line_id, name, name_en, zh, en, month, reserved, contracted in session.execute(query):
        of_line = by_line.setdefault((line_id, name, name_en, zh, en), [])
        of_line.append((month, Capacity(0, int(reserved), int(contracted))))
    return tuple(Outside(*names, tuple(of_months)) for names, of_months in by_line.items())


def _held(
    session: Session, actor: Actor, line_id: int, months: tuple[Month, ...], where: tuple[ColumnElement[bool], ...]
) -> tuple[Held, ...]:
    """Return the awards and contracts that hold a line, contracts first; no price is read."""
    rows = session.execute(
        cast(
            "Select[Any]",
            deals()
            .where(readable(actor, "award.read"), *LIVE, Award.line_id == line_id, *where)
            .with_only_columns(
                Award.id,
                Contract.id,
                Contract.number,
                Producer.name_zh,
                Producer.name_en,
                WasteStream.name,
                WasteStream.name_en,
                WasteStream.material,
            )
            .order_by(Contract.number.is_(None), Contract.number, Award.id),
        )
    ).all()
    by_award: dict[int, list[tuple[Month, int]]] = defaultdict(list)
    for award_id, month, kg in session.execute(
        select(AwardMonth.award_id, AwardMonth.month, AwardMonth.kg)
        .where(AwardMonth.award_id.in_([row[0] for row in rows]), AwardMonth.month.in_(months))
        .order_by(AwardMonth.award_id, AwardMonth.month)
    ):
        by_award[award_id].append((month, kg))
    return tuple(
        Held(
            award_id=row[0],
            contract_id=row[1],
            contract_number=row[2],
            producer_zh=row[3],
            producer_en=row[4],
            stream=row[5],
            stream_en=row[6],
            material=row[7],
            months=tuple(by_award[row[0]]),
        )
        for row in rows
        if by_award[row[0]]
    )

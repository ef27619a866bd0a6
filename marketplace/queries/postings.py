"""The postings that a figure is made of, so that each can be opened."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.domain import wastes
from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.ledger import FLOWS, PAIRS, USED_FROM_STOCK, USED_SENT, Pair, Tally
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import in_scope
from marketplace.persistence.ledger import Posting, StatedMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.parks import Park
from marketplace.persistence.people import Person
from marketplace.persistence.shipments import Shipment
from marketplace.persistence.streams import WasteStream

PAGE: Final = 100


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which postings: of a stream, an organization or a park, and of them which material, months and flow."""

    stream_id: int | None = None
    organization_id: int | None = None
    park_id: int | None = None
    material: str = ""
    first: Month | None = None
    last: Month | None = None
    flow: str = ""
    bulk: bool = False
    number: int = 1


@dataclass(frozen=True)
class PostingRow:
    """One posting; ``kg`` is below zero where it takes back what another posted."""

    id: int
    month: Month
    organization_zh: str
    organization_en: str
    site_zh: str
    site_en: str
    stream_id: int | None
    stream_zh: str
    stream_en: str
    material: str
    waste_code: str
    debit: str
    credit: str
    kg: int
    evidence: str
    note: str
    reverses_id: int | None
    reversed_by: int | None
    posted_at: datetime
    posted_by: str
    shipment_id: int | None
    shipment: str


@dataclass(frozen=True)
class PostingsPage:
    """A page of postings, with the sum of all of them."""

    wanted: Wanted
    heading_zh: str
    heading_en: str
    rows: tuple[PostingRow, ...]
    total: int
    sum_kg: int
    number: int
    pages: int


def of_pairs(*pairs: Pair) -> ColumnElement[bool]:
    """Return the condition that a posting moves between these accounts, in either direction."""
    return or_(
        *(
            or_(
                and_(Posting.debit == debit, Posting.credit == credit),
                and_(Posting.debit == credit, Posting.credit == debit),
            )
            for debit, credit in pairs
        )
    )


AT_ONCE: Final = case((Posting.since == Posting.month, 1), else_=0).label("at_once")
"""Whether what a posting moves left in the same month, so that it was never stock."""

MOVES: Final = (Posting.debit, Posting.credit, Posting.since, AT_ONCE)
"""By what postings are summed up; `add_to` reads such sums."""


def add_to(into: Tally, row: Any) -> None:
    """Add a sum of postings by `MOVES`, in ``kg``."""
    into.add(row.debit, row.credit, int(row.kg), since=row.since, at_once=bool(row.at_once))


def counts() -> ColumnElement[bool]:
    """
    Return the condition that a posting counts in the figures of a park.

    What shipments have moved does once the plant has stated the month: before that the rest of the month is missing, and the
    rate would be that of what was sold alone.
    """
    stated = exists().where(StatedMonth.stream_id == Posting.stream_id, StatedMonth.month == Posting.month)
    return or_(Posting.shipment_id.is_(None), stated)


def is_solid_waste() -> ColumnElement[bool]:
    """Return the condition that a posting's stream is waste by law; by-products are not in the statutory figures."""
    return or_(WasteStream.id.is_(None), WasteStream.legal_status == "solid_waste")


def bulk_codes() -> list[str]:
    """Return the waste codes of the bulk classes."""
    return [each.code for each in wastes.waste_codes() if in_scope(each.code, "bulk")]


def postings_page(session: Session, actor: Actor, wanted: Wanted) -> PostingsPage:
    """Return the postings of a figure. Raises NotFound where nothing of it is the actor's to see."""
    heading_zh, heading_en = _allowed(session, actor, wanted)
    where = _where(wanted)
    sign = _sign(wanted.flow)
    from_postings = (
        select(func.count(Posting.id), func.sum(Posting.kg * sign))
        .join(Site, Site.id == Posting.site_id)
        .outerjoin(WasteStream, WasteStream.id == Posting.stream_id)
        .where(*where)
    )
    total, sum_kg = session.execute(from_postings).one()
    pages = max(1, -(-total // PAGE))
    number = min(max(1, wanted.number), pages)
    reversal = aliased(Posting)
    rows = session.execute(
        select(
            Posting.id,
            Posting.month,
            Organization.name_zh,
            Organization.name_en,
            Site.name,
            Site.name_en,
            Posting.stream_id,
            func.coalesce(WasteStream.name, ""),
            func.coalesce(WasteStream.name_en, ""),
            Posting.material,
            Posting.waste_code,
            Posting.debit,
            Posting.credit,
            Posting.kg * sign,
            Posting.evidence,
            Posting.note,
            Posting.reverses_id,
            reversal.id,
            Posting.posted_at,
            func.coalesce(Person.display_name, ""),
            Posting.shipment_id,
            func.coalesce(Shipment.record_no, ""),
        )
        .join(Site, Site.id == Posting.site_id)
        .join(Organization, Organization.id == Posting.organization_id)
        .outerjoin(WasteStream, WasteStream.id == Posting.stream_id)
        .outerjoin(Person, Person.id == Posting.posted_by)
        .outerjoin(reversal, reversal.reverses_id == Posting.id)
        .outerjoin(Shipment, Shipment.id == Posting.shipment_id)
        .where(*where)
        .order_by(Posting.month.desc(), Posting.id.desc())
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    return PostingsPage(
        wanted=wanted,
        heading_zh=heading_zh,
        heading_en=heading_en,
        rows=tuple(PostingRow(*tuple(row)) for row in rows),
        total=total,
        sum_kg=int(sum_kg or 0),
        number=number,
        pages=pages,
    )


def _allowed(session: Session, actor: Actor, wanted: Wanted) -> tuple[str, str]:
    """Return what the page is headed with. Raises NotFound."""
    if wanted.park_id is not None:
        park = session.execute(select(Park.name_zh, Park.name_en).where(Park.id == wanted.park_id)).one_or_none()
        if park is None:
            raise NotFound
        actor.must("park.read", Belonging.to_park(wanted.park_id))
        return park.name_zh, park.name_en
    if wanted.stream_id is not None:
        stream = session.execute(
            select(
                WasteStream.name,
                WasteStream.name_en,
                Site.organization_id,
                Site.park_id.label("site_park_id"),
                Organization.park_id,
            )
            .join(Site, Site.id == WasteStream.site_id)
            .join(Organization, Organization.id == Site.organization_id)
            .where(WasteStream.id == wanted.stream_id)
        ).one_or_none()
        if stream is None:
            raise NotFound
        actor.must("ledger.read", Belonging.to(stream.organization_id, stream.site_park_id, stream.park_id))
        return stream.name, stream.name_en
    if wanted.organization_id is None:
        raise NotFound
    found = session.execute(
        select(Organization.name_zh, Organization.name_en, Organization.park_id).where(
            Organization.id == wanted.organization_id
        )
    ).one_or_none()
    if found is None:
        raise NotFound
    actor.must("ledger.read", Belonging.to(wanted.organization_id, found.park_id))
    return found.name_zh, found.name_en


def _carried(first: Month | None) -> ColumnElement[bool]:
    """Return the condition that a posting uses what was sent before a period, so that it came from stock."""
    before = Posting.since.is_(None) if first is None else or_(Posting.since.is_(None), Posting.since < first)
    return and_(of_pairs(USED_SENT), before)


def _of_flow(flow: str, first: Month | None) -> ColumnElement[bool]:
    """
    Return the condition that a posting is a part of a statutory figure of a period, see `Figures.over`.

    What was sent and used in the period is used, and is taken off what was stored.
    """
    if flow == "utilized_from_stock":
        return or_(of_pairs(USED_FROM_STOCK), _carried(first))
    if flow == "stored":
        return or_(of_pairs(*FLOWS[flow]), and_(of_pairs(USED_SENT), not_(_carried(first))))
    return of_pairs(*FLOWS[flow])


def _sign(flow: str) -> ColumnElement[int]:
    """Return 1, or -1 where a posting takes back what another posted, or takes what was used off what was stored."""
    onward = or_(*(and_(Posting.debit == a, Posting.credit == b) for a, b in PAIRS))
    if flow == "stored":
        return case((of_pairs(USED_SENT), case((onward, -1), else_=1)), (onward, 1), else_=-1)
    return case((onward, 1), else_=-1)


def _where(wanted: Wanted) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.park_id is not None:
        conditions += [Site.park_id == wanted.park_id, is_solid_waste(), counts()]
    if wanted.organization_id is not None:
        conditions.append(Posting.organization_id == wanted.organization_id)
    if wanted.stream_id is not None:
        conditions.append(Posting.stream_id == wanted.stream_id)
    if wanted.material:
        conditions.append(Posting.material == wanted.material)
    if wanted.first is not None:
        conditions.append(Posting.month >= wanted.first)
    if wanted.last is not None:
        conditions.append(Posting.month <= wanted.last)
    if wanted.flow:
        if wanted.flow not in FLOWS:
            raise NotFound
        conditions.append(_of_flow(wanted.flow, wanted.first))
    if wanted.bulk:
        conditions.append(Posting.waste_code.in_(bulk_codes()))
    return conditions

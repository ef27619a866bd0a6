"""Reads: filings across provinces, what is left of them, and where a stream may be filed to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, aliased

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotAllowed, NotFound
from marketplace.domain.places import province_of
from marketplace.persistence.kept import keeps, readable
from marketplace.persistence.lines import Filing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, matches, page_of

State: TypeAlias = str
"""``planned`` before its first day, ``valid``, ``used_up``, ``expired`` after its last day, or ``ended``."""


@dataclass(frozen=True)
class FilingRow:
    """A filing in a list."""

    id: int
    filing_no: str
    stream_id: int
    stream: str
    stream_en: str
    sender_id: int
    sender_zh: str
    sender_en: str
    from_division: str
    receiver_zh: str
    receiver_en: str
    receiving_site: str
    to_division: str
    filed_kg: int
    filed_trips: int
    valid_from: date
    valid_to: date
    reserved_kg: int
    contracted_kg: int
    ended_at: datetime | None
    state: State
    may_end: bool

    @property
    def remaining_kg(self) -> int:
        """What may still go under it."""
        return self.filed_kg - self.reserved_kg - self.contracted_kg


@dataclass(frozen=True)
class FilingsPage:
    """The filings that an actor may see."""

    listed: Listed[FilingRow]
    may_keep: bool
    has_stream: bool


@dataclass(frozen=True)
class StreamChoice:
    """A stream that can be filed."""

    id: int
    name: str
    name_en: str
    material: str
    division_code: str


@dataclass(frozen=True)
class ReceivingSite:
    """A site that a stream may be filed to."""

    id: int
    name: str
    name_en: str
    organization_zh: str
    organization_en: str
    division_code: str


def filings_page(session: Session, actor: Actor, wish: Wish, *, today: date) -> FilingsPage:
    """Return the filings of the streams and to the sites that an actor may see. Three SELECTs."""
    to_site, receiver = aliased(Site), aliased(Organization)
    own = [each for each in actor.organization_ids if actor.may("filing.read", Belonging.to(each))]
    query = (
        select(
            Filing.id,
            Filing.filing_no,
            Filing.stream_id,
            WasteStream.name,
            WasteStream.name_en,
            Organization.id,
            Organization.name_zh,
            Organization.name_en,
            Site.division_code,
            receiver.name_zh,
            receiver.name_en,
            to_site.name,
            to_site.division_code,
            Filing.filed_kg,
            Filing.filed_trips,
            Filing.valid_from,
            Filing.valid_to,
            Filing.reserved_kg,
            Filing.contracted_kg,
            Filing.ended_at,
        )
        .join(WasteStream, Filing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .join(to_site, Filing.receiving_site_id == to_site.id)
        .join(receiver, to_site.organization_id == receiver.id)
        .where(or_(readable(actor, "filing.read"), receiver.id.in_(own)))
    )
    found = matches(
        wish.search, Filing.filing_no, WasteStream.name, WasteStream.name_en, receiver.name_zh, receiver.name_en
    )
    if found is not None:
        query = query.where(found)
    page = page_of(
        session,
        query,
        wish,
        sorts={"until": Filing.valid_to, "number": Filing.filing_no, "filed": Filing.filed_kg},
        last=Filing.id,
    )
    mine = keeps(actor, "filing.keep")
    states = [_state(row, today) for row in page.rows]
    rows = tuple(
        FilingRow(*(*row, state, state not in {"ended", "expired"} and row[5] in mine))
        for row, state in zip(page.rows, states, strict=True)
    )
    stream = session.scalar(_filable(mine).with_only_columns(WasteStream.id).order_by(None).limit(1))
    return FilingsPage(
        Listed(rows, page.number, page.pages, page.total, page.sort, page.search), bool(mine), stream is not None
    )


def streams_to_file(session: Session, actor: Actor) -> tuple[StreamChoice, ...]:
    """Return the streams that an actor may file: solid waste, not retired. Raises NotAllowed or NotFound. One SELECT."""
    mine = keeps(actor, "filing.keep")
    if not mine:
        raise (NotAllowed if actor.organization_ids else NotFound)
    return tuple(StreamChoice(*row) for row in session.execute(_filable(mine)))


def receiving_sites(session: Session, actor: Actor, stream_id: int, credit_code: str) -> tuple[ReceivingSite, ...]:
    """
    Return the open sites, in other provinces than the stream's, of the recycler with this credit code. Two SELECTs.

    Who files knows the receiver's credit code from the papers; nothing is listed without it.
    """
    chosen = next((each for each in streams_to_file(session, actor) if each.id == stream_id), None)
    if chosen is None:
        return ()
    rows = session.execute(
        select(Site.id, Site.name, Site.name_en, Organization.name_zh, Organization.name_en, Site.division_code)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            Organization.credit_code == credit_code,
            Organization.recycles,
            Organization.id.not_in(actor.organization_ids),
            Site.closed_at.is_(None),
        )
        .order_by(Site.name, Site.id)
    )
    there = (ReceivingSite(*row) for row in rows)
    return tuple(each for each in there if province_of(each.division_code) != province_of(chosen.division_code))


def _filable(organization_ids: list[int]) -> Any:
    return (
        select(WasteStream.id, WasteStream.name, WasteStream.name_en, WasteStream.material, Site.division_code)
        .join(Site, WasteStream.site_id == Site.id)
        .where(
            Site.organization_id.in_(organization_ids),
            WasteStream.retired_at.is_(None),
            WasteStream.legal_status == "solid_waste",
        )
        .order_by(WasteStream.name, WasteStream.id)
    )


def _state(row: Any, today: date) -> State:
    if row.ended_at is not None:
        return "ended"
    if today > row.valid_to:
        return "expired"
    if row.reserved_kg + row.contracted_kg >= row.filed_kg:
        return "used_up"
    return "planned" if today < row.valid_from else "valid"

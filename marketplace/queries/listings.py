"""Reads: a producer's own listings, the form of a new one, and what came of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import (
    EXPIRES_SOON,
    Bidding,
    NewListing,
    SaleKind,
    State,
    month_at,
    rules_stay,
    state_of,
)
from marketplace.domain.quantities import Month
from marketplace.persistence.fit import offered
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.pairs import Lot, months_ahead
from marketplace.persistence.streams import WasteStream
from marketplace.queries.listed import Listed, Wish, matches, page_of
from marketplace.queries.listingresults import AwardRow, LeftoverRow, awards_of, leftovers_of
from marketplace.queries.questions import QuestionRow, questions_of
from marketplace.queries.takers import AHEAD, Takers, takers_of
from marketplace.queries.viewers import grade_names

SORTS: Final = {"drafted": Listing.drafted_at, "expires": Listing.expires_at, "kg": Listing.kg_per_month}


@dataclass(frozen=True, kw_only=True)
class ListingRow:
    """An own listing in the list."""

    id: int
    stream_zh: str
    stream_en: str
    organization_zh: str
    organization_en: str
    material: str
    first_month: Month
    last_month: Month
    kg_per_month: int
    offered_kg: int
    remaining_kg: int
    asking_fen_per_t: int
    state: State
    expires_soon: bool
    expires_at: datetime | None
    bidding: Bidding
    bids_close_at: datetime | None
    sale_kind: SaleKind


@dataclass(frozen=True)
class StreamName:
    """A stream that a listing can be made of."""

    id: int
    zh: str
    en: str
    material: str


@dataclass(frozen=True)
class ListingsPage:
    """The listings of the own organizations, and the streams that have no listing yet."""

    listed: Listed[ListingRow]
    streams: tuple[StreamName, ...]
    several: bool


def listings_page(session: Session, actor: Actor, wish: Wish, *, now: datetime) -> ListingsPage:
    """Return the listings that are the actor's own or overseen by the own park. Three SELECTs."""
    left = (
        select(func.sum(ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg))
        .where(ListingMonth.listing_id == Listing.id, ListingMonth.month >= month_at(now))
        .scalar_subquery()
    )
    whole = select(func.sum(ListingMonth.offered_kg)).where(ListingMonth.listing_id == Listing.id).scalar_subquery()
    mine = or_(
        Organization.id.in_(actor.organization_ids),
        Organization.park_id.in_(actor.park_ids),
        Site.park_id.in_(actor.park_ids),
    )
    query = (
        select(
            Listing,
            WasteStream.name,
            WasteStream.name_en,
            WasteStream.material,
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            left.label("left_kg"),
            whole.label("whole_kg"),
        )
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(mine)
    )
    searched = matches(wish.search, WasteStream.name, WasteStream.name_en)
    if searched is not None:
        query = query.where(searched)
    listed = page_of(session, query, replace(wish, sort=wish.sort or "-drafted"), sorts=SORTS, last=Listing.id.desc())
    rows = tuple(_row(row, now) for row in listed.rows)
    streams = session.execute(
        select(WasteStream.id, WasteStream.name, WasteStream.name_en, WasteStream.material)
        .join(Site, WasteStream.site_id == Site.id)
        .where(Site.organization_id.in_(actor.organization_ids), WasteStream.retired_at.is_(None))
        .order_by(WasteStream.name, WasteStream.id)
    ).all()
    return ListingsPage(
        replace(listed, rows=rows),
        tuple(StreamName(row.id, row.name, row.name_en or row.name, row.material) for row in streams),
        len(actor.organization_ids) + len(actor.park_ids) > 1 or bool(actor.park_ids),
    )


def _row(row: Any, now: datetime) -> ListingRow:
    listing: Listing = row.Listing
    months = len(list(listing.first_month.until(listing.last_month)))
    draft = listing.published_at is None
    offered_kg = listing.kg_per_month * months if row.whole_kg is None else int(row.whole_kg)
    remaining_kg = offered_kg if draft else int(row.left_kg or 0)
    state = state_of(
        now,
        published_at=listing.published_at,
        withdrawn_at=listing.withdrawn_at,
        expires_at=listing.expires_at,
        remaining_kg=remaining_kg,
    )
    return ListingRow(
        id=listing.id,
        stream_zh=row.name,
        stream_en=row.name_en or row.name,
        organization_zh=row.name_zh,
        organization_en=row.organization_en or row.name_zh,
        material=row.material,
        first_month=listing.first_month,
        last_month=listing.last_month,
        kg_per_month=listing.kg_per_month,
        offered_kg=offered_kg,
        remaining_kg=remaining_kg,
        asking_fen_per_t=listing.asking_fen_per_t,
        state=state,
        expires_soon=_soon(listing, state, now),
        expires_at=listing.expires_at,
        bidding=listing.bidding(now),
        bids_close_at=listing.bids_close_at,
        sale_kind=listing.sale_kind,
    )


def _soon(listing: Listing, state: State, now: datetime) -> bool:
    return state == "published" and listing.expires_at is not None and listing.expires_at - now <= EXPIRES_SOON


@dataclass(frozen=True)
class FormPage:
    """A stream that is to be listed, and who could take it."""

    stream_id: int
    stream_zh: str
    stream_en: str
    material: str
    organization_zh: str
    organization_en: str
    site_zh: str
    site_en: str
    generation_kg_per_month: int
    takers: Takers
    may_publish: bool
    listing: NewListing | None
    published: bool
    sells: bool
    """It takes bids: its rules stay, and a change of the goods voids what was bid."""
    frozen: bool
    """The deadline has passed, and bids were made or are not opened yet: only the loading hours may change."""


def form_page(
    session: Session, actor: Actor, *, stream_id: int | None = None, listing_id: int | None = None, now: datetime
) -> FormPage:
    """Return what the form of a new listing, or of one that is changed, needs to know. Raises NotFound, NotAllowed."""
    listing = session.get(Listing, listing_id) if listing_id is not None else None
    if listing_id is not None and listing is None:
        raise NotFound
    wanted = listing.stream_id if listing is not None else stream_id
    row = session.execute(
        select(WasteStream, Site, Organization)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(WasteStream.id == wanted)
    ).one_or_none()
    if row is None:
        raise NotFound
    stream, site, organization = row
    belonging = Belonging.to(organization.id, organization.park_id, site.park_id)
    actor.must("listing.draft", belonging)
    published = listing is not None and listing.published_at is not None
    sells = listing is not None and published and listing.bidding(now) == "open"
    begin = month_at(now)
    months = tuple(begin.until(begin.plus(AHEAD - 1)))
    of = offered(session, [stream.id], now=now)[stream.id]
    lot = Lot(0, stream.id, replace(of, kg=max(of.kg, 1) * len(months)), months)
    return FormPage(
        stream_id=stream.id,
        stream_zh=stream.name,
        stream_en=stream.name_en or stream.name,
        material=stream.material,
        organization_zh=organization.name_zh,
        organization_en=organization.name_en or organization.name_zh,
        site_zh=site.name,
        site_en=site.name_en,
        generation_kg_per_month=stream.generation_kg_per_month,
        takers=takers_of(session, actor, lot, now=now),
        may_publish=actor.may("listing.publish", belonging),
        listing=_command(listing) if listing is not None else None,
        published=published,
        sells=sells,
        frozen=listing is not None and published and not sells and _rules_stay(session, listing),
    )


def _command(listing: Listing) -> NewListing:
    return NewListing(
        first_month=listing.first_month,
        last_month=listing.last_month,
        kg_per_month=listing.kg_per_month,
        asking_fen_per_t=listing.asking_fen_per_t,
        reserve_fen_per_t=listing.reserve_fen_per_t,
        least_lot_kg=listing.least_lot_kg,
        cap_per_buyer_kg=listing.cap_per_buyer_kg,
        small_works_share_percent=listing.small_works_share_percent,
        storage_kg=listing.storage_kg,
        storage_fen_per_t=listing.storage_fen_per_t,
        disclosure=listing.disclosure,
        loading_hours=listing.loading_hours,
        loading_mode=listing.loading_mode,
        note=listing.note,
        bids_close_at=listing.stated_close_at,
        sale_kind=listing.sale_kind,
        least_step_fen_per_t=listing.least_step_fen_per_t,
        soft_close_minutes=listing.soft_close_minutes,
        hold_hours=listing.hold_hours,
        inspect_from=listing.inspect_from,
        inspect_until=listing.inspect_until,
        inspect_how=listing.inspect_how,
    )


@dataclass(frozen=True)
class MonthRow:
    """What a listing offers in a month, and what of it is spoken for."""

    month: Month
    offered_kg: int
    reserved_kg: int
    contracted_kg: int


@dataclass(frozen=True, kw_only=True)
class ListingPage:
    """A listing as its producer and its park see it. The reserve is for the producer alone."""

    row: ListingRow
    stream_id: int
    terms: NewListing
    reserve_fen_per_t: int | None
    grade_zh: str
    grade_en: str
    months: tuple[MonthRow, ...]
    takers: Takers
    leftovers: tuple[LeftoverRow, ...]
    awards: tuple[AwardRow, ...]
    bids: int | None
    """How many stand; none until the deadline, when nobody may know."""
    decided_because: str
    questions: tuple[QuestionRow, ...]
    may: Mapping[str, bool]


def listing_page(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> ListingPage:
    """Return an own listing. Raises NotFound. A fixed number of SELECTs."""
    found = session.execute(
        select(
            Listing,
            WasteStream.name,
            WasteStream.name_en,
            WasteStream.material,
            WasteStream.grade,
            Organization.name_zh,
            Organization.name_en.label("organization_en"),
            Organization.id.label("organization_id"),
            Organization.park_id,
            Site.park_id.label("site_park_id"),
        )
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(Listing.id == listing_id)
    ).one_or_none()
    if found is None:
        raise NotFound
    belonging = Belonging.to(found.organization_id, found.park_id, found.site_park_id)
    actor.must("listing.read", belonging)
    listing: Listing = found.Listing
    months = _months(session, listing_id)
    ahead = [each for each in months if each.month >= month_at(now)]
    row = _row(_Read(found, months, ahead), now)
    own = found.organization_id in actor.organization_ids
    standing = _standing(session, listing_id)
    grade_zh, grade_en = grade_names(found.material, found.grade) if found.grade else ("", "")
    return ListingPage(
        row=row,
        stream_id=listing.stream_id,
        terms=_command(listing),
        reserve_fen_per_t=listing.reserve_fen_per_t if own else None,
        grade_zh=grade_zh,
        grade_en=grade_en,
        months=months,
        takers=_takers(session, actor, listing, now),
        leftovers=leftovers_of(session, listing_id),
        awards=awards_of(session, listing_id),
        bids=standing if row.bidding in {"to_decide", "decided"} else None,
        decided_because=listing.bids_decided_because,
        questions=questions_of(session, actor, listing_id, named=actor.may("question.oversee", belonging)),
        may={name: actor.may(f"listing.{name}", belonging) for name in ("draft", "publish", "withdraw", "award")}
        | {
            "read_bids": actor.may("bid.read", Belonging(parties=frozenset({found.organization_id}))),
            "answer": row.bidding == "open" and row.state != "withdrawn" and actor.may("question.answer", belonging),
        },
    )


@dataclass(frozen=True)
class _Read:
    """A row of the page, with the sums that the list reads from the database."""

    found: Any
    months: tuple[MonthRow, ...]
    ahead: list[MonthRow]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.found, name)

    @property
    def whole_kg(self) -> int | None:
        """All that is offered; none for a draft."""
        return sum(each.offered_kg for each in self.months) if self.months else None

    @property
    def left_kg(self) -> int:
        """What is left of the months ahead."""
        return sum(each.offered_kg - each.reserved_kg - each.contracted_kg for each in self.ahead)


def _months(session: Session, listing_id: int) -> tuple[MonthRow, ...]:
    rows = session.execute(
        select(ListingMonth.month, ListingMonth.offered_kg, ListingMonth.reserved_kg, ListingMonth.contracted_kg)
        .where(ListingMonth.listing_id == listing_id)
        .order_by(ListingMonth.month)
    )
    return tuple(MonthRow(*row) for row in rows)


def _standing(session: Session, listing_id: int) -> int:
    stand = (Bid.listing_id == listing_id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
    return session.scalar(select(func.count(Bid.id)).where(*stand)) or 0


def _rules_stay(session: Session, listing: Listing) -> bool:
    has_bids = session.scalar(select(Bid.id).where(Bid.listing_id == listing.id).limit(1)) is not None
    return rules_stay(bids_close_at=listing.bids_close_at, bids_opened_at=listing.bids_opened_at, has_bids=has_bids)


def _takers(session: Session, actor: Actor, listing: Listing, now: datetime) -> Takers:
    of = offered(session, [listing.stream_id], now=now)[listing.stream_id]
    months = months_ahead(listing.first_month, listing.last_month, now)
    lot = replace(of, kg=listing.kg_per_month * len(months), least_lot_kg=listing.least_lot_kg)
    wanted = Lot(listing.id, listing.stream_id, lot, months)
    return takers_of(session, actor, wanted, now=now, overseen=bool(actor.park_ids))

"""Reads: what an organization has handed in to a round, and for which of its lines and listings it may."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.domain.roundoffers import Content, content_of
from marketplace.persistence.lines import IntakeLine, LineMaterial
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.people import Person
from marketplace.persistence.roundoffers import RoundOffer
from marketplace.persistence.rounds import Round
from marketplace.persistence.streams import WasteStream
from marketplace.queries.participants import rounds_open_to
from marketplace.queries.roundrows import RoundRow, rows_of


@dataclass(frozen=True)
class Sent:
    """What stands of a line or a listing. ``content`` once it is opened; else, and if it could not be, none."""

    id: int
    received_at: datetime
    received_from: str
    receipt: str
    opened_at: datetime | None
    invalid: bool
    content: Content | None


@dataclass(frozen=True)
class LineRow:
    """An own line, what it states, and what it offers in the round."""

    line_id: int
    name: str
    name_en: str
    prices: tuple[tuple[str, int], ...]
    capacity_kg_per_month: int
    sent: Sent | None


@dataclass(frozen=True)
class ListingRow:
    """An own listing, what it states, and what it reserves in the round."""

    listing_id: int
    stream: str
    stream_en: str
    material: str
    kg_per_month: int
    first_month: Month
    last_month: Month
    asking_fen_per_t: int
    reserve_fen_per_t: int | None
    sent: Sent | None


@dataclass(frozen=True)
class OffersPage:
    """The own lines and listings of somebody who takes part in a round."""

    of: RoundRow
    lines: tuple[LineRow, ...]
    listings: tuple[ListingRow, ...]
    may: bool
    """Whether the actor may hand in and take back now."""

    def line(self, line_id: int) -> LineRow:
        """Return a line of the page. Raises NotFound."""
        for row in self.lines:
            if row.line_id == line_id:
                return row
        raise NotFound

    def listing(self, listing_id: int) -> ListingRow:
        """Return a listing of the page. Raises NotFound."""
        for row in self.listings:
            if row.listing_id == listing_id:
                return row
        raise NotFound


def offers_page(session: Session, actor: Actor, round_id: int, *, now: datetime) -> OffersPage:
    """
    Return what the actor's organizations may hand in to a market round, or have. At most eleven SELECTs.

    Raises NotFound for who does not take part, and for a planning round, which has no prices.
    """
    rows = rows_of(session, Round.id == round_id, now)
    own = {each for each in actor.organization_ids if actor.may("offer.read", Belonging.to(each))}
    if not rows or rows[0].planning or not rounds_open_to(session, own, [(rows[0].id, rows[0].park_id, rows[0].max_m)]):
        raise NotFound
    of = rows[0]
    opened = session.scalar(select(Round.offers_opened_at).where(Round.id == round_id)) is not None
    sent = _sent(session, round_id, own)
    return OffersPage(
        of=of,
        lines=_lines(session, own, sent),
        listings=_listings(session, of, own, sent, now),
        may=of.state == "collecting"
        and not opened
        and any(actor.may("offer.hand_in", Belonging.to(each)) for each in own),
    )


def count_of(session: Session, round_id: int) -> int | None:
    """Return how many offers and reserves were opened for a round; none before that. Two SELECTs."""
    if session.scalar(select(Round.offers_opened_at).where(Round.id == round_id)) is None:
        return None
    return session.scalar(
        select(func.count(RoundOffer.id)).where(RoundOffer.round_id == round_id, RoundOffer.content.is_not(None))
    )


def _sent(session: Session, round_id: int, own: Collection[int]) -> dict[tuple[int | None, int | None], Sent]:
    rows = session.execute(
        select(RoundOffer, Person.display_name)
        .outerjoin(Person, RoundOffer.received_from == Person.id)
        .where(
            RoundOffer.round_id == round_id,
            RoundOffer.organization_id.in_(own),
            RoundOffer.replaced_at.is_(None),
            RoundOffer.withdrawn_at.is_(None),
        )
        .order_by(RoundOffer.id)
    )
    return {
        (offer.line_id, offer.listing_id): Sent(
            id=offer.id,
            received_at=offer.received_at,
            received_from=name or "",
            receipt=offer.receipt,
            opened_at=offer.opened_at,
            invalid=bool(offer.invalid_because),
            content=content_of(offer.content) if offer.content is not None else None,
        )
        for offer, name in rows
    }


def _lines(session: Session, own: Collection[int], sent: dict[Any, Sent]) -> tuple[LineRow, ...]:
    rows = session.execute(
        select(IntakeLine.id, IntakeLine.name, IntakeLine.name_en, IntakeLine.capacity_kg_per_month)
        .join(Site, IntakeLine.site_id == Site.id)
        .where(Site.organization_id.in_(own), IntakeLine.retired_at.is_(None), Site.closed_at.is_(None))
        .order_by(IntakeLine.id)
    ).all()
    prices: dict[int, list[tuple[str, int]]] = defaultdict(list)
    for row in session.execute(
        select(LineMaterial.line_id, LineMaterial.material, LineMaterial.price_fen_per_t)
        .where(LineMaterial.line_id.in_([each.id for each in rows]))
        .order_by(LineMaterial.line_id, LineMaterial.material)
    ):
        prices[row.line_id].append((row.material, row.price_fen_per_t))
    return tuple(
        LineRow(
            row.id,
            row.name,
            row.name_en or row.name,
            tuple(prices[row.id]),
            row.capacity_kg_per_month,
            sent.get((row.id, None)),
        )
        for row in rows
    )


def _listings(
    session: Session, of: RoundRow, own: Collection[int], sent: dict[Any, Sent], now: datetime
) -> tuple[ListingRow, ...]:
    rows = session.execute(
        select(
            Listing.id, WasteStream.name, WasteStream.name_en, WasteStream.material, Listing.kg_per_month,
            Listing.first_month, Listing.last_month, Listing.asking_fen_per_t, Listing.reserve_fen_per_t,
        )
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .join(Site, WasteStream.site_id == Site.id)
        .join(Organization, Site.organization_id == Organization.id)
        .where(
            Organization.id.in_(own),
            Site.park_id == of.park_id,
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            Listing.first_month <= of.last_month,
            Listing.last_month >= of.first_month,
        )
        .order_by(Listing.id)
    )  # fmt: skip
    return tuple(
        ListingRow(row[0], row[1], row[2] or row[1], *row[3:], sent.get((None, row[0])))  # type: ignore[arg-type]
        for row in rows
    )

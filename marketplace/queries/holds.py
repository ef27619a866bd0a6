"""Reads: what a recycler needs to know before it holds some of a listing at its fixed price."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.bids import Outcome, outcome
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.holds import FixedPrice
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.persistence.listings import Listing, ListingMonth
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award
from marketplace.queries.board import Card
from marketplace.queries.public import OwnLine, PublicListing, public_listing


@dataclass(frozen=True)
class HoldPage:
    """A listing at a fixed price, what is free of it, the own lines to choose from, and the one that is chosen."""

    listing: PublicListing
    rules: FixedPrice
    line: OwnLine | None
    bidder_zh: str
    bidder_en: str
    left: tuple[tuple[Month, int], ...]
    """What nobody holds, by month."""
    own_award_id: int | None
    """The own hold that waits for an answer; of one organization there is one."""

    @property
    def card(self) -> Card:
        """The listing as the recycler sees it."""
        return self.listing.card

    @property
    def most_kg(self) -> int:
        """How much a month can be held at most."""
        return max((kg for _, kg in self.left), default=0)

    @property
    def comes_to(self) -> Outcome | None:
        """What a tonne comes to on both sides: fetched at the producer's gate, at the asking price."""
        if self.line is None or self.card.asking_fen_per_t is None:
            return None
        return outcome(
            self.card.asking_fen_per_t,
            transport="recycler",
            freight=self.line.freight_fen_per_t,
            deduction=self.line.deduction_fen_per_t,
        )


def hold_page(session: Session, actor: Actor, listing_id: int, line_id: int | None, *, now: datetime) -> HoldPage:
    """
    Return what a hold is made with.

    Raises NotFound if the listing is not on the board, its figures are not told, or the line is not an own one; Conflict
    if it is not sold at a fixed price.
    """
    listing = public_listing(session, actor, listing_id, now=now)
    if not listing.card.sight.figures:
        raise NotFound
    hours, sale_kind = session.execute(
        select(Listing.hold_hours, Listing.sale_kind).where(Listing.id == listing_id)
    ).one()
    if sale_kind != "fixed":
        raise Conflict("This listing is not sold at a fixed price: nothing of it can be held.")
    usable = [line for line in listing.lines if line.may_bid]
    if line_id is not None and all(line.line_id != line_id for line in usable):
        raise NotFound
    fitting = next((line for line in usable if line.verdict == "meets"), next(iter(usable), None))
    chosen = next((line for line in usable if line.line_id == line_id), fitting)
    zh = en = ""
    own_award_id = None
    if chosen is not None:
        zh, en = session.execute(
            select(Organization.name_zh, Organization.name_en).where(Organization.id == chosen.organization_id)
        ).one()
        own_award_id = session.scalar(
            select(Award.id)
            .where(
                Award.listing_id == listing_id,
                Award.recycler_id == chosen.organization_id,
                Award.bid_id.is_not(None),
                Award.declined_at.is_(None),
                Award.lapsed_at.is_(None),
                Award.answer_by > now,
                (Award.producer_accepted_at.is_(None)) | (Award.recycler_accepted_at.is_(None)),
            )
            .order_by(Award.id.desc())
            .limit(1)
        )
    left = session.execute(
        select(ListingMonth.month, ListingMonth.offered_kg - ListingMonth.reserved_kg - ListingMonth.contracted_kg)
        .where(ListingMonth.listing_id == listing_id, ListingMonth.month >= month_at(now))
        .order_by(ListingMonth.month)
    )
    return HoldPage(
        listing=listing,
        rules=FixedPrice(hold_hours=hours),
        line=chosen,
        bidder_zh=zh,
        bidder_en=en or zh,
        left=tuple((row[0], row[1]) for row in left),
        own_award_id=own_award_id,
    )

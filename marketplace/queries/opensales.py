"""Reads: how an open sale stands, to everybody who reads the listing's figures; who bids is told to nobody before its end."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.ascending import Ascending, least_net, would_get
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import NotFound
from marketplace.domain.listings import Bidding
from marketplace.persistence.listings import Bid, Listing, offers, valid
from marketplace.queries.board import cards_of
from marketplace.queries.viewers import viewer_of


@dataclass(frozen=True, kw_only=True)
class Stand:
    """A bid that stands. ``bidder`` is a number that an organization keeps for the whole sale; no name goes with it."""

    bidder: int
    own: bool
    net_fen_per_t: int
    kg_per_month: int
    gets_kg: int
    received_at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenSale:
    """How an open sale stands: bids from the best one down, what each would get, and what a further one needs."""

    listing_id: int
    bidding: Bidding
    closes_at: datetime
    planned_at: datetime
    latest_at: datetime
    rules: Ascending
    offered_kg: int
    least_net_fen_per_t: int | None
    """What a further bid has to net to get anything; None while not all is taken."""
    rows: tuple[Stand, ...]
    version: str

    @property
    def moved(self) -> bool:
        """Whether bids have moved the end."""
        return self.closes_at != self.planned_at

    @property
    def own(self) -> tuple[Stand, ...]:
        """The reader's own bids."""
        return tuple(row for row in self.rows if row.own)


def open_sale(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> OpenSale:
    """
    Return how an open sale stands. A fixed number of SELECTs.

    Raises NotFound if the listing is not on the board, is sold otherwise, or its figures are not told to the reader.
    """
    listing = session.scalar(
        select(Listing)
        .where(
            Listing.id == listing_id,
            Listing.sale_kind == "ascending",
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
        )
        .execution_options(populate_existing=True)
    )
    if listing is None or not cards_of(session, viewer_of(session, actor), [listing_id], now=now)[0].sight.figures:
        raise NotFound
    rules, planned, closes_at = listing.ascending, listing.stated_close_at, listing.bids_close_at
    if rules is None or planned is None or closes_at is None:
        raise NotFound
    bids = list(session.scalars(select(Bid).where(Bid.listing_id == listing_id, valid())))
    ranked = offers(bids)
    gets = would_get(ranked, listing.kg_per_month)
    numbers = _numbers(session, listing_id)
    by_id = {bid.id: bid for bid in bids}
    return OpenSale(
        listing_id=listing_id,
        bidding=listing.bidding(now),
        closes_at=closes_at,
        planned_at=planned,
        latest_at=rules.latest(planned),
        rules=rules,
        offered_kg=listing.kg_per_month,
        least_net_fen_per_t=least_net(ranked, listing.kg_per_month, rules.least_step_fen_per_t),
        rows=tuple(
            Stand(
                bidder=numbers[by_id[offer.bid_id].organization_id],
                own=by_id[offer.bid_id].organization_id in actor.organization_ids,
                net_fen_per_t=offer.net_fen_per_t,
                kg_per_month=offer.kg_per_month,
                gets_kg=gets[offer.bid_id],
                received_at=by_id[offer.bid_id].received_at,
            )
            for offer in ranked
        ),
        version=sale_version(session, listing_id, now=now),
    )


def sale_version(session: Session, listing_id: int, *, now: datetime) -> str:
    """
    Return a token that is another one whenever a reader would see something else of a sale. One SELECT.

    It says nothing by itself: it is a hash, and so tells no more of the bids than the page does.
    """
    found = sale_versions(session, [listing_id], now=now)
    if listing_id not in found:
        raise NotFound
    return found[listing_id]


def sale_versions(session: Session, listing_ids: Collection[int], *, now: datetime) -> dict[int, str]:
    """Return `sale_version` of each of these that there is. One SELECT."""
    rows = session.execute(
        select(
            Listing.id, Listing.bids_close_at, Listing.bids_opened_at, Listing.bids_decided_at, Listing.withdrawn_at,
            Listing.kg_per_month, Listing.expires_at, func.count(Bid.id), func.max(Bid.id), func.max(Bid.voided_at),
        )
        .outerjoin(Bid, Bid.listing_id == Listing.id)
        .where(Listing.id.in_(listing_ids))
        .group_by(Listing.id)
    )  # fmt: skip
    return {row.id: _token(row, now) for row in rows}


def _token(row: Any, now: datetime) -> str:
    ended = row.bids_close_at is not None and row.bids_close_at <= now
    return sha256(repr((ended, *(str(value) for value in row))))[:32]


def _numbers(session: Session, listing_id: int) -> dict[int, int]:
    """Return the number of each bidder, in the order in which they came."""
    rows: Sequence[int] = session.scalars(
        select(Bid.organization_id)
        .where(Bid.listing_id == listing_id)
        .group_by(Bid.organization_id)
        .order_by(func.min(Bid.id))
    ).all()
    return {organization_id: number for number, organization_id in enumerate(rows, start=1)}

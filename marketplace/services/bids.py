"""Writes: recyclers bid, replace their bids and withdraw them, until the deadline; in an open sale bids bind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import NewBid, Terms, is_unusual, usual
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.fit import Fit
from marketplace.domain.sealing import Sealer, Unsealable
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.pairs import fits, lots
from marketplace.persistence.streams import WasteStream
from marketplace.services.biddernews import tell_the_outbid
from marketplace.services.bidding import held_listing, must_be_open, must_be_public, must_be_within, owned_line
from marketplace.services.opensales import in_plain_sight, move_end, must_better_what_stands
from marketplace.services.salerules import rules_in_force
from marketplace.services.seals import sealed, unsealed
from marketplace.services.verification import must_be_verified


def submit_bid(session: Session, actor: Actor, new: NewBid, *, sealer: Sealer, now: datetime) -> int:
    """
    Take a bid and return its id; one of the line that stands is replaced, the same one again changes nothing.

    It is sealed; in an open sale it lies in plain sight, has to better what stands, and moves an end that is near.

    ``now`` is when it was received: it must lie before the deadline, which the listing's row is held for meanwhile.
    It keeps the hash of the rules that it was made on. Raises NotFound, NotAllowed; Invalid if it is more than offered,
    or unusual and not confirmed; Conflict after the deadline, for own or related waste, for a line that cannot take it,
    without verification, if the rules are not those that the bidder has read, if the key is not there, or if it betters
    nothing in an open sale.
    """
    with transaction(session):
        listing = held_listing(session, new.listing_id)
        line, organization_id, park_id = owned_line(session, new.line_id)
        actor.must("bid.submit", Belonging.to(organization_id))
        must_be_public(listing, now)
        must_be_verified(session, organization_id)
        must_be_open(listing, now)
        rules = rules_in_force(session, listing, now=now)
        if rules.since_at > now or (new.rules_sha256 and new.rules_sha256 != rules.sha256):
            raise Conflict("What is sold here has been changed since you opened the page. Read it again, then bid.")
        fit = _must_fit(session, listing.id, line, now)
        must_be_within(listing, line, new.kg_per_month, fit)
        live = session.scalar(_live(listing.id, line.id).execution_options(populate_existing=True))
        if live is not None and _same(live, new, sealer):
            return live.id
        _must_be_meant(session, listing, organization_id, new)
        terms, ascending = _terms(new, fit), listing.ascending
        if ascending is not None:
            must_better_what_stands(session, listing, ascending, live, terms)
        revision = session.scalar(
            select(func.coalesce(func.max(Bid.revision), 0)).where(Bid.listing_id == listing.id, Bid.line_id == line.id)
        )
        if live is not None:
            live.replaced_at = now
            session.flush()
        columns: dict[str, Any] = {
            "listing_id": listing.id,
            "line_id": line.id,
            "revision": (revision or 0) + 1,
            "organization_id": organization_id,
            "road_m": fit.haul.road_m,
            "received_at": now,
            "received_from": actor.person_id,
            "rules_sha256": rules.sha256,
        }
        bid = sealed(sealer, terms, **columns) if ascending is None else in_plain_sight(terms, **columns)
        session.add(bid)
        if ascending is not None:
            move_end(listing, ascending, now)
        session.flush()
        _note(session, actor, "bid.submit", bid, park_id, now)
        if ascending is not None:
            tell_the_outbid(session, listing, bid, live, now=now)
    return bid.id


def withdraw_bid(session: Session, actor: Actor, bid_id: int, *, now: datetime) -> None:
    """
    Take a bid back, until the deadline; withdrawn twice is withdrawn once.

    Raises NotFound, NotAllowed, Conflict after the deadline, if it was replaced, or in an open sale.
    """
    with transaction(session):
        row = session.execute(
            select(Bid.listing_id, Bid.organization_id, Organization.park_id)
            .join(Organization, Bid.organization_id == Organization.id)
            .where(Bid.id == bid_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        actor.must("bid.withdraw", Belonging.to(row.organization_id))
        listing = held_listing(session, row.listing_id)
        bid = session.get_one(Bid, bid_id, populate_existing=True)
        if bid.withdrawn_at is not None:
            return
        if bid.replaced_at is not None:
            raise Conflict("This bid has been replaced by a newer one.")
        must_be_open(listing, now)
        if listing.ascending is not None:
            raise Conflict("In an open sale bids bind: others have answered yours. It cannot be withdrawn.")
        bid.withdrawn_at = now
        _note(session, actor, "bid.withdraw", bid, row.park_id, now)


def _must_fit(session: Session, listing_id: int, line: IntakeLine, now: datetime) -> Fit:
    """Return the fit; a value that is missing may still be measured before an award."""
    if line.retired_at is not None:
        raise Conflict("This intake line is no longer kept.")
    fit = fits(session, lots(session, [listing_id], now=now), [line.id])[listing_id, line.id]
    if fit.verdict == "fails" and fit.first is not None:
        hard = next(reason for reason in fit.reasons if reason.code != "missing_value")
        raise Conflict("It cannot go to this line: %(reason)s", reason=hard.sentence)
    return fit


def _live(listing_id: int, line_id: int) -> Select[Bid]:
    return select(Bid).where(
        Bid.listing_id == listing_id,
        Bid.line_id == line_id,
        Bid.replaced_at.is_(None),
        Bid.withdrawn_at.is_(None),
    )


def _terms(new: NewBid, fit: Fit) -> Terms:
    return Terms(
        price_fen_per_t=new.price_fen_per_t,
        kg_per_month=new.kg_per_month,
        transport=new.transport,
        freight_fen_per_t=fit.haul.freight_fen_per_t,
        deduction_fen_per_t=fit.deduction_fen_per_t,
        note=new.note,
    )


def _same(live: Bid, new: NewBid, sealer: Sealer) -> bool:
    """Return whether the bid that stands says the same; it is opened for that in memory alone, and told to nobody."""
    try:
        terms = unsealed(sealer, live)
    except Unsealable:
        return False  # somebody changed it in the database: the new one takes its place
    return (terms.price_fen_per_t, terms.kg_per_month, terms.transport, terms.note) == (
        new.price_fen_per_t,
        new.kg_per_month,
        new.transport,
        new.note,
    )


def _must_be_meant(session: Session, listing: Listing, organization_id: int, new: NewBid) -> None:
    """
    Ask once about a price that is far from the asking price and the bidder's own earlier ones for this material.

    Of the earlier ones only those that are opened count: the question would tell a clerk what a sealed one says.
    """
    if new.confirmed:
        return
    earlier = session.scalars(
        select(Bid.price_fen_per_t)
        .join(Listing, Bid.listing_id == Listing.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .where(
            Bid.organization_id == organization_id,
            Listing.bids_opened_at.is_not(None),
            Bid.price_fen_per_t.is_not(None),
            WasteStream.material
            == select(WasteStream.material).where(WasteStream.id == listing.stream_id).scalar_subquery(),
        )
        .order_by(Bid.received_at.desc(), Bid.id.desc())
        .limit(20)
    ).all()
    usual_price = usual([listing.asking_fen_per_t, *(price for price in earlier if price is not None)])
    if is_unusual(new.price_fen_per_t, usual_price):
        raise Invalid(
            "%(bid_fen_per_t)s yuan per tonne is more than five times the usual %(usual_fen_per_t)s or less than a fifth"
            " of it. If you mean it, tick the box and send it again.",
            field="confirmed",
            bid_fen_per_t=new.price_fen_per_t,
            usual_fen_per_t=usual_price,
        )


def _note(session: Session, actor: Actor, action: str, bid: Bid, park_id: int, now: datetime) -> None:
    """Record the act; the price is a secret until the deadline and stays out of it."""
    record(
        session,
        actor,
        action,
        "bid",
        bid.id,
        now=now,
        organization_id=bid.organization_id,
        park_id=park_id,
        listing_id=bid.listing_id,
        revision=bid.revision,
    )

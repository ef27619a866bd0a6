"""What use cases of listings, streams and bids share of the rules of a sale: they are stated, and a change voids bids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.listings import expiry, month_at
from marketplace.domain.salerules import moved_deadline
from marketplace.domain.wording import Sentence
from marketplace.persistence.audit import record
from marketplace.persistence.base import MICROSECOND
from marketplace.persistence.listings import Bid, Listing
from marketplace.persistence.organizations import Organization
from marketplace.persistence.salerules import StatedRules, rules_of, stated_rules
from marketplace.persistence.streams import WasteStream
from marketplace.services import outbox
from marketplace.services.addressees import addressees


def state_rules(session: Session, listing: Listing, *, now: datetime) -> StatedRules:
    """
    Write down the rules of a sale as they are, unless they stand there already, and return them.

    The listing is held by the caller and takes bids. Raises ValueError if it does not.
    """
    session.flush()
    rules = rules_of(session, listing, session.get_one(WasteStream, listing.stream_id))
    if rules is None:
        raise ValueError("a listing without a deadline has no rules of a sale")
    last = stated_rules(session, listing.id)
    text = rules.text
    if last is not None and last.text == text:
        return last
    stated = StatedRules(
        listing_id=listing.id,
        version=1 if last is None else last.version + 1,
        text=text,
        sha256=sha256(text),
        fixed_sha256=rules.fixed_sha256,
        closes_at=rules.bids_close_at,
        since_at=now,
    )
    session.add(stated)
    session.flush()
    return stated


def rules_in_force(session: Session, listing: Listing, *, now: datetime) -> StatedRules:
    """Return the rules that a bid is made on: as stated when the sale was published, or now if none were."""
    return stated_rules(session, listing.id) or state_rules(session, listing, now=now)


def held_sales(session: Session, stream_id: int, *, now: datetime) -> list[Listing]:
    """Return the listings of a stream that take bids now, held until the transaction ends, their rules stated."""
    sales = list(session.scalars(_sales(stream_id, now).with_for_update().execution_options(populate_existing=True)))
    for listing in sales:
        rules_in_force(session, listing, now=now)
    return sales


def change_stream(
    session: Session,
    actor: Actor,
    stream: WasteStream,
    sales: Sequence[Listing],
    cause: str,
    *,
    confirmed: bool,
    now: datetime,
) -> None:
    """
    Draw from a change of a stream what follows for its `held_sales`: where the goods are others, bids are void.

    Raises Invalid if that was not confirmed; Conflict if another sale began meanwhile, or there is no time to bid anew.
    """
    session.flush()
    if {row.id for row in session.scalars(_sales(stream.id, now))} != {listing.id for listing in sales}:
        raise Conflict("Somebody else has done this at the same moment. Load the page again.")
    for listing in sales:
        rules, stated = rules_of(session, listing, stream), stated_rules(session, listing.id)
        if rules is not None and stated is not None and rules.text != stated.text:
            change_goods(session, actor, listing, cause, confirmed=confirmed, now=now)


def change_goods(
    session: Session, actor: Actor, listing: Listing, cause: str, *, confirmed: bool, now: datetime
) -> None:
    """
    Void the bids on goods that have just been changed, tell the bidders, and leave a day to bid anew.

    It is asked for and said in the same words whether bids were made or not, since nobody may know. The listing is held
    by the caller. Raises Invalid if it was not confirmed, Conflict if the window ends before the new deadline.
    """
    if listing.bids_close_at is None:
        raise ValueError("a listing without a deadline has no bids")
    if not confirmed:
        raise Invalid(
            "Bidders rely on this. If you change it, any bids made so far on this sale become void and the bidders are told;"
            " they may bid again, and the deadline is then at least 24 hours away. Confirm that you want this.",
            field="confirmed",
        )
    at = _after_all(session, listing.id, now)
    listing.bids_close_at = moved_deadline(listing.bids_close_at, at)
    listing.planned_close_at = None  # the rules name this deadline from now on
    if month_at(listing.bids_close_at) > listing.last_month:
        raise Conflict("The months of this sale end before anybody could bid again. Withdraw the listing instead.")
    listing.expires_at = max(listing.expires_at or at, expiry(at, listing.bids_close_at))
    state_rules(session, listing, now=at)
    bids = session.scalars(
        select(Bid)
        .where(Bid.listing_id == listing.id, Bid.replaced_at.is_(None), Bid.withdrawn_at.is_(None))
        .order_by(Bid.id)
        .execution_options(populate_existing=True)
    ).all()
    for bid in bids:
        bid.withdrawn_at = bid.voided_at = at
        bid.voided_because = cause
    _note(session, actor, bids, now)
    about = {
        "listing_id": listing.id,
        "material": session.get_one(WasteStream, listing.stream_id).material,
        "cause": cause,
        "deadline": Sentence(
            "Read what is changed; you may bid again until %(bids_close_at)s.",
            {"bids_close_at": listing.bids_close_at.isoformat()},
        ).plain(),
    }
    told = addressees(session, {bid.organization_id for bid in bids}, "clerk", "signatory")
    outbox.post_each(session, "bid_void", ((email, language, about) for _, email, language in told), now=now)


def _after_all(session: Session, listing_id: int, now: datetime) -> datetime:
    """Return now, or the instant after what a later clock wrote first on the listing, which is held: a bid, its rules."""
    last = session.scalar(select(func.max(Bid.received_at)).where(Bid.listing_id == listing_id))
    stated = stated_rules(session, listing_id)
    before = [each for each in (last, stated.since_at if stated else None) if each is not None]
    return max([now, *(each + MICROSECOND for each in before)])


def _sales(stream_id: int, now: datetime) -> Select[Listing]:
    return (
        select(Listing)
        .where(
            Listing.stream_id == stream_id,
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.bids_close_at > now,
            Listing.bids_opened_at.is_(None),
            Listing.bids_decided_at.is_(None),
        )
        .order_by(Listing.id)
    )


def _note(session: Session, actor: Actor, bids: Sequence[Bid], now: datetime) -> None:
    """Add the audit row of each bid, as each has one of its submission: no row says how many there are."""
    rows = session.execute(
        select(Organization.id, Organization.park_id).where(Organization.id.in_({bid.organization_id for bid in bids}))
    )
    parks = {row.id: row.park_id for row in rows}
    for bid in bids:
        record(
            session, actor, "bid.void", "bid", bid.id,
            now=now, organization_id=bid.organization_id, park_id=parks[bid.organization_id],
            listing_id=bid.listing_id, cause=bid.voided_because,
        )  # fmt: skip

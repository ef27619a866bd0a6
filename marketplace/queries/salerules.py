"""Reads: the text of a sale's rules, to the byte, so that whoever has it can compute its hash."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor
from marketplace.domain.canonical import sha256
from marketplace.domain.errors import NotFound
from marketplace.persistence.kept import belonging, find_stream
from marketplace.persistence.listings import Listing
from marketplace.persistence.salerules import StatedRules, rules_text
from marketplace.queries.bids import readable_bid
from marketplace.queries.public import public_listing

File = tuple[str, str]
"""A name with the beginning of the hash in it, and the text."""


def board_rules(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> File:
    """Return the rules in force of a sale on the board. Raises NotFound where its figures are not told."""
    if public_listing(session, actor, listing_id, now=now).rules_sha256 is None:
        raise NotFound
    return _in_force(session, session.get_one(Listing, listing_id))


def own_rules(session: Session, actor: Actor, listing_id: int) -> File:
    """Return the rules in force of an own listing, or one that the own park oversees. Raises NotFound."""
    listing = session.get(Listing, listing_id)
    if listing is None:
        raise NotFound
    _, site, organization = find_stream(session, listing.stream_id)
    actor.must("listing.read", belonging(organization, site))
    return _in_force(session, listing)


def bid_rules(session: Session, actor: Actor, bid_id: int) -> File:
    """Return the rules that a bid was made on, whatever became of it. Raises NotFound."""
    bid = readable_bid(session, actor, bid_id).Bid
    text = session.scalar(
        select(StatedRules.text).where(StatedRules.listing_id == bid.listing_id, StatedRules.sha256 == bid.rules_sha256)
    )
    if text is None:
        raise NotFound
    return _file(bid.listing_id, text)


def _in_force(session: Session, listing: Listing) -> File:
    stream, _, _ = find_stream(session, listing.stream_id)
    text = rules_text(session, listing, stream)
    if text is None:
        raise NotFound
    return _file(listing.id, text)


def _file(listing_id: int, text: str) -> File:
    return f"rules-{listing_id}-{sha256(text)[:12]}.json", text

"""Writes: offers and reserves are handed in sealed to a round that collects, taken back, and opened by its first run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.bids import is_unusual
from marketplace.domain.errors import Conflict, Invalid, NotFound
from marketplace.domain.places import Point, great_circle_m
from marketplace.domain.roundoffers import (
    Content,
    LineOffer,
    ListingReserve,
    bound_to,
    content_of,
    packed,
    plain_of,
    unpacked,
    with_offers,
)
from marketplace.domain.rounds import Snapshot, state_of
from marketplace.domain.sealing import Box, Sealer, Unsealable, digest_of, receipt_of
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.kept import find_line
from marketplace.persistence.lines import LineMaterial
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.roundoffers import RoundOffer
from marketplace.persistence.rounds import Round
from marketplace.persistence.streams import WasteStream
from marketplace.services.verification import must_be_verified


@dataclass(frozen=True)
class _Of:
    """Whose offer it is: of a line or of a listing."""

    organization_id: int
    park_id: int | None
    line_id: int | None = None
    listing_id: int | None = None


def hand_in_offer(
    session: Session,
    actor: Actor,
    round_id: int,
    line_id: int,
    offer: LineOffer,
    *,
    sealer: Sealer,
    confirmed: bool = False,
    now: datetime,
) -> int:
    """
    Take what a line offers in a round, seal it and return its id; one that stands is replaced, the same one is kept.

    ``confirmed``: the sender was asked about an unusual price and means it. Raises NotFound, NotAllowed; Invalid for a
    material that the line does not take, more than its capacity, or a price to be confirmed; Conflict if the round does
    not collect, has no prices or does not reach the line, or the key is not there.
    """
    with transaction(session):
        of = _collecting(session, round_id, now)
        line, site, organization = find_line(session, line_id)
        actor.must("offer.hand_in", Belonging.to(organization.id))
        if line.retired_at is not None:
            raise Conflict("This intake line is retired and does not change any more.")
        must_be_verified(session, organization.id)
        _must_reach(session, of, Point(site.lat_udeg, site.lon_udeg))
        stated = {
            row.material: row.price_fen_per_t
            for row in session.execute(
                select(LineMaterial.material, LineMaterial.price_fen_per_t).where(LineMaterial.line_id == line_id)
            )
        }
        for material, price in (*offer.prices, *offer.lowest):
            if material not in stated:
                raise Invalid("The line does not take this material.", field="prices")
            if not confirmed and is_unusual(price, stated[material]):
                raise Invalid(
                    "This is more than five times the price that the line states, or less than a fifth of it."
                    " If it is meant, say so.",
                    field="confirmed",
                )
        if offer.kg_per_month > line.capacity_kg_per_month:
            raise Invalid(
                "The line takes in %(capacity_kg)s t a month; offer that much or less.",
                field="kg_per_month",
                capacity_kg=line.capacity_kg_per_month,
            )
        return _hand_in(
            session, actor, of, _Of(organization.id, organization.park_id, line_id=line_id), offer, sealer, now
        )


def hand_in_reserve(
    session: Session,
    actor: Actor,
    round_id: int,
    listing_id: int,
    reserve: ListingReserve,
    *,
    sealer: Sealer,
    now: datetime,
) -> int:
    """
    Take the reserve of a listing for a round, seal it and return its id; one that stands is replaced.

    Raises NotFound, NotAllowed; Conflict if the round does not collect, has no prices, is of another park, the listing
    is not on the board, or the key is not there.
    """
    with transaction(session):
        of = _collecting(session, round_id, now)
        row = session.execute(
            select(Listing, Site.park_id.label("of_park"), Organization.id, Organization.park_id)
            .join(WasteStream, Listing.stream_id == WasteStream.id)
            .join(Site, WasteStream.site_id == Site.id)
            .join(Organization, Site.organization_id == Organization.id)
            .where(Listing.id == listing_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        listing, of_park, organization_id, park_id = row
        actor.must("offer.hand_in", Belonging.to(organization_id))
        must_be_verified(session, organization_id)
        if of_park != of.park_id:
            raise Conflict("This round is of another park: the listing takes no part in it.")
        if listing.published_at is None or listing.withdrawn_at is not None or (listing.expires_at or now) <= now:
            raise Conflict("This listing is not on the board: it takes no part in the round.")
        return _hand_in(session, actor, of, _Of(organization_id, park_id, listing_id=listing_id), reserve, sealer, now)


def take_back_offer(session: Session, actor: Actor, offer_id: int, *, now: datetime) -> int:
    """
    Take an offer or a reserve back and return its round; what the line or the listing states holds again.

    Taken back twice is taken back once. Raises NotFound, NotAllowed, Conflict if it was replaced or the round is closed.
    """
    with transaction(session):
        row = session.execute(
            select(RoundOffer.round_id, RoundOffer.organization_id, Organization.park_id)
            .join(Organization, RoundOffer.organization_id == Organization.id)
            .where(RoundOffer.id == offer_id)
        ).one_or_none()
        if row is None:
            raise NotFound
        actor.must("offer.take_back", Belonging.to(row.organization_id))
        of = _held(session, row.round_id)
        offer = session.get_one(RoundOffer, offer_id, populate_existing=True)
        if offer.withdrawn_at is None:
            if offer.replaced_at is not None:
                raise Conflict("This has been replaced by a newer one.")
            _must_collect(of, now)
            offer.withdrawn_at = now
            _note(session, actor, "offer.take_back", offer, row.park_id, now)
    return int(row.round_id)


def open_offers(session: Session, actor: Actor, of: Round, *, sealer: Sealer, now: datetime) -> None:
    """
    Open everything that stands for a round, once, in the transaction of the caller, which holds the round for a run.

    What was tampered with becomes invalid and says so; what the line or the listing states holds instead. Raises Conflict
    if the key is not there, and then nothing is opened.
    """
    if of.offers_opened_at is not None:
        return
    standing = session.scalars(_standing(of.id).execution_options(populate_existing=True)).all()
    for offer in standing:
        offer.opened_at = now
        try:
            offer.content = plain_of(_unsealed(sealer, offer))
        except Unsealable as found:
            offer.invalid_because = found.code
    of.offers_opened_at = now
    session.flush()
    if standing:
        record(
            session, actor, "offer.open", "round", of.id,
            now=now, park_id=of.park_id,
            opened=sum(not offer.invalid_because for offer in standing),
            invalid=sum(bool(offer.invalid_because) for offer in standing),
            receipts_sha256=digest_of(offer.receipt for offer in standing),
        )  # fmt: skip


def offered_in(session: Session, of: Round, snapshot: Snapshot) -> Snapshot:
    """Return a snapshot with what was opened for a round in the place of what its lines and listings state. One SELECT."""
    lines: dict[int, LineOffer] = {}
    listings: dict[int, ListingReserve] = {}
    for offer in session.scalars(_standing(of.id).where(RoundOffer.content.is_not(None))):
        content = content_of(offer.content or {})
        if isinstance(content, LineOffer) and offer.line_id is not None:
            lines[offer.line_id] = content
        elif isinstance(content, ListingReserve) and offer.listing_id is not None:
            listings[offer.listing_id] = content
    return with_offers(snapshot, lines, listings)


def _hand_in(
    session: Session, actor: Actor, of: Round, whose: _Of, content: Content, sealer: Sealer, now: datetime
) -> int:
    mine: ColumnElement[bool] = (
        RoundOffer.line_id == whose.line_id if whose.line_id is not None else RoundOffer.listing_id == whose.listing_id
    )
    live = session.scalar(_standing(of.id).where(mine).execution_options(populate_existing=True))
    if live is not None and _same(live, content, sealer):
        return live.id
    last = session.scalar(select(func.max(RoundOffer.revision)).where(RoundOffer.round_id == of.id, mine)) or 0
    if live is not None:
        live.replaced_at = now
        session.flush()
    bound = bound_to(of.id, whose.line_id, whose.listing_id, last + 1)
    box = sealer.seal(packed(content), bound)
    offer = RoundOffer(
        round_id=of.id,
        line_id=whose.line_id,
        listing_id=whose.listing_id,
        organization_id=whose.organization_id,
        revision=last + 1,
        sealed=box.sealed,
        seal_key_id=box.key_id,
        receipt=receipt_of(box, bound),
        received_at=now,
        received_from=actor.person_id,
    )
    session.add(offer)
    session.flush()
    _note(session, actor, "offer.hand_in", offer, whose.park_id, now)
    return offer.id


def _same(live: RoundOffer, content: Content, sealer: Sealer) -> bool:
    try:
        return _unsealed(sealer, live) == content
    except Unsealable:
        return False


def _unsealed(sealer: Sealer, offer: RoundOffer) -> Content:
    bound = bound_to(offer.round_id, offer.line_id, offer.listing_id, offer.revision)
    content = unpacked(sealer.open(Box(offer.seal_key_id, offer.sealed), bound))
    if isinstance(content, LineOffer) == (offer.line_id is None):
        raise Unsealable("unreadable")
    return content


def _standing(round_id: int) -> Select[RoundOffer]:
    return (
        select(RoundOffer)
        .where(RoundOffer.round_id == round_id, RoundOffer.replaced_at.is_(None), RoundOffer.withdrawn_at.is_(None))
        .order_by(RoundOffer.id)
    )


def _collecting(session: Session, round_id: int, now: datetime) -> Round:
    """Return a round that takes offers, held until the transaction ends. Raises NotFound, Conflict."""
    of = _held(session, round_id)
    if of.kind == "planning":
        raise Conflict("A planning round has no prices: nothing is offered in it.")
    _must_collect(of, now)
    return of


def _held(session: Session, round_id: int) -> Round:
    of = session.scalar(
        select(Round).where(Round.id == round_id).with_for_update().execution_options(populate_existing=True)
    )
    if of is None:
        raise NotFound
    return of


def _must_collect(of: Round, now: datetime) -> None:
    """Refuse before and after the round collects; also a request from before its end that had to wait for a run."""
    state = state_of(
        now,
        opens_at=of.opened_at,
        closes_at=of.closes_at,
        answers_until=of.answer_by,
        closed_at=of.closed_at,
        solving_at=of.solving_at,
        solved_at=of.solved_at,
        published_at=of.published_at,
        settled_at=of.settled_at,
        voided_at=of.voided_at,
    )
    if state != "collecting" or of.offers_opened_at is not None:
        raise Conflict("This round does not collect now; what comes later does not count.")


def _must_reach(session: Session, of: Round, line: Point) -> None:
    sites = session.execute(
        select(Site.lat_udeg, Site.lon_udeg).where(Site.park_id == of.park_id, Site.closed_at.is_(None))
    )
    if all(great_circle_m(line, Point(*site)) > of.max_m for site in sites):
        raise Conflict("The line lies beyond the radius of this round: it takes no part in it.")


def _note(session: Session, actor: Actor, action: str, offer: RoundOffer, park_id: int | None, now: datetime) -> None:
    record(
        session, actor, action, "offer", offer.id,
        now=now, organization_id=offer.organization_id, park_id=park_id, round_id=offer.round_id,
    )  # fmt: skip

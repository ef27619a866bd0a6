"""Writes: listings are drafted, published, renewed and withdrawn."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.actors import Actor, Belonging
from marketplace.domain.errors import Conflict, NotFound
from marketplace.domain.hazards import refuse_hazardous
from marketplace.domain.inspections import inspection_must_lie_ahead
from marketplace.domain.listings import (
    GOODS_FIELDS,
    MATERIAL_FIELDS,
    RULE_FIELDS,
    NewListing,
    expiry,
    month_at,
    must_lie_ahead,
    rules_stay,
)
from marketplace.domain.workdays import day_at
from marketplace.persistence.audit import record
from marketplace.persistence.database import transaction
from marketplace.persistence.fit import latest_values
from marketplace.persistence.listings import Bid, Listing, ListingMonth
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream
from marketplace.services.awarding import award_bid, end_bidding
from marketplace.services.repeats import note_repeat, tell_of_repeat
from marketplace.services.salerules import change_goods, state_rules
from marketplace.services.verification import must_be_verified

__all__ = [
    "award_bid",
    "edit_listing",
    "end_bidding",
    "post_listing",
    "publish_listing",
    "renew_listing",
    "withdraw_listing",
]


@dataclass(frozen=True)
class _Owned:
    """A stream with what it belongs to."""

    stream: WasteStream
    organization_id: int
    park_id: int
    belonging: Belonging


def post_listing(
    session: Session,
    actor: Actor,
    stream_id: int,
    new: NewListing,
    *,
    publish: bool = False,
    again_of: int | None = None,
    now: datetime,
) -> int:
    """
    Keep a listing as a draft, or publish it at once, and return its id; ``again_of`` is the contract that it repeats.

    Raises NotFound, NotAllowed; Invalid if a month is past or a hazard gate closes; Conflict, if it is to be published
    and the organization is not verified or another listing of the stream covers one of its months.
    """
    with transaction(session):
        of = _owned(session, stream_id)
        actor.must("listing.publish" if publish else "listing.draft", of.belonging)
        new.must_lie_ahead(now)
        listing = Listing(stream_id=stream_id, drafted_at=now, **asdict_of(new))
        session.add(listing)
        session.flush()
        _note(session, actor, "listing.draft", listing, of, now)
        if again_of is not None:
            note_repeat(session, listing, again_of, of.organization_id)
            session.flush()
        if publish:
            _publish(session, actor, listing, of, now)
    return listing.id


def edit_listing(
    session: Session,
    actor: Actor,
    listing_id: int,
    new: NewListing,
    *,
    publish: bool = False,
    confirmed: bool = False,
    now: datetime,
) -> None:
    """
    Change a listing. While it takes bids its rules stay, and other goods void what was bid; after bids nothing changes.

    Raises NotFound, NotAllowed (a published one is changed by a signatory); Invalid, also if bids would become void and
    that was not confirmed; Conflict for the rules of a sale, for what was bid on, while bids wait to be opened, or if
    some of it is spoken for.
    """
    with transaction(session):
        listing = _locked(session, listing_id)
        of = _owned(session, listing.stream_id)
        published = listing.published_at is not None
        actor.must("listing.publish" if publish or published else "listing.draft", of.belonging)
        if listing.withdrawn_at is not None:
            raise Conflict("This listing has been withdrawn. Begin a new one for the stream.")
        values = asdict_of(new)
        stand = {name: getattr(listing, name) for name in MATERIAL_FIELDS} | {"bids_close_at": listing.stated_close_at}
        changed = sorted(name for name in MATERIAL_FIELDS if stand[name] != values[name])
        sells = published and _takes_bids(listing, now)
        if sells:
            _must_keep_rules(changed)
        elif changed:
            if published:
                _must_be_free_to_change(session, listing)
            new.must_lie_ahead(now)
        if published and changed:
            must_be_verified(session, of.organization_id)
        for name, value in values.items():
            if name in changed or name not in MATERIAL_FIELDS:
                setattr(listing, name, value)
        _note(session, actor, "listing.edit", listing, of, now, changed=changed)
        if published and changed:
            if not sells and "bids_close_at" in changed:
                _begin_anew(listing)
            _clear_months(session, listing)
            _must_not_overlap(session, listing, now)
            listing.expires_at = expiry(now, listing.bids_close_at)
            _open_months(session, listing)
            if not sells and _takes_bids(listing, now):
                state_rules(session, listing, now=now)
            elif sells and not set(GOODS_FIELDS).isdisjoint(changed):
                change_goods(session, actor, listing, "listing", confirmed=confirmed, now=now)
        elif publish and not published:
            _publish(session, actor, listing, of, now)


def publish_listing(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> None:
    """Put a draft on the board. Raises as `post_listing`; published before, it stays as it is."""
    with transaction(session):
        listing = _locked(session, listing_id)
        of = _owned(session, listing.stream_id)
        actor.must("listing.publish", of.belonging)
        if listing.withdrawn_at is not None:
            raise Conflict("This listing has been withdrawn. Begin a new one for the stream.")
        if listing.published_at is not None:
            return
        must_lie_ahead(listing.first_month, listing.last_month, listing.bids_close_at, now)
        inspection_must_lie_ahead(listing.inspect_until, day_at(now))
        _publish(session, actor, listing, of, now)


def renew_listing(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> None:
    """
    Say again that a listing holds, for another while.

    Raises NotFound, NotAllowed, Conflict if it is a draft, withdrawn or past, or another has taken its place.
    """
    with transaction(session):
        listing = _locked(session, listing_id)
        of = _owned(session, listing.stream_id)
        actor.must("listing.publish", of.belonging)
        if listing.published_at is None or listing.withdrawn_at is not None:
            raise Conflict("Only a listing that stands on the board can be renewed.")
        if listing.last_month < month_at(now):
            raise Conflict("The months of this listing are past. Begin a new one for the stream.")
        must_be_verified(session, of.organization_id)
        _must_not_be_hazardous(session, of.stream, now)
        _must_not_overlap(session, listing, now)
        listing.expires_at = expiry(now, listing.bids_close_at)
        _note(session, actor, "listing.renew", listing, of, now)


def withdraw_listing(session: Session, actor: Actor, listing_id: int, *, now: datetime) -> None:
    """
    Take a listing off the board, or throw a draft away; withdrawn twice is withdrawn once.

    Raises NotFound, NotAllowed, Conflict if some of it is reserved or contracted.
    """
    with transaction(session):
        listing = _locked(session, listing_id)
        of = _owned(session, listing.stream_id)
        actor.must("listing.withdraw" if listing.published_at is not None else "listing.draft", of.belonging)
        if listing.withdrawn_at is not None:
            return
        spoken_for = _spoken_for_kg(session, listing_id)
        if spoken_for:
            raise Conflict(
                "%(taken_kg)s t of this listing are awarded or under contract: it cannot be withdrawn any more."
                " What is left lapses by itself when the listing expires.",
                taken_kg=spoken_for,
            )
        listing.withdrawn_at = now
        _note(session, actor, "listing.withdraw", listing, of, now)


def _takes_bids(listing: Listing, now: datetime) -> bool:
    return listing.bidding(now) == "open"


def asdict_of(new: NewListing) -> dict[str, object]:
    """Return the columns of a listing as the command asks for them."""
    return asdict(new) | {"first_month": new.first_month, "last_month": new.last_month}


def _locked(session: Session, listing_id: int) -> Listing:
    """Return a listing, held until the transaction ends: its bids wait for it. Raises NotFound."""
    listing = session.scalar(
        select(Listing).where(Listing.id == listing_id).with_for_update().execution_options(populate_existing=True)
    )
    if listing is None:
        raise NotFound
    return listing


def _owned(session: Session, stream_id: int) -> _Owned:
    """Return a stream, held until the transaction ends, with what it belongs to. Raises NotFound."""
    stream = session.scalar(
        select(WasteStream)
        .where(WasteStream.id == stream_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if stream is None:
        raise NotFound
    organization_id, park_id, site_park_id = session.execute(
        select(Organization.id, Organization.park_id, Site.park_id)
        .join(Site, Site.organization_id == Organization.id)
        .where(Site.id == stream.site_id)
    ).one()
    return _Owned(stream, organization_id, park_id, Belonging.to(organization_id, park_id, site_park_id))


def _publish(session: Session, actor: Actor, listing: Listing, of: _Owned, now: datetime) -> None:
    if of.stream.retired_at is not None:
        raise Conflict("This waste stream is no longer kept. Choose another one.")
    must_be_verified(session, of.organization_id)
    _must_not_be_hazardous(session, of.stream, now)
    _must_not_overlap(session, listing, now)
    listing.published_at = now
    listing.published_by = actor.person_id
    listing.expires_at = expiry(now, listing.bids_close_at)
    _open_months(session, listing)
    if _takes_bids(listing, now):
        state_rules(session, listing, now=now)
    _note(session, actor, "listing.publish", listing, of, now)
    tell_of_repeat(session, listing, now=now)


def _must_not_be_hazardous(session: Session, stream: WasteStream, now: datetime) -> None:
    refuse_hazardous(
        code_text=stream.waste_code,
        material=stream.material,
        origin_answers=stream.origin_answers,
        mixed_with_hazardous=stream.mixed_with_hazardous,
        values=latest_values(session, [stream.id], now=now).get(stream.id, {}),
    )


def _must_not_overlap(session: Session, listing: Listing, now: datetime) -> None:
    other = session.execute(
        select(Listing.first_month, Listing.last_month)
        .where(
            Listing.stream_id == listing.stream_id,
            Listing.id != listing.id,
            Listing.published_at.is_not(None),
            Listing.withdrawn_at.is_(None),
            Listing.expires_at > now,
            Listing.first_month <= listing.last_month,
            Listing.last_month >= listing.first_month,
        )
        .order_by(Listing.first_month, Listing.id)
        .limit(1)
    ).one_or_none()
    if other is not None:
        raise Conflict(
            "This stream is already listed from %(first_month)s to %(last_month)s. Choose other months, or withdraw"
            " that listing first.",
            first_month=str(other.first_month),
            last_month=str(other.last_month),
        )


def _must_keep_rules(changed: Collection[str]) -> None:
    """Raise Conflict if a rule of a sale that takes bids is changed: nobody may know whether one was made."""
    if not set(RULE_FIELDS).isdisjoint(changed):
        raise Conflict(
            "The rules of a sale stay as they were published, whether bids were made or not: months, prices, reserve, lots,"
            " shares, who reads the name, inspection, and the deadline. To change them, withdraw the listing and publish a new one."
        )


def _must_be_free_to_change(session: Session, listing: Listing) -> None:
    """Raise Conflict, until the opening in the same words whether or not somebody has bid."""
    has_bids = session.scalar(select(Bid.id).where(Bid.listing_id == listing.id).limit(1)) is not None
    if listing.fixed_price is not None and has_bids:
        raise Conflict(
            "Somebody held some of this listing at its fixed price, and what it says stays as it is. To change it, withdraw"
            " the listing and publish a new one. The loading hours may change at any time."
        )
    if rules_stay(bids_close_at=listing.bids_close_at, bids_opened_at=listing.bids_opened_at, has_bids=has_bids):
        raise Conflict(
            "The bidding has ended, and what bids were asked for on stays as it is. To change it, withdraw the listing and"
            " publish a new one. The loading hours may change at any time."
        )


def _begin_anew(listing: Listing) -> None:
    """Forget the opening of a sale that nobody bid on: with another deadline it takes bids again."""
    listing.bids_opened_at = listing.bids_decided_at = listing.planned_close_at = None
    listing.bids_decided_because = ""


def _spoken_for_kg(session: Session, listing_id: int) -> int:
    """Return what is reserved or contracted of a listing; its counters are held until the transaction ends."""
    rows = session.execute(
        select(ListingMonth.reserved_kg, ListingMonth.contracted_kg)
        .where(ListingMonth.listing_id == listing_id)
        .order_by(ListingMonth.month)
        .with_for_update()
    )
    return sum(reserved + contracted for reserved, contracted in rows)


def _clear_months(session: Session, listing: Listing) -> None:
    if _spoken_for_kg(session, listing.id):
        raise Conflict("Some of this listing is awarded or under contract: its rules stay as they are.")
    for month in session.scalars(select(ListingMonth).where(ListingMonth.listing_id == listing.id)):
        session.delete(month)
    session.flush()


def _open_months(session: Session, listing: Listing) -> None:
    session.add_all(
        ListingMonth(
            listing_id=listing.id, month=month, offered_kg=listing.kg_per_month, reserved_kg=0, contracted_kg=0
        )
        for month in listing.first_month.until(listing.last_month)
    )


def _note(
    session: Session, actor: Actor, action: str, listing: Listing, of: _Owned, now: datetime, **detail: object
) -> None:
    record(
        session,
        actor,
        action,
        "listing",
        listing.id,
        now=now,
        organization_id=of.organization_id,
        park_id=of.park_id,
        **detail,
    )

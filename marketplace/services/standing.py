"""Whether what a run read still stands when its result is published: a listing may be withdrawn, a line retired since."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from marketplace.domain.errors import Conflict
from marketplace.persistence.lines import IntakeLine
from marketplace.persistence.listings import Listing
from marketplace.persistence.organizations import Organization, Site
from marketplace.persistence.streams import WasteStream


def must_still_stand(
    session: Session, listing_ids: Collection[int], line_ids: Collection[int], *, alone: bool = False, now: datetime
) -> None:
    """
    Hold listings and lines until the transaction ends and ask whether all of them may still make a deal. Four SELECTs.

    Lines are held from others too where they are to be held ``alone``, so that what waits at them or arrives there can be counted.
    Raises Conflict if a listing is off the board, a line is retired or its permit is not verified any more, or an
    organization of either was suspended or is to be verified anew.
    """
    listings = session.execute(
        select(Listing.published_at, Listing.withdrawn_at, Listing.expires_at)
        .where(Listing.id.in_(listing_ids))
        .order_by(Listing.id)
        .with_for_update()
    ).all()
    if any(row.published_at is None or row.withdrawn_at is not None or row.expires_at <= now for row in listings):
        raise Conflict("A listing has been taken off the board or has expired.")
    lines = session.execute(
        select(IntakeLine.retired_at, IntakeLine.permit_verified_at)
        .where(IntakeLine.id.in_(line_ids))
        .order_by(IntakeLine.id)
        .with_for_update(read=not alone)
    ).all()
    if any(row.retired_at is not None or row.permit_verified_at is None for row in lines):
        raise Conflict("An intake line has been retired, or its permit is no longer verified.")
    resting = or_(Organization.verified_at.is_(None), Organization.suspended_at.is_not(None))
    sellers = (
        select(Organization.id)
        .join(Site, Site.organization_id == Organization.id)
        .join(WasteStream, WasteStream.site_id == Site.id)
        .join(Listing, Listing.stream_id == WasteStream.id)
        .where(Listing.id.in_(listing_ids), resting)
    )
    takers = (
        select(Organization.id)
        .join(Site, Site.organization_id == Organization.id)
        .join(IntakeLine, IntakeLine.site_id == Site.id)
        .where(IntakeLine.id.in_(line_ids), resting)
    )
    if any(session.scalar(side.limit(1)) is not None for side in (sellers, takers)):
        raise Conflict("An organization has been suspended, or its park verifies it anew.")

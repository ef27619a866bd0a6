"""Reads: who was called from standby when an award came to nothing, and who was passed over; never for a bidder's eyes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from marketplace.persistence.listings import Bid
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award
from marketplace.persistence.standby import StandbyCall


@dataclass(frozen=True)
class Call:
    """A bid on standby that was called for an award, or passed over with the reason."""

    called_at: datetime
    rank: int
    organization_zh: str
    organization_en: str
    award_id: int | None
    kg: int | None
    passed_over: Mapping[str, object] | None


def calls_of(session: Session, listing_id: int) -> tuple[Call, ...]:
    """Return all calls of a listing, in their order. One SELECT."""
    return _calls(session, _query().where(Bid.listing_id == listing_id))


def calls_after(session: Session, award_id: int) -> tuple[Call, ...]:
    """Return the calls that an award's end led to, in their order. One SELECT."""
    return _calls(session, _query().where(StandbyCall.after_award_id == award_id))


def _query() -> Select[Any]:
    return (
        select(
            StandbyCall.called_at,
            StandbyCall.rank,
            Organization.name_zh,
            Organization.name_en,
            StandbyCall.award_id,
            Award.kg,
            StandbyCall.passed_over,
        )
        .join(Bid, StandbyCall.bid_id == Bid.id)
        .join(Organization, Bid.organization_id == Organization.id)
        .outerjoin(Award, StandbyCall.award_id == Award.id)
        .order_by(StandbyCall.called_at, StandbyCall.id)
    )


def _calls(session: Session, query: Select[Any]) -> tuple[Call, ...]:
    return tuple(Call(row[0], row[1], row[2], row[3] or row[2], *row[4:]) for row in session.execute(query))

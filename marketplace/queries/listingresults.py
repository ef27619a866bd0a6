"""Reads: what came of a listing, in awards and in rounds that left some of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.wording import Sentence, sentence
from marketplace.persistence.organizations import Organization
from marketplace.persistence.rounds import Award, Leftover, Round
from marketplace.queries.roundworth import was_proved


@dataclass(frozen=True)
class LeftoverRow:
    """What a round left of the listing, why, and what would change it."""

    round_id: int
    round_number: int
    kg: int
    sentence: Sentence
    flip: Sentence | None
    proved: bool
    """Whether what would change it was confirmed by solving again."""


@dataclass(frozen=True)
class AwardRow:
    """An award of the listing."""

    id: int
    recycler_zh: str
    recycler_en: str
    kg: int
    price_fen_per_t: int | None
    awarded_at: datetime


def leftovers_of(session: Session, listing_id: int) -> tuple[LeftoverRow, ...]:
    """Return what the last ten published rounds left of a listing, the newest first. One SELECT."""
    rows = session.execute(
        select(Leftover.round_id, Round.number, Leftover.kg, Leftover.sentence, Leftover.flip)
        .join(Round, Leftover.round_id == Round.id)
        .where(Leftover.listing_id == listing_id, Round.published_at.is_not(None), Round.voided_at.is_(None))
        .order_by(Leftover.round_id.desc(), Leftover.id.desc())
        .limit(10)
    )
    return tuple(
        LeftoverRow(
            round_id=row.round_id,
            round_number=row.number,
            kg=row.kg,
            sentence=sentence(row.sentence),
            flip=sentence(row.flip) if row.flip else None,
            proved=was_proved(row.flip),
        )
        for row in rows
    )


def awards_of(session: Session, listing_id: int) -> tuple[AwardRow, ...]:
    """Return the last fifty awards of a listing, the newest first. One SELECT."""
    rows = session.execute(
        select(
            Award.id,
            Organization.name_zh,
            Organization.name_en,
            Award.kg,
            Award.price_fen_per_t,
            Award.awarded_at,
        )
        .join(Organization, Award.recycler_id == Organization.id)
        .where(Award.listing_id == listing_id)
        .order_by(Award.awarded_at.desc(), Award.id.desc())
        .limit(50)
    )
    return tuple(
        AwardRow(row.id, row.name_zh, row.name_en or row.name_zh, row.kg, row.price_fen_per_t, row.awarded_at)
        for row in rows
    )

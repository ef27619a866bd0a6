"""What waits by live awards and contracts, which the room to store counts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from marketplace.domain.quantities import Month
from marketplace.domain.waiting import Side, Wait, over_month_ends
from marketplace.persistence.rounds import Award, AwardMonth, AwardWait


def stored_at_listings(session: Session, listing_ids: Collection[int]) -> dict[int, dict[Month, int]]:
    """Return the kilograms that wait in the yards of listings over the end of each month. One SELECT, none for no listing."""
    return _stored(session, Award.listing_id, listing_ids, "producer")


def stored_at_lines(session: Session, line_ids: Collection[int]) -> dict[int, dict[Month, int]]:
    """Return the kilograms that wait in front of lines over the end of each month. One SELECT, none for no line."""
    return _stored(session, Award.line_id, line_ids, "recycler")


def arriving_at_line(session: Session, line_id: int) -> dict[Month, int]:
    """Return the kilograms that travel to a line in each month, whenever it uses them. One SELECT."""
    rows = session.execute(
        select(AwardMonth.month, func.sum(AwardMonth.kg))
        .join(Award, AwardMonth.award_id == Award.id)
        .where(
            Award.line_id == line_id,
            Award.price_fen_per_t.is_not(None),  # a planning round holds nothing
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
        )
        .group_by(AwardMonth.month)
        .order_by(AwardMonth.month)
    )
    return {month: int(kg) for month, kg in rows}


def waits_of(session: Session, award_ids: Collection[int]) -> dict[int, tuple[Wait, ...]]:
    """Return what waits of each award. One SELECT, none for no award."""
    found: dict[int, list[Wait]] = defaultdict(list)
    if award_ids:
        rows = session.execute(
            _waits(AwardWait.award_id).where(AwardWait.award_id.in_(award_ids)).order_by(AwardWait.id)
        )
        for award_id, *wait in rows:
            found[award_id].append(_wait(*wait))
    return {award_id: tuple(waits) for award_id, waits in found.items()}


def _stored(
    session: Session, own: InstrumentedAttribute[int], ids: Collection[int], side: Side
) -> dict[int, dict[Month, int]]:
    if not ids:
        return {}
    found: dict[int, list[Wait]] = defaultdict(list)
    rows = session.execute(
        _waits(own)
        .join(Award, AwardWait.award_id == Award.id)
        .where(
            own.in_(ids),
            AwardWait.side == side,
            Award.price_fen_per_t.is_not(None),  # a planning round holds nothing
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
        )
        .order_by(AwardWait.id)
    )
    for key, *wait in rows:
        found[key].append(_wait(*wait))
    return {key: over_month_ends(waits) for key, waits in found.items()}


def _waits(own: InstrumentedAttribute[int]) -> Select[int, str, Month, Month, int]:
    return select(own, AwardWait.side, AwardWait.since_month, AwardWait.until_month, AwardWait.kg)


def _wait(side: Any, since: Any, until: Any, kg: Any) -> Wait:
    return Wait(side=side, since=since, until=until, kg=kg)

"""What was promised to intake lines already, by property: it counts in the means that they keep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from marketplace.domain.fit import Accepting
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Arriving
from marketplace.persistence.fit import latest_values
from marketplace.persistence.listings import Listing
from marketplace.persistence.rounds import Award, AwardMonth
from marketplace.persistence.streams import WasteStream


def arriving_at(
    session: Session, lines: Mapping[int, Accepting], months: Collection[Month], *, now: datetime
) -> dict[int, tuple[Arriving, ...]]:
    """
    Return by line what live awards and contracts bring in these months, for each property whose mean the line limits.

    What was declined or lapsed brings nothing, nor does what a planning round recommends. Values are the latest of the
    stream; what has none counts in no mean. Two SELECTs, none where no line limits a mean.
    """
    means = {
        line_id: {limit.property for limit in line.limits if limit.monthly_mean} for line_id, line in lines.items()
    }
    blending = [line_id for line_id, codes in means.items() if codes]
    if not blending:
        return {}
    rows = session.execute(
        select(
            Award.line_id,
            AwardMonth.month,
            WasteStream.id.label("stream_id"),
            WasteStream.material,
            func.sum(AwardMonth.kg).label("kg"),
        )
        .join(AwardMonth, AwardMonth.award_id == Award.id)
        .join(Listing, Award.listing_id == Listing.id)
        .join(WasteStream, Listing.stream_id == WasteStream.id)
        .where(
            Award.line_id.in_(blending),
            AwardMonth.month.in_(months),
            Award.price_fen_per_t.is_not(None),
            Award.declined_at.is_(None),
            Award.lapsed_at.is_(None),
        )
        .group_by(Award.line_id, AwardMonth.month, WasteStream.id, WasteStream.material)
        .order_by(Award.line_id, AwardMonth.month, WasteStream.id)
    ).all()
    values = latest_values(session, {row.stream_id for row in rows}, now=now)
    found: dict[int, list[Arriving]] = defaultdict(list)
    for row in rows:
        known = values.get(row.stream_id, {})
        found[row.line_id] += (
            Arriving(month=row.month, material=row.material, property=code, kg=int(row.kg), value=known[code])
            for code in means[row.line_id].intersection(known)
        )
    return {line_id: tuple(each) for line_id, each in found.items()}

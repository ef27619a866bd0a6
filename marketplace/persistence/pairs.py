"""How listings fit intake lines, as pages and bids ask it: a fixed number of SELECTs, however many pairs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from marketplace.domain.filings import fit_under
from marketplace.domain.fit import Accepting, Filing, Fit, Offered, check, filing_needed
from marketplace.domain.haulage import CIRCUITY_PERMILLE
from marketplace.domain.listings import month_at
from marketplace.domain.quantities import Month
from marketplace.persistence.fit import accepting, filings, offered
from marketplace.persistence.listings import Listing


@dataclass(frozen=True)
class Lot:
    """A listing as the fit wants it, with the months of its window that are not past."""

    listing_id: int
    stream_id: int
    offered: Offered
    months: tuple[Month, ...]


def lots(session: Session, listing_ids: Collection[int], *, now: datetime) -> dict[int, Lot]:
    """Return listings as lots: what is left of their window. The reserve stays out of it, it is secret. Four SELECTs."""
    rows = session.execute(
        select(
            Listing.id,
            Listing.stream_id,
            Listing.first_month,
            Listing.last_month,
            Listing.kg_per_month,
            Listing.least_lot_kg,
        ).where(Listing.id.in_(listing_ids))
    ).all()
    streams = offered(session, {row.stream_id for row in rows}, now=now)
    found = {}
    for row in rows:
        months = months_ahead(row.first_month, row.last_month, now)
        kg = row.kg_per_month * len(months)
        of = replace(streams[row.stream_id], kg=kg, least_lot_kg=row.least_lot_kg)
        found[row.id] = Lot(row.id, row.stream_id, of, months)
    return found


def months_ahead(first: Month, last: Month, now: datetime) -> tuple[Month, ...]:
    """Return the months of a window that are not past; the last one if all are."""
    begin = max(first, month_at(now))
    return tuple(begin.until(last)) or (last,)


def fits(
    session: Session,
    of: Mapping[int, Lot],
    line_ids: Collection[int] | None,
    *,
    max_km: int | None = None,
) -> dict[tuple[int, int], Fit]:
    """
    Hold each lot against each line (none: every line that may take something in): (listing, line) -> fit.

    The free room of the lines is asked about only for a single lot, since each has months of its own. Six SELECTs at
    most.
    """
    months = next(iter(of.values())).months if len(of) == 1 else ()
    return fits_with(session, of, accepting(session, line_ids, months=months), max_km=max_km)


def fits_with(
    session: Session, of: Mapping[int, Lot], lines: Mapping[int, Accepting], *, max_km: int | None = None
) -> dict[tuple[int, int], Fit]:
    """Hold each lot against lines that were read before, in each month under whichever filing counts. One SELECT."""
    return {pair: fit for pair, (fit, _) in fits_and_filings(session, of, lines, max_km=max_km).items()}


def fits_and_filings(
    session: Session, of: Mapping[int, Lot], lines: Mapping[int, Accepting], *, max_km: int | None = None
) -> dict[tuple[int, int], tuple[Fit, dict[Month, int]]]:
    """Hold lots against lines, and say under which filing (its id) each month is open, where one is needed. One SELECT."""
    filed = filings(session, {lot.stream_id for lot in of.values()})
    found = {}
    for lot in of.values():
        for line_id, line in lines.items():
            known = filed.get((lot.stream_id, line_id), []) if filing_needed(lot.offered, line) else []
            fit, by = fit_under([each.filing for each in known], partial(_check, lot, line, max_km))
            found[lot.listing_id, line_id] = fit, {month: known[place].filing_id for month, place in by.items()}
    return found


def _check(lot: Lot, line: Accepting, max_km: int | None, filing: Filing | None) -> Fit:
    return check(
        lot.offered,
        line,
        months=lot.months,
        circuity_permille=CIRCUITY_PERMILLE,
        filing=filing,
        max_km=max_km,
    )

"""From columns and options to the rules of a plan: least lots, fees, truckloads, caps, blends, permits and filings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

import numpy as np

from marketplace.domain.errors import Invalid
from marketplace.matching.planlines import Line
from marketplace.matching.planlots import Lot
from marketplace.matching.plannear import sums_by_id
from marketplace.matching.planning import Pairs
from marketplace.matching.planstanding import Standing, pinned_of
from marketplace.solver.problem import Integers
from marketplace.solver.ruling.rules import MOST_WEIGHT, Row, Rules, blend, cap, reserve


def rules_of(pairs: Pairs, standing: Standing | None = None) -> Rules | None:
    """
    Return the rules of a plan, or None where a plan without any is the same; raises Invalid if they cannot be kept.

    ``standing`` is what moves whatever else does, see `planstanding`. Each pair is one contract over all its months. A fee
    is money, so that it needs files with prices.
    """
    terms = pairs.terms
    if terms.fee_fen and not pairs.priced:
        raise Invalid("A fee for a contract needs prices: without any, cost is counted in tonne-kilometers.")
    rows = [*_caps(pairs), *_reserves(pairs), *_blends(pairs), *_permits(pairs), *_filings(pairs)]
    least = np.zeros(int(pairs.contract.max(initial=-1)) + 1, dtype=np.int64)
    np.maximum.at(least, pairs.contract, np.where(pairs.least_kg > 1, pairs.least_kg, 0))
    pinned = pinned_of(pairs, standing or {})
    if not rows and not terms.fee_fen and terms.truckload_kg == 1 and not least.any() and not pinned.any():
        return None
    return Rules.of(
        pairs.problem,
        contract=pairs.contract,
        least_kg=least,
        fee=terms.fee_fen,
        pinned_kg=pinned,
        truckload_kg=terms.truckload_kg,
        rows=rows,
    )


def _caps(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each lot with a cap and each organization that may take some of it, over all months."""
    line = pairs.problem.line
    for rows in _by_id(pairs.lots):
        most = pairs.lots[rows.start].cap_per_buyer_kg
        if most is None:
            continue
        by_buyer: dict[str, list[int]] = {}
        for arc in _arcs_of(pairs.problem.lot, rows):
            by_buyer.setdefault(pairs.lines[line[arc]].organization, []).append(arc)
        for buyer in sorted(by_buyer):
            yield cap(by_buyer[buyer], most)


def _reserves(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each lot that keeps something for small works: the others share the rest, over all months."""
    line = pairs.problem.line
    for rows in _by_id(pairs.lots):
        kept = pairs.lots[rows.start].reserved_small_kg
        others = [arc for arc in _arcs_of(pairs.problem.lot, rows) if not pairs.lines[line[arc]].small] if kept else []
        if others:
            yield reserve(others, sum(pairs.lots[place].kg for place in rows), kept)


def _by_id(rows: Sequence[Lot | Line]) -> Iterator[range]:
    """Yield the places of the rows of each id, which stand together."""
    begin = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place].id != rows[begin].id:
            yield range(begin, place)
            begin = place


def _arcs_of(lot: Integers, rows: range) -> range:
    begin, end = np.searchsorted(lot, [rows.start, rows.stop]).tolist()
    return range(begin, end)


def _permits(pairs: Pairs) -> Iterator[Row]:
    """
    Yield a row for each line and year in which more could arrive than its permit allows.

    What arrives in a year counts in it, also if it is stored and used in the next.
    """
    by_line = np.argsort(pairs.problem.line, kind="stable")
    for rows in _by_id(pairs.lines):
        most = pairs.lines[rows.start].permit_kg
        years = dict[int, list[int]]()
        for place in rows if most is not None else ():
            month = pairs.lines[place].month
            years.setdefault(month.year if month else 0, []).append(place)
        for places in years.values():
            at = np.searchsorted(pairs.problem.line[by_line], [places[0], places[-1] + 1])
            arcs = np.sort(by_line[at[0] : at[1]])
            could = sum(pairs.lines[place].kg for place in places) + pairs.lines[places[-1]].storage_kg
            if arcs.size and most is not None and could > most:
                yield cap(arcs, most)


def _filings(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each filing under which more could move than is left of it."""
    if pairs.terms.filed is None:
        return
    offered, used = sums_by_id(pairs.lots), sums_by_id(pairs.lines)
    for place in np.unique(pairs.filing[pairs.filing >= 0]).tolist():
        arcs = np.flatnonzero(pairs.filing == place)
        lots, lines = pairs.problem.lot[arcs].tolist(), pairs.problem.line[arcs].tolist()
        could = min(
            sum({pairs.lots[i].id: int(offered[i]) for i in lots}.values()),
            sum({pairs.lines[j].id: int(used[j]) for j in lines}.values()),
        )
        if could > pairs.terms.filed.filings[place].left_kg:
            yield cap(arcs, pairs.terms.filed.filings[place].left_kg)


def _blends(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each mean that a line limits from above or below."""
    by_line = np.argsort(pairs.problem.line, kind="stable")
    begins = np.searchsorted(pairs.problem.line[by_line], np.arange(len(pairs.lines) + 1)).tolist()
    for place, line in enumerate(pairs.lines):
        arcs = by_line[begins[place] : begins[place + 1]]
        for name in sorted(line.means) if arcs.size else ():
            values = [Decimal(repr(pairs.lots[i].values[name])) for i in pairs.problem.lot[arcs].tolist()]
            for limit, sign in zip(line.means[name], (-1, 1), strict=True):
                if np.isfinite(limit):
                    row = _mean(arcs, values, Decimal(repr(limit)), sign)
                    if (row.weight > 0).any():
                        yield row


def _mean(arcs: Integers, values: list[Decimal], limit: Decimal, sign: int) -> Row:
    """Return the row that keeps the mean at most (``sign`` 1) or at least (-1) the limit, in whole numbers."""
    places = max(0, *(-int(value.normalize().as_tuple().exponent) for value in (*values, limit)))
    unit = 10**places
    whole = [int(sign * value * unit) for value in values]
    bound = int(sign * limit * unit)
    if any(abs(value - bound) > MOST_WEIGHT for value in whole):
        raise Invalid("A mean cannot be kept so finely: at most six digits between a value and its limit.")
    return blend(arcs, np.array(whole, dtype=np.int64), bound)

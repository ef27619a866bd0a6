"""From columns and options to the rules of a plan: least lots, fees, truckloads, contracts that stand, caps, blends."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import numpy as np

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import kilograms, number
from marketplace.matching.planning import Pairs
from marketplace.solver.problem import Integers
from marketplace.solver.rules import MOST_WEIGHT, Row, Rules, blend, cap, reserve

_STANDING: Final = ("supply_id", "demand_id", "tonnes")


def rules_of(pairs: Pairs, standing: Mapping[tuple[str, str], int] | None = None) -> Rules | None:
    """
    Return the rules of a plan, or None where a plan without any is the same; raises Invalid if they cannot be kept.

    ``standing`` are kilograms by (supply id, demand id) that move whatever else does. Each pair is one contract. A fee
    is money, so that it needs files with prices.
    """
    terms = pairs.terms
    if terms.fee_fen and not pairs.priced:
        raise Invalid("A fee for a contract needs prices: without any, cost is counted in tonne-kilometers.")
    rows = [*_caps(pairs), *_reserves(pairs), *_blends(pairs)]
    least = np.where(pairs.least_kg > 1, pairs.least_kg, 0)
    pinned = _pinned(pairs, standing or {})
    if not rows and not terms.fee_fen and terms.truckload_kg == 1 and not least.any() and not pinned.any():
        return None
    return Rules.of(
        pairs.problem,
        least_kg=least,
        fee=terms.fee_fen,
        pinned_kg=pinned,
        truckload_kg=terms.truckload_kg,
        rows=rows,
    )


def read_standing(content: bytes, name: str) -> dict[tuple[str, str], int]:
    """Return kilograms by pair of ids from a plan, such as `match` writes; raises Invalid."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        raise Invalid("%(file)s is not CSV in UTF-8.", file=name) from None
    if rows and not set(_STANDING) <= rows[0].keys():
        raise Invalid("%(file)s needs the columns %(columns)s.", file=name, columns=", ".join(_STANDING))
    found: dict[tuple[str, str], int] = {}
    for line, row in enumerate(rows, start=2):
        supply, demand, tonnes = ((row[column] or "").strip() for column in _STANDING)
        try:
            found[supply, demand] = found.get((supply, demand), 0) + kilograms(number(tonnes))
        except Invalid as refusal:
            reason = refusal.sentence
            raise Invalid("%(file)s, line %(line)s: %(reason)s", file=name, line=line, reason=reason) from None
    return found


def _pinned(pairs: Pairs, standing: Mapping[tuple[str, str], int]) -> Integers:
    pinned = np.zeros(pairs.problem.lot.size, dtype=np.int64)
    if not standing:
        return pinned
    lots = {lot.id: place for place, lot in enumerate(pairs.lots)}
    lines = {line.id: place for place, line in enumerate(pairs.lines)}
    ends = zip(pairs.problem.lot.tolist(), pairs.problem.line.tolist(), strict=True)
    arcs = {pair: arc for arc, pair in enumerate(ends)}
    for (supply, demand), kg in standing.items():
        arc = arcs.get((lots.get(supply, -1), lines.get(demand, -1)))
        if arc is None:
            raise Invalid("“%(lot)s” and “%(line)s” stand already and are no pair any more.", lot=supply, line=demand)
        pinned[arc] = kg
    for ids, ends_, masses in (
        (pairs.lots, pairs.problem.lot, pairs.problem.supply),
        (pairs.lines, pairs.problem.line, pairs.problem.capacity),
    ):
        held = np.zeros(masses.size, dtype=np.int64)
        np.add.at(held, ends_, pinned)
        over = np.flatnonzero(held > masses)
        if over.size:
            raise Invalid("What stands already is more than “%(id)s” has.", id=ids[over[0]].id)
    return pinned


def _caps(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each lot with a cap and each organization that may take some of it."""
    lot, line = pairs.problem.lot, pairs.problem.line
    for place in [place for place, one in enumerate(pairs.lots) if one.cap_per_buyer_kg is not None]:
        most = pairs.lots[place].cap_per_buyer_kg
        assert most is not None
        by_buyer: dict[str, list[int]] = {}
        for arc in _arcs_of(lot, place):
            by_buyer.setdefault(pairs.lines[line[arc]].organization, []).append(arc)
        for buyer in sorted(by_buyer):
            yield cap(by_buyer[buyer], most)


def _reserves(pairs: Pairs) -> Iterator[Row]:
    """Yield a row for each lot that keeps something for small works: the others share the rest."""
    lot, line = pairs.problem.lot, pairs.problem.line
    for place in [place for place, one in enumerate(pairs.lots) if one.reserved_small_kg]:
        others = [arc for arc in _arcs_of(lot, place) if not pairs.lines[line[arc]].small]
        if others:
            yield reserve(others, pairs.lots[place].kg, pairs.lots[place].reserved_small_kg)


def _arcs_of(lot: Integers, place: int) -> range:
    begin, end = np.searchsorted(lot, [place, place + 1]).tolist()
    return range(begin, end)


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

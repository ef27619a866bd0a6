"""From the rows of two files to the pairs that may move something, each with its cost, and the reasons of all others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.domain.errors import Invalid
from marketplace.domain.haulage import default_tariff
from marketplace.domain.results import Objective
from marketplace.matching.planfilings import LACKS, Filed, filings_of
from marketplace.matching.planlines import Line, properties_of
from marketplace.matching.planlots import Lot
from marketplace.matching.planmonths import carry_of, refuse_mixed
from marketplace.matching.plannear import near, sums_by_id, tops
from marketplace.solver.problem import MOST_KG, Flags, Integers, Problem

NO_LINE: Final = "no_line_for_material"
NO_MONTH: Final = "no_line_in_month"
NO_RANGE: Final = "no_line_in_range"
CLOSED: Final = "closed_months"
LIMIT: Final = "limit_exceeded"
NEEDS_TEST: Final = "needs_test"
MIN_LOT: Final = "min_lot"
PART_LOAD: Final = "part_truckload"
PRICED_OUT: Final = "priced_out"
RULES: Final = "kept_by_rules"
STORE_FULL: Final = "storage_full"
FULL: Final = "capacity_full"

_BEFORE: Final = (NO_LINE, NO_MONTH, NO_RANGE, CLOSED, *LACKS)
REASONS: Final = (*_BEFORE, LIMIT, NEEDS_TEST, MIN_LOT, PART_LOAD, PRICED_OUT, RULES, STORE_FULL, FULL)
"""
Why kilograms are left over, in the order in which a pair is asked.

A lot is left for the reason that the pair which came farthest could not pass, in its month or in a later one to which
it is stored; ``capacity_full`` if it had eligible pairs. Of these ``part_truckload`` is what is over when a lot is cut into
whole trucks, and ``kept_by_rules`` what a line with room did not get for a least lot, a cap, a reserve, a mean, a permit or
a filing, or because it was not worth its fee. ``storage_full`` is what had pairs in later months alone, and no room to
wait for them.
"""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    What a plan is made under: a line's own radius stands before ``max_m``, the greatest of three least lots holds.

    Pairs move whole multiples of ``truckload_kg``, 1 for any mass. Each contract costs ``fee_fen``. Where there are ``filed``
    filings, pairs of two provinces need one; else provinces are not asked for.
    """

    max_m: int
    circuity_permille: int
    min_lot_kg: int
    objective: Objective = "utilization"
    truckload_kg: int = 1
    fee_fen: int = 0
    filed: Filed | None = None


@dataclass(frozen=True, eq=False)
class Pairs:
    """
    The eligible pairs as a problem, with the distances of each arc, and (n,) why a lot without pairs has none.

    ``outlay`` (e,) is what it costs to move a tonne: fen of freight, or meters of road where no file names a price. The
    problem's own cost is the same, or for the greatest surplus minus the pair's surplus. Lots and lines are rows: where these
    are about months an arc joins two of the same month. ``contract`` (e,) numbers the pairs of ids, from 0: the same in all
    months. ``filing`` (e,) is the place of the filing in ``terms.filed`` that opens an arc, or -1.
    """

    lots: tuple[Lot, ...]
    lines: tuple[Line, ...]
    problem: Problem
    great_circle_m: Integers
    road_m: Integers
    least_kg: Integers
    priced: bool
    reason: Integers
    outlay: Integers
    terms: Terms
    contract: Integers
    filing: Integers

    @property
    def monthly(self) -> bool:
        """Whether rows are about months."""
        return any(lot.month is not None for lot in self.lots[:1]) or any(
            line.month is not None for line in self.lines[:1]
        )


def eligible_pairs(lots: tuple[Lot, ...], lines: tuple[Line, ...], terms: Terms) -> Pairs:
    """
    Join each lot to every line that may take it, in the month of their rows if they have one.

    A pair is asked in the order of `REASONS`: material, month, great circle within the radius, closed months, a filing
    where there are any and it crosses provinces, limits (a value that a limit asks for and no one has measured is never
    allocated), least lots (neither side may be smaller than the pair's least, over all months), truckloads (nor than a
    whole one, in its month or stored), and, where both sides name a price, bid - freight >= ask. A side that names no price
    accepts any. For the greatest surplus its price counts as 0, and every pair is asked that bid - freight - ask >= 0.

    Raises Invalid if the kilograms are too many, if rows of one side alone have months, if storage costs money and nothing
    else does, or if no file names a price of which there could be a surplus.
    """
    kg, room = _masses(lots), _masses(lines)
    refuse_mixed(lots, lines)
    lot, line, meters = near(lots, lines, terms.max_m)
    reason = _before_range(lots, lines)
    least = np.full(lot.size, terms.min_lot_kg, dtype=np.int64)
    for rows, end in ((lots, lot), (lines, line)):
        least = np.maximum(least, np.array([row.min_lot_kg for row in rows], dtype=np.int64)[end])
    road_m = (meters * terms.circuity_permille + 500) // 1000
    priced = any(one.ask_fen_per_t is not None for one in lots) or any(one.bid_fen_per_t is not None for one in lines)
    outlay = _freight(road_m) if priced else road_m
    if terms.objective == "surplus" and not priced:
        raise Invalid("There is no surplus without prices: give ask_yuan_per_t or bid_yuan_per_t in one of the files.")
    cost = _loss(lots, lines, lot, line, outlay) if terms.objective == "surplus" else outlay
    short = cost > 0 if terms.objective == "surplus" else _short_of_ask(lots, lines, lot, line, outlay)

    nobody = np.zeros(lot.size, dtype=np.bool_)
    filing, lacks = filings_of(terms.filed, lots, lines, lot, line)
    over, untested = _limits(lots, lines, lot, line)
    load = terms.truckload_kg
    blocked: dict[str, Flags] = {
        CLOSED: np.array([one.closed for one in lines], dtype=np.bool_)[line],
        **lacks,
        LIMIT: over,
        NEEDS_TEST: untested,
        MIN_LOT: np.minimum(sums_by_id(lots)[lot], sums_by_id(lines)[line]) < least,
        PART_LOAD: np.minimum(tops(lots, load)[lot], tops(lines, load, backwards=True)[line]) < load,
        PRICED_OUT: short if priced else nobody,
    }
    open_ = ~nobody
    for name, barred in blocked.items():
        np.maximum.at(reason, lot[open_ & barred], REASONS.index(name))
        open_ &= ~barred
    np.maximum.at(reason, lot[open_], REASONS.index(FULL))
    monthly = any(one.month is not None for one in lots[:1])
    contract = _contracts(lots, lines, lot[open_], line[open_])
    problem = Problem.of(
        supply=kg,
        capacity=room,
        lot=lot[open_],
        line=line[open_],
        cost=cost[open_],
        objective=terms.objective,
        carry=carry_of(lots, lines, priced=priced),
        contract=contract if monthly else None,
    )
    return Pairs(
        lots=lots,
        lines=lines,
        problem=problem,
        great_circle_m=meters[open_],
        road_m=road_m[open_],
        least_kg=least[open_],
        priced=priced,
        reason=reason,
        outlay=outlay[open_],
        terms=terms,
        contract=contract,
        filing=filing[open_],
    )


def _masses(rows: Iterable[Lot] | Iterable[Line]) -> Integers:
    masses = [row.kg for row in rows]
    if sum(masses) > MOST_KG:
        raise Invalid("The tonnes of a file add up to more than nine million million. Is the unit right?")
    return np.array(masses, dtype=np.int64)


def _before_range(lots: tuple[Lot, ...], lines: tuple[Line, ...]) -> Integers:
    """Return for each lot, (n,), what its pairs have to pass once they are found: nobody takes it, or not then, or not here."""
    ever = {material for line in lines for material in line.materials}
    then = {(material, line.month) for line in lines for material in line.materials}
    names = [
        NO_RANGE if (lot.material, lot.month) in then else NO_MONTH if lot.material in ever else NO_LINE for lot in lots
    ]
    return np.array([REASONS.index(name) for name in names], dtype=np.int64)


def _contracts(lots: tuple[Lot, ...], lines: tuple[Line, ...], lot: Integers, line: Integers) -> Integers:
    """Return the number of the contract of each pair, (e,): the same two over all months have one."""
    own = [np.unique([row.id for row in rows] or [""], return_inverse=True)[1] for rows in (lots, lines)]
    key = own[0][lot] * (len(lines) + 1) + own[1][line] if lot.size else lot
    return np.asarray(np.unique(key, return_inverse=True)[1], dtype=np.int64)


def _limits(lots: tuple[Lot, ...], lines: tuple[Line, ...], lot: Integers, line: Integers) -> tuple[Flags, Flags]:
    """
    Return which pairs break a limit, and which lack a value that a limit asks for, of each lot or in the mean.

    A mean bars no pair whose value is known: what lies above it may be blended with what lies below.
    """
    over, untested = np.zeros(lot.size, dtype=np.bool_), np.zeros(lot.size, dtype=np.bool_)
    anything = (float("-inf"), float("inf"))
    for name in sorted(properties_of(lines)):
        value = np.array([one.values.get(name, np.nan) for one in lots])[lot]
        limits, means = (
            np.array([one.get(name, anything) for one in each])[line]
            for each in ([one.limits for one in lines], [one.means for one in lines])
        )
        over |= (value < limits[:, 0]) | (value > limits[:, 1])
        untested |= np.isnan(value) & (np.isfinite(limits).any(axis=1) | np.isfinite(means).any(axis=1))
    return over, untested


def _freight(road_m: Integers) -> Integers:
    """Return fen per tonne over so many meters of road, by the default tariff."""
    tariff = default_tariff()
    ways, of = np.unique(road_m, return_inverse=True)
    return np.array([tariff.freight_fen_per_t(way) for way in ways.tolist()], dtype=np.int64)[of]


def _loss(lots: tuple[Lot, ...], lines: tuple[Line, ...], lot: Integers, line: Integers, freight: Integers) -> Integers:
    """Return minus the surplus of each pair, in fen per tonne: freight + ask - bid, a price that nobody names being 0."""
    ask = np.array([one.ask_fen_per_t or 0 for one in lots], dtype=np.int64)
    bid = np.array([one.bid_fen_per_t or 0 for one in lines], dtype=np.int64)
    return freight + ask[lot] - bid[line]


def _short_of_ask(
    lots: tuple[Lot, ...], lines: tuple[Line, ...], lot: Integers, line: Integers, freight: Integers
) -> Flags:
    """Return which pairs name a price on both sides and leave the producer less than is asked."""
    asked = np.array([one.ask_fen_per_t is not None for one in lots], dtype=np.bool_)
    bidden = np.array([one.bid_fen_per_t is not None for one in lines], dtype=np.bool_)
    ask = np.array([one.ask_fen_per_t or 0 for one in lots], dtype=np.int64)
    bid = np.array([one.bid_fen_per_t or 0 for one in lines], dtype=np.int64)
    return asked[lot] & bidden[line] & (bid[line] - freight < ask[lot])

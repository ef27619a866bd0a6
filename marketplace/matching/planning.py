"""From the rows of two files to the pairs that may move something, each with its cost, and the reasons of all others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.domain.errors import Invalid
from marketplace.domain.haulage import default_tariff
from marketplace.domain.results import Objective
from marketplace.matching.planfiles import Line, Lot, properties_of
from marketplace.solver.candidates import within
from marketplace.solver.problem import MOST_KG, Flags, Integers, Problem

NO_LINE: Final = "no_line_for_material"
NO_RANGE: Final = "no_line_in_range"
LIMIT: Final = "limit_exceeded"
NEEDS_TEST: Final = "needs_test"
MIN_LOT: Final = "min_lot"
PART_LOAD: Final = "part_truckload"
PRICED_OUT: Final = "priced_out"
RULES: Final = "kept_by_rules"
FULL: Final = "capacity_full"

REASONS: Final = (NO_LINE, NO_RANGE, LIMIT, NEEDS_TEST, MIN_LOT, PART_LOAD, PRICED_OUT, RULES, FULL)
"""
Why kilograms are left over, in the order in which a pair is asked.

A lot is left for the reason that the pair which came farthest could not pass; ``capacity_full`` if it had eligible
pairs. Of these ``part_truckload`` is what is over when a lot is cut into whole trucks, and ``kept_by_rules`` what a line
with room did not get for a least lot, a cap, a reserve or a mean, or because it was not worth its fee.
"""


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    What a plan is made under: a line's own radius stands before ``max_m``, the greatest of three least lots holds.

    Pairs move whole multiples of ``truckload_kg``, 1 for any mass. Each contract costs ``fee_fen``.
    """

    max_m: int
    circuity_permille: int
    min_lot_kg: int
    objective: Objective = "utilization"
    truckload_kg: int = 1
    fee_fen: int = 0


@dataclass(frozen=True, eq=False)
class Pairs:
    """
    The eligible pairs as a problem, with the distances of each arc, and (n,) why a lot without pairs has none.

    ``outlay`` (e,) is what it costs to move a tonne: fen of freight, or meters of road where no file names a price. The
    problem's own cost is the same, or for the greatest surplus minus the pair's surplus.
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


def eligible_pairs(lots: tuple[Lot, ...], lines: tuple[Line, ...], terms: Terms) -> Pairs:
    """
    Join each lot to every line that may take it.

    A pair is asked in the order of `REASONS`: material, great circle within the radius, limits (a value that a limit
    asks for and no one has measured is never allocated), least lots (neither side may be smaller than the pair's
    least), truckloads (nor than a whole one), and, where both sides name a price, bid - freight >= ask. A side that names no price accepts any. For the
    greatest surplus its price counts as 0, and every pair is asked that bid - freight - ask >= 0.

    Raises Invalid if the kilograms are too many, or no file names a price of which there could be a surplus.
    """
    kg, room = _masses(lots), _masses(lines)
    lot, line, meters = _near(lots, lines, terms)
    reason = np.full(len(lots), REASONS.index(NO_LINE), dtype=np.int64)
    offered = {material for line_ in lines for material in line_.materials}
    reason[[i for i, one in enumerate(lots) if one.material in offered]] = REASONS.index(NO_RANGE)

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

    over, untested = _limits(lots, lines, lot, line)
    blocked = {
        LIMIT: over,
        NEEDS_TEST: untested,
        MIN_LOT: np.minimum(kg[lot], room[line]) < least,
        PART_LOAD: np.minimum(kg[lot], room[line]) < terms.truckload_kg,
        PRICED_OUT: short if priced else np.zeros(lot.size, dtype=np.bool_),
    }
    open_ = np.ones(lot.size, dtype=np.bool_)
    for name, barred in blocked.items():
        np.maximum.at(reason, lot[open_ & barred], REASONS.index(name))
        open_ &= ~barred
    np.maximum.at(reason, lot[open_], REASONS.index(FULL))
    problem = Problem.of(
        supply=kg, capacity=room, lot=lot[open_], line=line[open_], cost=cost[open_], objective=terms.objective
    )
    return Pairs(lots, lines, problem, meters[open_], road_m[open_], least[open_], priced, reason, outlay[open_], terms)


def _masses(rows: Iterable[Lot] | Iterable[Line]) -> Integers:
    masses = [row.kg for row in rows]
    if sum(masses) > MOST_KG:
        raise Invalid("The tonnes of a file add up to more than nine million million. Is the unit right?")
    return np.array(masses, dtype=np.int64)


def _near(lots: tuple[Lot, ...], lines: tuple[Line, ...], terms: Terms) -> tuple[Integers, Integers, Integers]:
    """Return the pairs of like material within the radius, sorted, with their meters of great circle."""
    radius = np.array([terms.max_m if line.max_m is None else line.max_m for line in lines], dtype=np.int64)
    lots_at = np.array([lot.point for lot in lots], dtype=np.int64).reshape(-1, 2)
    lines_at = np.array([line.point for line in lines], dtype=np.int64).reshape(-1, 2)
    found = [np.zeros((3, 0), dtype=np.int64)]
    for material in sorted({lot.material for lot in lots}):
        own = np.array([i for i, lot in enumerate(lots) if lot.material == material], dtype=np.int64)
        taking = np.array([j for j, line in enumerate(lines) if material in line.materials], dtype=np.int64)
        if taking.size:
            lot, line, meters = within(lots_at[own], lines_at[taking], radius[taking])
            found.append(np.stack([own[lot], taking[line], meters]))
    pairs = np.concatenate(found, axis=1)
    lot, line, meters = pairs[:, np.lexsort((pairs[1], pairs[0]))]
    return lot, line, meters


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

"""From a frozen round to arrays: every pair of lot and line that fits, month by month, and what it costs."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from marketplace.domain.acceptance import Reason
from marketplace.domain.filings import fit_under
from marketplace.domain.fit import Filing, Fit, check, filing_needed, in_month
from marketplace.domain.haulage import Tariff
from marketplace.domain.places import EARTH_RADIUS_M
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Snapshot, SnapshotFiling, SnapshotLine, SnapshotLot
from marketplace.domain.steps import Tell, silent
from marketplace.domain.wording import Sentence
from marketplace.matching.linenodes import LineNodes, Node
from marketplace.solver.problem import Carry, Problem

COUNTED: Final = frozenset({"solid_waste"})
"""The legal status that counts towards the rate; by-products and secondary raw material are no waste."""

_SLACK_M: Final = 5.0
"""By how much the quick distance may be wrong before the exact one decides: far above its rounding."""

Pair = tuple[int, int]
"""A listing and a line, by their ids."""

Flows: TypeAlias = Mapping[Pair, Mapping[Month, int]]
"""Kilograms by pair and month; only what is more than zero, sorted."""


@dataclass(frozen=True, eq=False)
class Assembled:
    """
    A round as a transportation problem: its nodes are listing x month and line x month, sorted.

    A line that bids less for what is beyond a quantity has a node for each of these steps, one after another, and
    ``less_fen_per_t`` (m,) is what is bid less at each node; where something may also wait in front of such a line, the last of
    its nodes in a month is that of its room, which no arc reaches but by a step. A pair is joined at a step that covers it.
    ``fits`` holds what `check` found for every pair of a counted lot and a line that takes its material and lies within
    reach, whether it fits or not; ``arcs`` is the pair and month of each arc; ``filing_of`` the filing that a pair
    needs in a month. ``refused`` are the lots that do not take part, each with its reason.
    """

    snapshot: Snapshot
    problem: Problem
    lot_nodes: tuple[Node, ...]
    line_nodes: tuple[Node, ...]
    less_fen_per_t: tuple[int, ...]
    arcs: tuple[tuple[int, int, Month], ...]
    fits: Mapping[Pair, Fit]
    filing_of: Mapping[tuple[int, int, Month], int]
    refused: Mapping[int, Reason]
    lots: Mapping[int, SnapshotLot] = field(repr=False)
    lines: Mapping[int, SnapshotLine] = field(repr=False)

    checker: Checker = field(repr=False)

    def check_pair(self, pair: Pair, months: tuple[Month, ...]) -> Fit:
        """Hold one pair against each other in these months, as the round does."""
        return self.checker.check(self.lots[pair[0]], self.lines[pair[1]], months)[0]

    def gain_fen_per_t(self, pair: Pair) -> int:
        """Return what a tonne between the two brings at the first price, by the round's objective: minus what it costs."""
        return -_cost(self.snapshot, self.lots[pair[0]], self.fits[pair])

    def spare_fen_per_t(self, pair: Pair) -> int:
        """Return by how much the first price covers more than reserve, freight and deductions; 0 without prices."""
        return spare(self.snapshot, self.lots[pair[0]], self.fits[pair])


def assemble(snapshot: Snapshot, tell: Tell = silent) -> Assembled:
    """
    Join every lot to every line that fits it in a month, in fen per tonne at freight plus deductions, or for the greatest
    surplus at minus the pair's surplus.

    No pair is left out for being dear or far as long as it lies within the radii: a shortlist loses tonnes.
    """
    refused = {lot.listing_id: _not_counted(lot) for lot in snapshot.lots if lot.offered.legal_status not in COUNTED}
    checker, fits, filing_of = Checker(snapshot), dict[Pair, Fit](), dict[tuple[int, int, Month], int]()
    for lot, line in within_reach(snapshot, refused, tell):
        months = lot.sends
        if not months:
            continue
        pair = (lot.listing_id, line.line_id)
        fits[pair], filings = checker.check(lot, line, months)
        filing_of.update(((*pair, month), filing_id) for month, filing_id in filings.items())
    return joined(checker, fits, filing_of, refused)


def joined(
    checker: Checker,
    fits: Mapping[Pair, Fit],
    filing_of: Mapping[tuple[int, int, Month], int],
    refused: Mapping[int, Reason],
) -> Assembled:
    """Return the round of a checker's snapshot, in which these pairs were held against each other and no others."""
    snapshot = checker.snapshot
    lots = {lot.listing_id: lot for lot in snapshot.lots}
    lines = {line.line_id: line for line in snapshot.lines}
    lot_nodes = tuple(
        (lot.listing_id, month) for lot in snapshot.lots if lot.listing_id not in refused for month in lot.sends
    )
    nodes = LineNodes(snapshot)
    lot_at = {node: place for place, node in enumerate(lot_nodes)}
    found: list[tuple[int, int, int, int, int, Month]] = []
    for pair, fit in fits.items():
        if fit.verdict != "meets":
            continue
        lot = lots[pair[0]]
        cost, most = _cost(snapshot, lot, fit), spare(snapshot, lot, fit)
        for month in fit.months:
            for to in nodes.entries.get((pair[1], month), ()):
                if nodes.less[to] <= most:
                    dearer = nodes.less[to] if snapshot.objective == "surplus" else 0
                    found.append((lot_at[pair[0], month], to, cost + dearer, *pair, month))
    found.sort(key=lambda arc: arc[:2])
    arcs = tuple((arc[3], arc[4], arc[5]) for arc in found)
    contracts: dict[Pair, int] = {}
    kg_of_lot = {(lot.listing_id, month): kg for lot in snapshot.lots for month, kg in lot.months}
    problem = Problem.of(
        supply=_whole([kg_of_lot.get(node, 0) for node in lot_nodes]),
        capacity=_whole(nodes.capacity),
        lot=_whole([arc[0] for arc in found]),
        line=_whole([arc[1] for arc in found]),
        cost=_whole([arc[2] for arc in found]),
        objective=snapshot.objective,
        carry=_carry(lots, lines, lot_at, nodes),
        contract=_whole([contracts.setdefault(arc[:2], len(contracts)) for arc in arcs]),
    )
    return Assembled(
        snapshot=snapshot,
        problem=problem,
        lot_nodes=lot_nodes,
        line_nodes=tuple(nodes.nodes),
        less_fen_per_t=tuple(nodes.less),
        arcs=arcs,
        fits=fits,
        filing_of={arc: filing_of[arc] for arc in arcs if arc in filing_of},
        refused=refused,
        lots=lots,
        lines=lines,
        checker=checker,
    )


def _carry(
    lots: Mapping[int, SnapshotLot], lines: Mapping[int, SnapshotLine], lot_at: Mapping[Node, int], nodes: LineNodes
) -> Carry:
    """
    Join each month of a listing or a line to the next one, where something may wait: lots first, as nodes are numbered.

    So are the steps of a line joined to its room, where that is a node of its own.
    """
    found: list[tuple[int, int, int, int]] = []
    for at, first, owners in ((lot_at, 0, lots), (nodes.room_at, len(lot_at), lines)):
        for (own, month), place in at.items():
            owner = owners[own]
            most = dict(owner.storage_kg).get(month, 0) if owner.storage_kg else 0
            later = at.get((own, month.plus(1))) if most else None
            if later is not None:
                found.append((first + place, first + later, most, owner.storage_fen_per_t))
    found += [(len(lot_at) + step, len(lot_at) + room, most, 0) for step, room, most in nodes.into_room]
    tail, head, most_kg, cost = zip(*sorted(found), strict=True) if found else ((), (), (), ())
    return Carry.of(tail=tail, head=head, most_kg=most_kg, cost=cost)


def least_price(snapshot: Snapshot, lot: SnapshotLot) -> int:
    """
    Return the least price at the gate, in fen per tonne, at which the producer nets its reserve: less the subsidy.

    Raises ValueError without a reserve.
    """
    if lot.offered.reserve_fen_per_t is None:
        raise ValueError(f"listing {lot.listing_id} has no reserve")
    return lot.offered.reserve_fen_per_t - snapshot.subsidy_fen_per_t


def _cost(snapshot: Snapshot, lot: SnapshotLot, fit: Fit) -> int:
    if snapshot.objective == "utilization" or fit.net_fen_per_t is None:
        return fit.haul.freight_fen_per_t + fit.deduction_fen_per_t
    return least_price(snapshot, lot) - fit.net_fen_per_t


def spare(snapshot: Snapshot, lot: SnapshotLot, fit: Fit) -> int:
    """Return by how much a line's first price covers more than reserve, freight and deductions; 0 without prices."""
    if fit.net_fen_per_t is None or lot.offered.reserve_fen_per_t is None or snapshot.kind == "planning":
        return 0
    return max(0, fit.net_fen_per_t - least_price(snapshot, lot))


def _whole(values: list[int]) -> npt.NDArray[np.int64]:
    return np.array(values, dtype=np.int64)


def _not_counted(lot: SnapshotLot) -> Reason:
    return Reason(
        "not_counted",
        Sentence(
            "Declared as %(offered_legal_status)s: it does not count towards the utilization rate, which this round raises.",
            {"offered_legal_status": lot.offered.legal_status},
        ),
    )


def within_reach(
    snapshot: Snapshot, refused: Collection[int] = (), tell: Tell = silent
) -> Iterator[tuple[SnapshotLot, SnapshotLine]]:
    """Yield the pairs that agree on the material and lie within both radii, or just beyond: the check is exact."""
    takers: dict[str, list[SnapshotLine]] = {}
    for line in snapshot.lines:
        for material in line.accepting.materials:
            takers.setdefault(material, []).append(line)
    places = {material: _Places(lines, snapshot.max_km * 1000) for material, lines in takers.items()}
    for done, lot in enumerate(snapshot.lots):
        tell("joining", done, len(snapshot.lots))
        material = lot.offered.material
        if lot.listing_id in refused or material not in takers:
            continue
        for place in places[material].reached_from(lot):
            yield lot, takers[material][place]


class _Places:
    """Where the lines of one material lie, for all distances from a lot at once."""

    def __init__(self, lines: list[SnapshotLine], most_m: int) -> None:
        points = [line.accepting.point for line in lines]
        self.lat = np.radians(np.array([point.lat for point in points]))
        self.lon = np.radians(np.array([point.lon for point in points]))
        radii = [line.accepting.radius_m for line in lines]
        self.reach = np.array([most_m if radius is None else min(radius, most_m) for radius in radii], dtype=np.float64)

    def distances_m(self, lot: SnapshotLot) -> npt.NDArray[np.float64]:
        """Return the great circle from the lot to each line; the formula of `marketplace.domain.places`."""
        lat, lon = np.radians(lot.offered.point.lat), np.radians(lot.offered.point.lon)
        haversine = (
            np.sin((self.lat - lat) / 2) ** 2 + np.cos(lat) * np.cos(self.lat) * np.sin((self.lon - lon) / 2) ** 2
        )
        meters: npt.NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, haversine)))
        return meters

    def reached_from(self, lot: SnapshotLot) -> list[int]:
        reached: list[int] = np.flatnonzero(self.distances_m(lot) <= self.reach + _SLACK_M).tolist()
        return reached


class Checker:
    """`check` with what a round fixes: radius, circuity, tariffs, filings, prices and what was declined."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.snapshot = snapshot
        self.tariffs: dict[str, Tariff] = dict(snapshot.tariffs)
        self.declined = frozenset(snapshot.declined)
        self.filings: dict[tuple[int, int, str], list[SnapshotFiling]] = {}
        for filing in snapshot.filings:
            self.filings.setdefault((filing.producer_id, filing.recycler_id, filing.waste_code), []).append(filing)
        self.crossing: dict[Pair, bool] = {}

    def needs_filing(self, lot: SnapshotLot, line: SnapshotLine) -> bool:
        """Return whether solid waste would leave its province between the two; found once."""
        pair = (lot.listing_id, line.line_id)
        if pair not in self.crossing:
            self.crossing[pair] = filing_needed(lot.offered, line.accepting)
        return self.crossing[pair]

    def known_filings(self, lot: SnapshotLot, line: SnapshotLine) -> tuple[SnapshotFiling, ...]:
        """Return the filings from this producer to this recycler for this waste, by id."""
        offered = lot.offered
        parties = (offered.organization_id, line.accepting.organization_id, offered.waste_code)
        known = self.filings.get(parties, ())
        return tuple(filing for filing in known if filing.covers(lot.listing_id, line.line_id))

    def check(self, lot: SnapshotLot, line: SnapshotLine, months: tuple[Month, ...]) -> tuple[Fit, dict[Month, int]]:
        """Return the fit in these months, and the id of the filing by which each open month is open."""
        offered, accepting = lot.offered, line.accepting
        known = self.known_filings(lot, line) if self.needs_filing(lot, line) else ()

        def under(filing: Filing | None) -> Fit:
            return check(
                offered,
                accepting,
                months=months,
                circuity_permille=self.snapshot.circuity_permille,
                filing=filing,
                max_km=self.snapshot.max_km,
                with_prices=self.snapshot.kind == "market",
                declined=(lot.listing_id, line.line_id) in self.declined,
                tariff=self.tariffs.get(offered.material),
                subsidy_fen_per_t=self.snapshot.subsidy_fen_per_t,
            )

        fit, by = fit_under([each.filing for each in known], under)
        return fit, {month: known[place].filing_id for month, place in by.items()}

    def in_month(self, fit: Fit, lot: SnapshotLot, line: SnapshotLine, month: Month) -> Fit:
        """Return the fit in this month alone, from the fit of the same pair in others."""
        known = self.known_filings(lot, line) if self.needs_filing(lot, line) else ()
        return fit_under(
            [each.filing for each in known], lambda filing: in_month(fit, lot.offered, line.accepting, month, filing)
        )[0]

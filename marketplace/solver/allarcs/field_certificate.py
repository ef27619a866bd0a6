"""
Is this plan over a field right? Asked by code that shares nothing with what found it: every arc is made again.

The arcs come from SciPy's k-d trees [1]_, batch by batch, and each is held against the prices in whole numbers. Nothing
is believed but the kilograms, the prices and the cut, and any of these would do: weak duality holds for all, the right ones only
make it tight.

References
----------
.. [1] S. Maneewongvatana and D. M. Mount (1999), Analysis of approximate nearest neighbor searching with clustered point
   sets, :arxiv:`cs/9901013`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import mul
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from marketplace.solver.allarcs.field import Field
from marketplace.solver.problem import Allocation, Objective

_Whole = npt.NDArray[np.int64]
_Real = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]

_RADIUS_M: Final = 6_371_008.8
_LOTS: Final = 256
"""Neighboring lots whose arcs are made at once."""

_CLASSES: Final = 4
"""Lines of a material are looked up by reach, so many trees, since a search goes as far as the farthest of its lines."""

_DOUBT_M: Final = 1e-3
"""How near to half a meter a distance is asked again by the haversine, which is what counts."""


@dataclass(frozen=True)
class FieldCertificate:
    """
    What is proved of a plan over all ``arcs`` of a field that a lot with anything to ship has.

    ``moved_kg`` moves and no plan could move more than ``most_kg``; the plan costs ``cost``, and every plan of as many
    tonnes (for ``surplus`` every plan) ``bound`` at least, thousandths; None if an arc breaks the prices or the cut.
    """

    feasible: bool
    tonnes_maximal: bool
    bound: int | None
    violations: tuple[str, ...]
    moved_kg: int
    most_kg: int
    cost: int
    arcs: int

    @property
    def gap(self) -> int | None:
        """What the plan may cost more than the best, thousandths."""
        return None if self.bound is None else self.cost - self.bound

    @property
    def valid(self) -> bool:
        """Whether the plan is proved to be the best."""
        return self.feasible and self.tonnes_maximal and self.gap == 0 and not self.violations


def certify_field(
    field: Field, lot: _Whole, line: _Whole, allocation: Allocation, objective: Objective = "utilization"
) -> FieldCertificate:
    """Return what is proved of an allocation along the arcs from ``lot`` (k,) to ``line`` (k,) of a field."""
    kg, u, v = allocation.kg, allocation.lot_price, allocation.line_price
    most_first = objective == "utilization"
    cut_lots, cut_lines = allocation.short_lots, allocation.short_lines
    out, into = np.zeros_like(field.supply), np.zeros_like(field.capacity)
    np.add.at(out, lot, kg)
    np.add.at(into, line, kg)
    meters = _haversine_m(field.lots_at[lot], field.lines_at[line])
    said = [*_infeasible(field, lot, line, kg, out, into, meters)]
    feasible = not said
    cost = _dot(kg, _cost(field, lot, line, np.minimum(meters, field.freight.size - 1))) if feasible else 0

    arcs = leaving = dear = 0
    for some_lots, some_lines, some_meters in every_arc(field):
        arcs += some_lots.size
        reduced = _cost(field, some_lots, some_lines, some_meters) - u[some_lots] - v[some_lines]
        if most_first:
            here, there = cut_lots[some_lots], cut_lines[some_lines]
            leaving += int(np.count_nonzero(here & ~there))
            reduced[here != there] = 0
        dear += int(np.count_nonzero(reduced < 0))
    if leaving:
        said.append(f"{leaving} arcs lead out of the cut")
    if dear:
        said.append(f"{dear} arcs cost less than their prices")
    some = field.supply > 0
    free_lots, full_lines = (~cut_lots, cut_lines) if most_first else (np.zeros_like(some), np.zeros_like(cut_lines))
    if np.any(some & ~free_lots & (u > 0)) or np.any(~full_lines & (v > 0)):
        said.append("a price is above zero where nothing has to be moved")

    moved = int(kg.sum())
    most = int(field.supply[~cut_lots].sum()) + int(field.capacity[cut_lines].sum()) if most_first else moved
    if most_first and moved != most:
        said.append(f"{moved} kg move, and the cut would let {most} kg pass")
    return FieldCertificate(
        feasible=feasible,
        tonnes_maximal=feasible and most_first and not leaving and moved == most,
        bound=_dot(field.supply, u) + _dot(field.capacity, v) if not said else None,
        violations=tuple(said),
        moved_kg=moved,
        most_kg=most,
        cost=cost,
        arcs=arcs,
    )


def every_arc(field: Field) -> Iterator[tuple[_Whole, _Whole, _Whole]]:
    """Yield lot, line and meters of every arc of a lot that has anything, each once, by batches of neighboring lots."""
    here, there = _unit(field.lots_at), _unit(field.lines_at)
    across = 2 * np.sin(np.minimum((field.radius_m + 1) / (2 * _RADIUS_M), np.pi / 2))
    for kind in range(field.takes.shape[1]):
        lots = np.flatnonzero((field.material == kind) & (field.supply > 0))
        lines = np.flatnonzero(field.takes[:, kind] & (field.radius_m >= 0))
        if not lots.size or not lines.size:
            continue
        lines = lines[np.argsort(field.radius_m[lines], kind="stable")]
        classes = [each for each in np.array_split(lines, _CLASSES) if each.size]
        trees = [cKDTree(there[each]) for each in classes]
        neighbors = lots[cKDTree(here[lots]).indices]
        for begin in range(0, lots.size, _LOTS):
            batch = neighbors[begin : begin + _LOTS]
            own = cKDTree(here[batch])
            for each, tree in zip(classes, trees, strict=True):
                pairs = own.sparse_distance_matrix(tree, float(across[each].max()), output_type="ndarray")
                lot, line, chord = batch[pairs["i"]], each[pairs["j"]], pairs["v"]
                near = np.flatnonzero(chord <= across[line])
                yield _reached(field, lot[near], line[near], chord[near])


def _reached(field: Field, lot: _Whole, line: _Whole, chord: _Real) -> tuple[_Whole, _Whole, _Whole]:
    """Return which pairs are arcs, with their meters."""
    fit = np.flatnonzero((field.values[lot] <= field.limits[line]).all(axis=1))
    lot, line, chord = lot[fit], line[fit], chord[fit]
    exact = 2 * _RADIUS_M * np.arcsin(np.minimum(1.0, chord / 2))
    meters = np.rint(exact).astype(np.int64)
    doubt = np.flatnonzero((np.abs(exact - meters) > 0.5 - _DOUBT_M) | (exact < 50) | (exact > 8e6))
    meters[doubt] = _haversine_m(field.lots_at[lot[doubt]], field.lines_at[line[doubt]])
    near = np.flatnonzero(meters <= field.radius_m[line])
    return lot[near], line[near], meters[near]


def _infeasible(
    field: Field, lot: _Whole, line: _Whole, kg: _Whole, out: _Whole, into: _Whole, meters: _Whole
) -> Iterator[str]:
    if np.unique(lot * max(1, field.capacity.size) + line).size != lot.size:
        yield "an arc stands twice"
    fit: _Flags = field.takes[line, field.material[lot]] & (meters <= field.radius_m[line])
    if not np.all(fit & (field.values[lot] <= field.limits[line]).all(axis=1)):
        yield "something moves where there is no arc"
    if np.any(kg < 0):
        yield "less than nothing moves"
    for i in np.flatnonzero(out > field.supply)[:3].tolist():
        yield f"lot {i} ships {out[i]} kg of {field.supply[i]}"
    for j in np.flatnonzero(into > field.capacity)[:3].tolist():
        yield f"line {j} takes {into[j]} kg in a room of {field.capacity[j]}"


def _cost(field: Field, lot: _Whole, line: _Whole, meters: _Whole) -> _Whole:
    cost: _Whole = field.freight[meters] + field.lot_cost[lot] + field.line_cost[line]
    return cost


def _unit(points: _Whole) -> _Real:
    lat, lon = np.radians(points / 1e6).T
    return np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])


def _haversine_m(a: _Whole, b: _Whole) -> _Whole:
    (lat_a, lon_a), (lat_b, lon_b) = np.radians(a / 1e6).T, np.radians(b / 1e6).T
    half = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    meters: _Whole = np.rint(2 * _RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, half)))).astype(np.int64)
    return meters


def _dot(kg: _Whole, rate: _Whole) -> int:
    """Return the exact sum of products; no overflow at any size."""
    used = np.flatnonzero(kg)
    return sum(map(mul, kg[used].tolist(), rate[used].tolist()))

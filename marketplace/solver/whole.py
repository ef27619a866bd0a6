"""Two more ways to the same answer, for problems small enough: unit by unit, and by branch and bound. Checks on the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from marketplace.solver import assignment, milp, transport
from marketplace.solver.answer.finish import finish
from marketplace.solver.graph import Graph
from marketplace.solver.problem import Allocation, Integers, Problem, SolverFailed
from marketplace.solver.ruling.reduction import reduced
from marketplace.solver.ruling.rules import Rules
from marketplace.solver.spread import Spread

if TYPE_CHECKING:
    from marketplace.solver.engines import Progress

MOST_PAIRS: Final = 2_000_000
"""Pairs of units up to which a problem is cut into units: some hundred megabytes."""

NODES: Final = 10_000
"""Nodes of branch and bound; a plain problem needs one, since its vertices are whole."""


def by_assignment(problem: Problem, *, progress: Progress | None = None, spread: Spread | None = None) -> Allocation:
    """
    Cut every lot and line into units of the greatest mass that divides all of them, and join the units one to one.

    For whole truckloads and whole listings, whose units are few. Raises SolverFailed for storage, for ``surplus``, and if there would be
    more than `MOST_PAIRS` pairs of units.
    """
    del spread  # one matrix, one core
    if problem.carry.tail.size or problem.objective != "utilization":
        raise SolverFailed("units are joined one to one only for the most tonnes, and without storage")
    masses = np.concatenate([problem.supply, problem.capacity])
    unit = max(1, int(np.gcd.reduce(masses))) if masses.size else 1
    pairs = sum(
        a * b
        for a, b in zip(
            (problem.supply // unit)[problem.lot].tolist(),
            (problem.capacity // unit)[problem.line].tolist(),
            strict=True,
        )
    )
    if pairs > MOST_PAIRS:
        raise SolverFailed(f"in units of {unit} kg there would be {pairs} pairs to assign; {MOST_PAIRS} are the most")
    return _finished(problem, assignment.whole_trucks(problem, unit), progress)


def by_search(problem: Problem, *, progress: Progress | None = None, spread: Spread | None = None) -> Allocation:
    """
    Solve by SciPy's mixed-integer solver: the most kilograms, then the least cost of as many.

    Raises SolverFailed if it ends without the proved best, such as where its tolerance is above a kilogram.
    """
    del spread  # branch and bound of HiGHS is on one core
    if not problem.lot.size:
        return _finished(problem, np.zeros(problem.carry.tail.size, dtype=np.int64), progress)
    found = milp.search(reduced(problem, Rules.none(problem)), nodes=NODES)
    if found is None:
        raise SolverFailed("branch and bound found no plan")
    return _finished(problem, np.concatenate([found.loads, found.kept]), progress)


def _finished(problem: Problem, kg: Integers, progress: Progress | None) -> Allocation:
    allocation = finish(problem, Graph.of(problem), kg, transport.cheapest)
    if progress is not None:
        progress(problem.lot.size, problem.lot.size)
    return allocation

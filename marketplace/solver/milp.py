"""Whole choices by branch and bound of HiGHS: exact where it ends, under a limit of nodes, never of seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, vstack

from marketplace.solver.problem import Flags, Integers
from marketplace.solver.ruling.linear import Linear, Reals
from marketplace.solver.ruling.reduction import Model

_WHOLE_LOADS: Final = 10_000
"""Up to so many loads at a node each arc is an integer variable where rows are; beyond, only contracts are."""

_SLACK: Final = 1e-6


@dataclass(frozen=True, eq=False)
class Searched:
    """
    What branch and bound ends with: the contracts ``opened`` (k,), the ``loads`` (e,) and ``kept`` (s,), rounded.

    ``most_loads`` is what no plan exceeds, and ``least_cost``, thousandths, what none that moves as much falls below, as
    far as the search was driven; None where it brought nothing. ``nodes`` is how many it looked at.
    """

    opened: Flags
    loads: Integers
    kept: Integers
    most_loads: int | None
    least_cost: int | None
    nodes: int


def search(model: Model, *, nodes: int, at_least: int | None = None) -> Searched | None:
    """
    Look for the most loads, then for the least cost (with fees) of as many; for `surplus` for the least cost alone.

    Each stage looks at ``nodes`` nodes at most. With ``at_least``, a plan of so many loads is known, and the second stage
    is run only if the first finds more. None if no plan was found.
    """
    program = _Program(model, nodes)
    first: _Run | None = None
    most: int | None = None
    moved: int | None = None
    if not model.surplus:
        first = program.run(program.objective_of_loads(), None)
        if first.x is None:
            return None
        moved = int(np.rint(first.x[: model.lot.size].sum() * program.unit))
        most = None if first.bound is None else int(np.floor(-first.bound * program.unit + _SLACK))
        if at_least is not None and moved <= at_least:
            return program.found(first, most, None)
    second = program.run(program.objective_of_cost(), moved)
    if second.x is not None:
        return program.found(second, most, second.bound)
    return None if first is None else program.found(first, most, second.bound)


@dataclass(frozen=True, eq=False)
class _Run:
    x: Reals | None
    bound: float | None


class _Program:
    """One matrix for both stages: arcs, storage, then a choice of 0 or 1 for each contract that needs one."""

    def __init__(self, model: Model, nodes: int) -> None:
        self.model = model
        self.nodes = nodes
        self.looked_at = 0
        linear = Linear(model)
        self.unit = linear.unit
        self.chosen = np.flatnonzero(((model.least > 1) | (model.fee > 0)) & ~model.due)
        e, s, z = model.lot.size, model.tail.size, self.chosen.size
        self.size = e + s + z
        choice = np.full(model.least.size, -1)
        choice[self.chosen] = np.arange(z)
        of_arc = choice[model.contract]
        arcs = np.flatnonzero(of_arc >= 0)
        at = np.arange(arcs.size)
        upper = coo_array(
            (
                np.concatenate([np.ones(arcs.size), -model.most[arcs] / self.unit]),
                (np.concatenate([at, at]), np.concatenate([arcs, e + s + of_arc[arcs]])),
            ),
            shape=(arcs.size, self.size),
        )
        least = model.least[self.chosen] / self.unit
        lower = coo_array(
            (
                np.concatenate([-np.ones(arcs.size), least]),
                (np.concatenate([of_arc[arcs], np.arange(z)]), np.concatenate([arcs, e + s + np.arange(z)])),
            ),
            shape=(z, self.size),
        )
        nodes_and_rows = csr_array(
            (linear.matrix.data, linear.matrix.indices, linear.matrix.indptr), shape=(linear.matrix.shape[0], self.size)
        )
        self.matrix = csr_array(vstack([nodes_and_rows, upper, lower]).tocsr())
        self.sides = np.concatenate([linear.sides, np.zeros(arcs.size + z)])
        self.bounds = Bounds(
            np.zeros(self.size), np.concatenate([model.most / self.unit, model.keep / self.unit, np.ones(z)])
        )
        mass = max(int(model.most.max(initial=0)), int(model.keep.max(initial=0)))
        whole = bool(model.limit.size) and mass <= _WHOLE_LOADS
        self.integrality = np.concatenate([np.full(e, int(whole)), np.zeros(s), np.ones(z)])

    def objective_of_loads(self) -> Reals:
        """Return the first stage: every load counts one."""
        model = self.model
        return np.concatenate([np.full(model.lot.size, -1.0), np.zeros(self.size - model.lot.size)])

    def objective_of_cost(self) -> Reals:
        """Return the second stage: cost per tonne, and fees in the same unit."""
        model = self.model
        fees = model.fee[self.chosen] / (model.load * self.unit)
        return np.concatenate([model.cost.astype(float), model.keep_cost.astype(float), fees])

    def found(self, run: _Run, most: int | None, bound: float | None) -> Searched:
        """Return what a run found, rounded, with both bounds; what the tolerance may have added is taken off."""
        model = self.model
        assert run.x is not None
        e, s = model.lot.size, model.tail.size
        loads = np.rint(run.x[:e] * self.unit).astype(np.int64)
        kept = np.rint(run.x[e : e + s] * self.unit).astype(np.int64)
        value = None if bound is None else bound * self.unit * model.load
        least = None if value is None else int(np.ceil(value - max(0.5, abs(value) * 1e-9)))
        return Searched(model.held(loads) > 0, loads, kept, most, least, self.looked_at)

    def run(self, objective: Reals, moved: int | None) -> _Run:
        """Branch and bound for one objective, among plans that move so many loads at least."""
        constraints = [LinearConstraint(self.matrix, -np.inf, self.sides)]
        if moved is not None:
            one = np.concatenate([np.ones(self.model.lot.size), np.zeros(self.size - self.model.lot.size)])
            constraints.append(LinearConstraint(csr_array(one[None, :]), moved / self.unit, np.inf))
        found = milp(
            objective,
            integrality=self.integrality,
            bounds=self.bounds,
            constraints=constraints,
            options={"node_limit": self.nodes, "mip_rel_gap": 0.0},
        )
        self.looked_at += int(found.get("mip_node_count") or 0)
        bound = found.get("mip_dual_bound")
        return _Run(found.x, float(bound) if bound is not None and np.isfinite(bound) else None)

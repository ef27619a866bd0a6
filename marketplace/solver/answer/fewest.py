"""Of plans of equal tonnes and equal cost one with fewer contracts, where that can be proved in a moment."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import coo_array, csr_array, hstack

from marketplace.solver.components import Part, joined, pieces
from marketplace.solver.graph import Face
from marketplace.solver.problem import Flags, Integers
from marketplace.solver.rows import Rows, rows_of

MOST_CONTRACTS: Final = 40
"""Contracts of a tied part up to which the fewest are looked for; larger parts keep their vertex."""

MOST_ARCS: Final = 480
"""Arcs of a tied part up to which the fewest contracts are looked for: a year of `MOST_CONTRACTS`."""

MOST_ARCS_STORED: Final = 12
"""The same where something is stored: no end of a pair bounds what it carries there, and the search is long."""

MOST_PARTS: Final = 100
"""Tied parts that are asked, the largest first, so that a market where everything is tied is not held up."""

_NODES: Final = 200
"""Nodes of branch and bound for one part: a limit that is the same on every machine, unlike seconds."""

_UNIT: Final = 20

Reals: TypeAlias = npt.NDArray[Any]


def fewer(face: Face, kg: Integers, contract: Integers, stands: Flags) -> Integers:
    """
    Return kilograms on the face, (e,), under as few contracts as can be, where the arcs of the face are all tied.

    ``contract`` (pairs,) is which contract each pair of the face is of, and ``stands`` (pairs,) whether that contract is made
    anyway, for what it moves elsewhere. The fewest pairs that carry a flow are a hard problem (it holds the partition of a set
    of numbers [1]_), so each part, connected by arcs or by a contract that may be made or not, is a mixed-integer program of its
    own, with a limit of nodes; a part that is large, or not proved within the limit, keeps what it has. Of as many contracts
    those are made whose numbers from one have roots that add up to least, so that the first and the last stand before two
    between. The result depends on what is given alone.

    References
    ----------
    .. [1] G. M. Guisewite and P. M. Pardalos (1990), :doi:`10.1007/BF02283688`.
    """
    found = kg.copy()
    tied = [tie for tie in _ties(face, contract, stands) if tie.is_small]
    for tie in tied[:MOST_PARTS]:
        better = _fewest(face, tie, kg[tie.part.arcs])
        if better is not None:
            found[tie.part.arcs] = better
    return found


@dataclass(frozen=True, eq=False)
class _Tie:
    """A tied part, and ``made`` (its pairs,): which contract each is of, from 0 to ``most`` - 1, or -1 if that stands anyway."""

    part: Part
    made: Integers
    most: int

    @property
    def is_small(self) -> bool:
        """Whether it is small enough to be asked."""
        most_arcs = MOST_ARCS if self.part.arcs.size == self.made.size else MOST_ARCS_STORED
        return self.most <= MOST_CONTRACTS and self.part.arcs.size <= most_arcs

    def used(self, kg: Integers) -> int:
        """Return how many contracts a plan of the part makes that do not stand anyway."""
        made = self.made[kg[: self.made.size] > 0]
        return np.unique(made[made >= 0]).size


def _ties(face: Face, contract: Integers, stands: Flags) -> Iterator[_Tie]:
    """Yield the tied parts, those with most arcs first."""
    pairs = face.graph.pairs
    key = np.where(stands, -1, contract)
    for part in joined(list(pieces(face.graph)), np.append(key, np.full(face.graph.tail.size - pairs, -1))):
        own = key[part.arcs[part.arcs < pairs]]
        numbers = np.unique(own[own >= 0])
        yield _Tie(part, np.where(own < 0, -1, np.searchsorted(numbers, own)), numbers.size)


def _fewest(face: Face, tie: _Tie, kg: Integers) -> Integers | None:
    """Return a plan of the part with the fewest contracts; None if there is none with fewer, or none is proved."""
    used = tie.used(kg)
    if used <= _at_least(face, tie):
        return None
    of = rows_of(face, tie.part)
    unit = 2.0 ** max(0, int(np.abs(of.mass).max(initial=0)).bit_length() - _UNIT)
    arcs = tie.part.arcs.size
    most = np.append(_most(face, tie, of), of.most) / unit
    flow = hstack([of.rows, csr_array((of.mass.size, tie.most))])
    asked = np.flatnonzero(tie.made >= 0)
    row = np.arange(asked.size)
    held = coo_array(
        (
            np.append(np.ones(asked.size), -most[asked]),
            (np.append(row, row), np.append(asked, arcs + tie.made[asked])),
        ),
        shape=(asked.size, arcs + tie.most),
    )
    low = np.where(of.exact, of.mass, of.least).astype(np.float64) / unit
    rules = [LinearConstraint(flow, low, of.mass / unit), LinearConstraint(held.tocsr(), -np.inf, 0)]
    bounds = Bounds(0, np.append(most, np.ones(tie.most)))
    made = np.append(np.zeros(arcs), np.ones(tie.most))

    def least(cost: Reals, *more: LinearConstraint) -> Integers | None:
        options = {"node_limit": _NODES, "mip_rel_gap": 0}
        found = milp(cost, integrality=made, bounds=bounds, constraints=[*rules, *more], options=options)
        if found.status != 0 or found.x is None:
            return None
        plan: Integers = np.rint(found.x[:arcs] * unit).astype(np.int64)
        return plan if _keeps(of, plan) and tie.used(plan) < used else None

    better = least(made)
    if better is None:
        return None
    later = np.append(np.zeros(arcs), np.sqrt(np.arange(1, tie.most + 1)))
    return least(later, LinearConstraint(made[None, :], 0, tie.used(better)))


def _most(face: Face, tie: _Tie, of: Rows) -> Integers:
    """Return what each pair of the part can carry at most, (its pairs,): as little as its ends allow, where nothing is stored."""
    pairs = tie.part.arcs[: tie.made.size]
    if of.most.size:
        return np.full(pairs.size, np.abs(of.mass).max(initial=0))
    graph = face.graph
    most: Integers = np.minimum(face.supply[graph.tail[pairs]], face.capacity[graph.head[pairs] - graph.n])
    return most


def _keeps(of: Rows, kg: Integers) -> bool:
    """Return whether the rounded plan keeps every row to the kilogram."""
    moved = np.rint(of.rows @ kg.astype(np.float64)).astype(np.int64)
    whole = bool(kg.min(initial=0) >= 0 and np.all(kg[kg.size - of.most.size :] <= of.most))
    met = np.all(moved <= of.mass) and np.all(moved[of.exact] == of.mass[of.exact]) and np.all(moved >= of.least)
    return whole and bool(met)


def _at_least(face: Face, tie: _Tie) -> int:
    """Return how many contracts there are at least: of the lots that must ship, or lines that must be filled, those that share none."""
    graph = face.graph
    if graph.most_kg.size:
        return 0
    mass = np.append(face.supply, face.capacity)
    must = ~face.loose & (mass > 0)
    most = 0
    for end in (graph.tail[tie.part.arcs], graph.head[tie.part.arcs]):
        order = np.argsort(end, kind="stable")
        begins = np.flatnonzero(np.diff(end[order], prepend=-1))
        seen: set[int] = set()
        count = 0
        for node, made in zip(end[order][begins].tolist(), np.split(tie.made[order], begins[1:]), strict=True):
            own = set(made.tolist())
            if must[node] and -1 not in own and not own & seen:
                seen |= own
                count += 1
        most = max(most, count)
    return most

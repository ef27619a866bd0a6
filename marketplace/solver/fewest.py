"""Of plans of equal tonnes and equal cost one with fewer contracts, where that can be proved in a moment."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, eye_array, hstack

from marketplace.solver.components import Part, pieces
from marketplace.solver.graph import Face, Graph
from marketplace.solver.problem import Integers
from marketplace.solver.rows import Rows, rows_of

MOST_ARCS: Final = 60
"""Arcs of a tied part up to which the fewest contracts are looked for; larger ones keep their vertex."""

MOST_PARTS: Final = 400
"""Tied parts that are asked, the largest first, so that a market where everything is tied is not held up."""

_NODES: Final = 500
"""Nodes of branch and bound for one part: a limit that is the same on every machine, unlike seconds."""

_UNIT: Final = 20


def fewer(face: Face, kg: Integers) -> Integers:
    """
    Return kilograms on the face, (e,), along as few pairs as can be, where the arcs of the face are all tied.

    The fewest pairs that carry a flow are a hard problem (it holds the partition of a set of numbers [1]_), so each connected part
    is a mixed-integer program of its own, with a limit of nodes; a part that is large, or not proved within the limit, keeps
    what it has. The result depends on ``kg`` and the face alone.

    References
    ----------
    .. [1] G. M. Guisewite and P. M. Pardalos (1990), :doi:`10.1007/BF02283688`.
    """
    found = kg.copy()
    small = [part for part in pieces(face.graph) if part.arcs.size <= MOST_ARCS]
    for part in small[:MOST_PARTS]:
        better = _fewest(face, part, kg[part.arcs])
        if better is not None:
            found[part.arcs] = better
    return found


def _fewest(face: Face, part: Part, kg: Integers) -> Integers | None:
    """Return a plan of the part with the fewest pairs; None if there is none with fewer, or none is proved."""
    graph = face.graph.only(part.arcs)
    used = int(np.count_nonzero(kg[: graph.pairs]))
    if used <= _at_least(face, graph, part):
        return None
    of = rows_of(face, part)
    unit = 2.0 ** max(0, int(np.abs(of.mass).max(initial=0)).bit_length() - _UNIT)
    pairs, arcs = graph.pairs, graph.tail.size
    most = np.append(np.full(pairs, float(np.abs(of.mass).max(initial=0)) / unit), of.most / unit)
    flow = hstack([of.rows, csr_array((of.mass.size, pairs))])
    held = hstack([eye_array(pairs, arcs), -eye_array(pairs) * most[:pairs, None]])
    low = np.where(of.exact, of.mass, of.least).astype(np.float64) / unit
    found = milp(
        np.concatenate([np.zeros(arcs), np.ones(pairs)]),
        integrality=np.concatenate([np.zeros(arcs), np.ones(pairs)]),
        bounds=Bounds(0, np.concatenate([most, np.ones(pairs)])),
        constraints=[LinearConstraint(flow, low, of.mass / unit), LinearConstraint(held, -np.inf, 0)],
        options={"node_limit": _NODES, "mip_rel_gap": 0},
    )
    if found.status != 0 or found.x is None:
        return None
    better: Integers = np.rint(found.x[:arcs] * unit).astype(np.int64)
    return better if _keeps(of, better) and np.count_nonzero(better[:pairs]) < used else None


def _keeps(of: Rows, kg: Integers) -> bool:
    """Return whether the rounded plan keeps every row to the kilogram."""
    moved = np.rint(of.rows @ kg.astype(np.float64)).astype(np.int64)
    whole = bool(kg.min(initial=0) >= 0 and np.all(kg[kg.size - of.most.size :] <= of.most))
    met = np.all(moved <= of.mass) and np.all(moved[of.exact] == of.mass[of.exact]) and np.all(moved >= of.least)
    return whole and bool(met)


def _at_least(face: Face, graph: Graph, part: Part) -> int:
    """Return how many pairs there are at least: one for each lot that must ship, and for each line that must be filled."""
    lots = ~face.loose[part.lots] & (face.supply[part.lots] > 0)
    lines = ~face.loose[part.lines + face.graph.n] & (face.capacity[part.lines] > 0)
    return max(int(lots.sum()), int(lines.sum())) if not graph.most_kg.size else 0

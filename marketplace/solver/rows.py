"""A part of a face as the rows of a linear program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.sparse import coo_array, csr_array

from marketplace.solver.components import Part
from marketplace.solver.graph import Face
from marketplace.solver.problem import Flags, Integers

NO_LEAST: Final = np.iinfo(np.int64).min


@dataclass(frozen=True, eq=False)
class Rows:
    """
    One row a node, lots before lines, one column an arc, pairs before storage.

    ``mass`` (r,) kg is met exactly where ``exact`` (r,), and is the most elsewhere; ``least`` (r,) kg is the least of a
    row, `NO_LEAST` where there is none; ``most`` (k,) kg the room of storage; ``cost`` (c,) per tonne.
    """

    rows: csr_array
    mass: Integers
    exact: Flags
    most: Integers
    least: Integers
    cost: Integers


def rows_of(face: Face, part: Part) -> Rows:
    """Return the rows of one connected part of a face."""
    graph, n = face.graph.only(part.arcs), face.graph.n
    nodes = np.concatenate([part.lots, part.lines + n])
    tail, head = np.searchsorted(nodes, graph.tail), np.searchsorted(nodes, graph.head)
    arc, sign = np.arange(tail.size), np.ones(tail.size)
    out_of, into = np.where(graph.tail < n, sign, -sign), np.where(graph.head < n, -sign, sign)
    ends = (np.concatenate([tail, head]), np.concatenate([arc, arc]))
    least = np.full(nodes.size, NO_LEAST)
    passing = np.flatnonzero(face.graph.passes_on()[part.lines])
    least[part.lots.size + passing] = (face.capacity - face.room)[part.lines[passing]]
    return Rows(
        rows=coo_array((np.concatenate([out_of, into]), ends), shape=(nodes.size, tail.size)).tocsr(),
        mass=np.concatenate([face.supply[part.lots], face.capacity[part.lines]]),
        exact=~face.loose[nodes],
        most=graph.most_kg,
        least=least,
        cost=graph.cost,
    )

"""The parts of a problem that no arc joins: each can be solved alone, and together they are the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar, overload

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from marketplace.solver.graph import Graph
from marketplace.solver.problem import Integers

T = TypeVar("T")


class Lazily(Sequence[T]):
    """A sequence that makes each item when it is asked for, so that not all of them are held."""

    def __init__(self, make: Callable[[int], T], length: int) -> None:
        self._make, self._length = make, length

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, at: int) -> T: ...
    @overload
    def __getitem__(self, at: slice) -> Sequence[T]: ...
    def __getitem__(self, at: int | slice) -> T | Sequence[T]:
        if isinstance(at, slice):
            return [self._make(each) for each in range(self._length)[at]]
        return self._make(range(self._length)[at])


@dataclass(frozen=True, eq=False)
class Part:
    """A connected part: which lots, lines and arcs of the whole it is made of, each ascending."""

    lots: Integers
    lines: Integers
    arcs: Integers


def labels(n: int, m: int, lot: Integers, line: Integers) -> tuple[int, Integers]:
    """
    Return how many parts ``n`` lots and ``m`` lines fall into, and (n + m,) which one each belongs to.

    A lot or a line without arcs is a part by itself; lines are numbered after the lots.
    """
    return _connected(n + m, lot, line + n)


def parts(n: int, m: int, lot: Integers, line: Integers) -> Iterator[Part]:
    """Yield the connected parts that have an arc, the one with most arcs first and equals in order of their lots."""
    yield from _split(*labels(n, m, lot, line), n, lot)


def pieces(graph: Graph) -> Iterator[Part]:
    """Yield the connected parts of a graph as `parts` does; storage joins, and its arcs stand among ``arcs``."""
    n, m = graph.n, graph.m
    yield from _split(*_connected(n + m, graph.tail, graph.head), n, graph.tail)


def joined(parts: Sequence[Part], key: Integers) -> list[Part]:
    """
    Return parts put together wherever arcs of two have the same ``key`` (e,), the one with most arcs first.

    A key below zero joins nothing.
    """
    which = np.repeat(np.arange(len(parts)), [part.arcs.size for part in parts])
    arcs = np.concatenate([part.arcs for part in parts]) if parts else np.zeros(0, dtype=np.int64)
    keyed = key[arcs] >= 0
    keys, place = np.unique(key[arcs[keyed]], return_inverse=True)
    _, label = _connected(len(parts) + keys.size, which[keyed], place + len(parts))
    groups: dict[int, list[Part]] = {}
    for part, at in zip(parts, label.tolist(), strict=False):
        groups.setdefault(at, []).append(part)
    found = [some[0] if len(some) == 1 else _together(some) for some in groups.values()]
    return sorted(found, key=lambda part: -part.arcs.size)


def _together(some: Sequence[Part]) -> Part:
    return Part(
        *(np.sort(np.concatenate([getattr(part, name) for part in some])) for name in ("lots", "lines", "arcs"))
    )


def _connected(nodes: int, tail: Integers, head: Integers) -> tuple[int, Integers]:
    ones = np.ones(tail.size, dtype=np.int8)
    ends = (tail.astype(np.int32), head.astype(np.int32))
    count, label = connected_components(coo_array((ones, ends), shape=(nodes, nodes)).tocsr(), directed=False)
    return int(count), label.astype(np.int64)


def _split(count: int, label: Integers, n: int, tail: Integers) -> Iterator[Part]:
    of_arc = label[tail]
    sizes = np.bincount(of_arc, minlength=count)
    order = np.argsort(-sizes, kind="stable")[: np.count_nonzero(sizes)]
    rank = np.full(count, order.size)  # nodes without arcs are most of a small graph, and come last
    rank[order] = np.arange(order.size)
    for lots, lines, arcs in zip(
        *(_grouped(rank[which], order.size) for which in (label[:n], label[n:], of_arc)), strict=True
    ):
        yield Part(lots=lots, lines=lines, arcs=arcs)


def _grouped(rank: Integers, count: int) -> list[Integers]:
    at = np.flatnonzero(rank < count)
    order = at[np.argsort(rank[at], kind="stable")]
    return np.split(order, np.cumsum(np.bincount(rank[at], minlength=count))[:-1]) if count else []

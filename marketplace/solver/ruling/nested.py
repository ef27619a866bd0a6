r"""
Rows that hang in a tree: a line's permit of a year over its months, what some may get of a lot. No linear program is needed.

A row with one weight, over all arcs of some lines or over some arcs of one line, is one node more behind them, or before
it, with room for what the row allows, and the same of lots. Sets of which no two cross are a tree on each side, and all
of it stays a network [1]_, so that its vertices are whole.

References
----------
.. [1] R. K. Ahuja, T. L. Magnanti and J. B. Orlin (1993), Network Flows, section 9.2 (caps on groups of arcs as nodes).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from marketplace.solver.graph import sums
from marketplace.solver.problem import MOST_KG, Carry, Flags, Integers, SolverFailed
from marketplace.solver.ruling.reduction import Model


@dataclass(frozen=True, eq=False)
class Tree:
    """
    One side of a network with nodes for rows.

    Of ``own`` nodes the position in the tree is ``place`` (n,); ``row`` (p,) is the row that a position stands for, -1 for a
    node of its own, ``above`` (p,) the position it hangs under, -1 at the top, and ``end`` (e,) where each arc ends.
    """

    place: Integers
    row: Integers
    above: Integers
    end: Integers

    def limits(self, own: Integers, rows: Integers) -> Integers:
        """
        Return by position what it may carry: that of its node, or of its row.

        At the top, where all is added up, a row that never binds gets a load more than there is below it: so it is seen not
        to bind, and all its worth is told of what does.
        """
        limit = np.zeros(self.row.size, dtype=np.int64)
        of_row = self.row >= 0
        limit[of_row] = np.minimum(rows[self.row[of_row]], MOST_KG)
        limit[self.place] = own
        top = self.place.copy()
        while np.any(higher := self.above[top] >= 0):
            top[higher] = self.above[top[higher]]
        at = np.unique(top)
        at = at[of_row[at]]
        more = int(int(own.sum()) + at.size <= MOST_KG)
        limit[at] = np.minimum(limit[at], sums(top, own, self.row.size)[at] + more)
        return limit

    def multipliers(self, prices: Integers) -> Integers:
        """Return by position the price of its limit: what it is worth beyond what it hangs under, at most zero."""
        over = np.where(self.above >= 0, prices[self.above], 0)
        return np.minimum(0, prices - over)

    def kept(self, used: Flags) -> Flags:
        """Return the positions that arcs ``used`` (e,) end at or pass on their way to the top."""
        seen = np.zeros(self.row.size, dtype=np.bool_)
        seen[self.end[used]] = True
        now = np.flatnonzero(seen)
        while now.size:
            now = np.unique(self.above[now])
            now = now[now >= 0]
            now = now[~seen[now]]
            seen[now] = True
        return seen


@dataclass(frozen=True, eq=False)
class Nest:
    """The rows of a model as two trees; ``weight`` (r,) is the one weight of each, 0 of ``rest``, the rows that fit neither."""

    lots: Tree
    lines: Tree
    weight: Integers
    rest: Integers

    @property
    def hung(self) -> Flags:
        """Which rows hang in a tree, (r,)."""
        return self.weight > 0

    def allows(self, model: Model, lower: Integers) -> Integers:
        """Return the loads that each row in a tree still allows, (r,), beyond ``lower``; raises SolverFailed if below none."""
        left = (model.limit - model.weighed(lower)) // np.maximum(1, self.weight)
        if np.any(left[self.hung] < 0):
            raise SolverFailed("a row is promised more than it allows")
        return left


@dataclass(frozen=True, eq=False)
class Posed:
    """
    A flow problem over the trees: masses by position, ends by arc, and storage of which each place is a branch.

    ``lots`` and ``lines`` are the positions that it holds; ``order`` says which of the arcs asked for each of its arcs is.
    """

    lots: Integers
    lines: Integers
    supply: Integers
    capacity: Integers
    lot: Integers
    line: Integers
    order: Integers
    carry: Carry


def nest(model: Model, among: Flags | None = None) -> Nest:
    """Return the rows of a model, of those ``among`` (r,) if given, as trees as far as they are."""
    n, m, _, _ = model.shape
    rows = _Rows(model, among)
    lines, on_lines = _tree(model.line, m, rows, np.ones(model.limit.size, dtype=np.bool_))
    lots, on_lots = _tree(model.lot, n, rows, ~on_lines)
    weight = np.where(on_lines | on_lots, rows.weight, 0)
    return Nest(_upside_down(lots), lines, weight, np.flatnonzero(~(on_lines | on_lots)))


def posed(nested: Nest, left: Integers, room: Integers, allows: Integers, over: Integers) -> Posed:
    """Return the flow problem over the arcs ``over``, which are sorted anew; positions that none of these meets are left out."""
    used = np.zeros(nested.lots.end.size, dtype=np.bool_)
    used[over] = True
    positions, ends, masses, tails, heads, most, before = [], [], [], [], [], [], 0
    for tree, own, down in ((nested.lots, left, True), (nested.lines, room, False)):
        kept = tree.kept(used)
        number = np.cumsum(kept) - 1
        limit = tree.limits(own, allows)
        positions.append(np.flatnonzero(kept))
        ends.append(number[tree.end[over]])
        masses.append(np.where(tree.above < 0, limit, 0)[kept])
        hanging = np.flatnonzero(kept & (tree.above >= 0))
        own_end, other_end = number[hanging] + before, number[tree.above[hanging]] + before
        tails.append(other_end if down else own_end)
        heads.append(own_end if down else other_end)
        most.append(limit[hanging])
        before += int(kept.sum())
    tail, head, room_of = (np.concatenate(arrays) for arrays in (tails, heads, most))
    sorted_ = np.lexsort((head, tail))
    order = np.lexsort((ends[1], ends[0]))
    return Posed(
        lots=positions[0],
        lines=positions[1],
        supply=masses[0],
        capacity=masses[1],
        lot=ends[0][order],
        line=ends[1][order],
        order=order,
        carry=Carry.of(
            tail=tail[sorted_], head=head[sorted_], most_kg=room_of[sorted_], cost=np.zeros(tail.size, dtype=np.int64)
        ),
    )


class _Rows:
    """The rows as sets of arcs that may be used, from the smallest; ``weight`` (r,) is 0 where a row has more than one."""

    def __init__(self, model: Model, among: Flags | None) -> None:
        count = model.limit.size
        entries = np.flatnonzero((model.most[model.arc] > 0) & (model.weight != 0))
        entries = entries[np.argsort(model.row[entries], kind="stable")]
        row = model.row[entries]
        least, most = np.full(count, np.iinfo(np.int64).max), np.zeros(count, dtype=np.int64)
        np.minimum.at(least, row, model.weight[entries])
        np.maximum.at(most, row, model.weight[entries])
        self.usable = model.most > 0
        size = np.bincount(row, minlength=count)
        one = (least == most) & (least > 0) if among is None else (least == most) & (least > 0) & among
        self.weight = np.where(size == 0, 1, np.where(one, most, 0))
        if among is not None:
            self.weight[~among] = 0
        begin = np.searchsorted(row, np.arange(count + 1))
        self.arcs = [model.arc[entries[begin[r] : begin[r + 1]]] for r in range(count)]
        self.order = np.argsort(size, kind="stable").tolist()


def _tree(of_arc: Integers, count: int, rows: _Rows, wanted: Flags) -> tuple[Tree, Flags]:
    """Return the tree of one side, branches before what they hang under, and which of the rows ``wanted`` stand in it."""
    taken = np.zeros(wanted.size, dtype=np.bool_)
    arcs_of = np.bincount(of_arc[rows.usable], minlength=count)
    within, across = list[int](), list[int]()
    for r in rows.order:
        if not wanted[r] or not rows.weight[r]:
            continue
        nodes = np.unique(of_arc[rows.arcs[r]])
        if arcs_of[nodes].sum() == rows.arcs[r].size:
            across.append(r)
        elif nodes.size == 1:
            within.append(r)
    top = np.full(of_arc.size, -1, dtype=np.int64)  # the position that holds an arc so far
    end = top.copy()
    row, above, held = list[int](), list[int](), list[int]()

    def hang(r: int, arcs: Integers, below: Integers) -> None:
        for position in below.tolist():
            above[position] = len(row)
        end[arcs[top[arcs] < 0]] = len(row)
        top[arcs] = len(row)
        row.append(r)
        above.append(-1)
        held.append(arcs.size)

    for r in within:
        below, inside = np.unique(top[rows.arcs[r]], return_counts=True)
        inside, below = inside[below >= 0], below[below >= 0]
        if all(held[at] == size for at, size in zip(below.tolist(), inside.tolist(), strict=True)):
            hang(r, rows.arcs[r], below)
            taken[r] = True
    order = np.argsort(of_arc, kind="stable")
    begin = np.searchsorted(of_arc[order], np.arange(count + 1))
    place = np.arange(count, dtype=np.int64) + len(row)
    for node in range(count):
        arcs = order[begin[node] : begin[node + 1]]
        below = np.unique(top[arcs])
        hang(-1, arcs, below[below >= 0])
        held[-1] = int(arcs_of[node])
    for r in across:
        arcs = rows.arcs[r]
        below, inside = np.unique(top[arcs], return_counts=True)
        if all(held[at] == size for at, size in zip(below.tolist(), inside.tolist(), strict=True)):
            hang(r, arcs, below)
            taken[r] = True
    return Tree(place, np.array(row, dtype=np.int64), np.array(above, dtype=np.int64), end), taken


def _upside_down(tree: Tree) -> Tree:
    """Return the tree with what branches hang under before them, and its own nodes in the same order as they were."""
    count, size = tree.place.size, tree.row.size
    first = int(tree.place[0]) if count else 0
    number = size - 1 - np.arange(size)
    number[tree.place] = size - first - count + np.arange(count)
    back = np.argsort(number)
    above = tree.above[back]
    return Tree(number[tree.place], tree.row[back], np.where(above >= 0, number[above], -1), number[tree.end])


def by_row(nested: Nest, lots: Integers, lines: Integers) -> Integers:
    """Return the multipliers of the rows, (r,) per load, from those by position of both trees."""
    found = np.zeros(nested.weight.size, dtype=np.int64)
    for tree, prices in ((nested.lots, lots), (nested.lines, lines)):
        of_row = tree.row >= 0
        found[tree.row[of_row]] = prices[of_row]
    return found

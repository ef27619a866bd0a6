"""From points and radii to the pairs that lie near enough; all of them, for no pair is pruned by rank."""

from __future__ import annotations

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from marketplace.solver.problem import Integers
from marketplace.solver.sphere import Patch, blocks, chord, great_circle_m, on_sphere, whole_meters

__all__ = ["great_circle_m", "within"]

Small: TypeAlias = npt.NDArray[np.int32]

_BLOCK: Final = 64
"""Lots that are looked up together."""

_WIDE: Final = 1_024
"""Lines that a block is multiplied with at once: the product stays in a core's own cache."""

_MARGIN_M: Final = 1.0
"""What the search may find too much; the exact distance decides."""


def within(lots: Integers, lines: Integers, radius_m: Integers) -> tuple[Integers, Integers, Integers]:
    """
    Return ``lot``, ``line`` and great-circle meters of every pair within the line's radius, sorted by (lot, line).

    ``lots`` (n, 2) and ``lines`` (m, 2) are latitude and longitude in millionths of a degree, ``radius_m`` (m,) whole
    meters. Lots are taken by blocks of neighbors, the leaves of a k-d tree [1]_. A line that is farther from the
    middle of a block than its radius and the block's together is no candidate of any lot in it; the others are by one
    matrix product, and whole meters are made only of what that leaves. Each lot's pairs come out in order of the lines,
    so that nothing is sorted at the end.

    References
    ----------
    .. [1] J. L. Bentley (1975), Multidimensional binary search trees used for associative searching,
       :doi:`10.1145/361002.361007`.
    """
    here, there = on_sphere(lots), on_sphere(lines)
    reach = np.where(radius_m < 0, -1.0, chord(radius_m + _MARGIN_M))
    open_ = np.flatnonzero(reach >= 0)
    counts = np.zeros(len(lots) + 1, dtype=np.int64)
    found: list[tuple[Integers, Integers, Small, Small]] = []
    product = np.empty(_BLOCK * _WIDE)
    for block in blocks(here, _BLOCK):
        patch = Patch.of(here[block])
        near = open_[patch.gap(there[open_]) <= reach[open_]]
        for begin in range(0, near.size, _WIDE):
            some = near[begin : begin + _WIDE]
            square = product[: block.size * some.size].reshape(block.size, some.size)
            np.matmul(patch.left, patch.right(there[some]), out=square)
            inside = square <= reach[some] ** 2 + 1e-15
            each: Integers = np.count_nonzero(inside, axis=1)
            at = np.flatnonzero(inside)
            row = np.repeat(np.arange(block.size), each)
            line = some.take(at - row * some.size)
            meters = whole_meters(square.take(at), lots, lines, block.take(row), line)
            kept = meters <= radius_m.take(line)
            if not kept.all():
                each = np.bincount(row[kept], minlength=block.size)
                line, meters = line[kept], meters[kept]
            counts[block + 1] += each
            found.append((block, each, line.astype(np.int32), meters.astype(np.int32)))
    return _in_order(counts, found)


def _in_order(
    counts: Integers, found: list[tuple[Integers, Integers, Small, Small]]
) -> tuple[Integers, Integers, Integers]:
    """Put what was found of each lot behind what was found of it before, and the lots in their order."""
    begins = np.cumsum(counts)
    lot = np.repeat(np.arange(counts.size - 1), counts[1:])
    line, meters = np.empty(lot.size, dtype=np.int64), np.empty(lot.size, dtype=np.int64)
    next_ = begins[:-1].copy()
    found.reverse()
    while found:
        block, each, some_lines, some_meters = found.pop()
        before = np.cumsum(each) - each
        place = np.arange(some_lines.size) + np.repeat(next_[block] - before, each)
        line[place], meters[place] = some_lines, some_meters
        next_[block] += each
    return lot, line, meters

"""Points on the Earth as blocks of neighbors, and whole meters between them by matrix products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from marketplace.solver.problem import Integers

Floats: TypeAlias = npt.NDArray[np.float64]

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius of the Earth (IUGG)."""

_NEAR_M: Final = 50.0
_FAR_M: Final = 8_000_000.0
"""Between these, meters from a block's matrix product are right within `_DOUBT_M`; elsewhere the haversine is asked."""

_DOUBT_M: Final = 1e-3


def great_circle_m(a: Integers, b: Integers) -> Integers:
    """Return whole meters between points (k, 2) and (k, 2) in millionths of a degree, by the haversine."""
    lat_a, lon_a = np.radians(a[:, 0] / 1e6), np.radians(a[:, 1] / 1e6)
    lat_b, lon_b = np.radians(b[:, 0] / 1e6), np.radians(b[:, 1] / 1e6)
    haversine = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    meters: Integers = np.rint(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, haversine)))).astype(np.int64)
    return meters


def on_sphere(points: Integers) -> Floats:
    """Return points (k, 2) in millionths of a degree as (k, 3) on the unit sphere."""
    lat, lon = np.radians(points[:, 0] / 1e6), np.radians(points[:, 1] / 1e6)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)


def chord(meters: npt.ArrayLike) -> Floats:
    """Return the straight line through the Earth, in radii, between points so many meters apart; at most across."""
    most = np.pi * EARTH_RADIUS_M
    found: Floats = 2 * np.sin(np.clip(np.asarray(meters, dtype=float), 0, most) / (2 * EARTH_RADIUS_M))
    return found


def blocks(points: Floats, size: int) -> Iterator[Integers]:
    """Yield which of the points (k, 3) are neighbors, at most ``size`` at a time, each ascending: leaves of a k-d tree."""
    if not len(points):
        return
    tree = cKDTree(points, leafsize=size, compact_nodes=False)
    waiting = [tree.tree]
    while waiting:
        node = waiting.pop()
        if node.split_dim == -1:
            for begin in range(node.start_idx, node.end_idx, size):  # equal points may share a larger leaf
                yield np.sort(tree.indices[begin : min(begin + size, node.end_idx)].astype(np.int64))
        else:
            waiting += [node.greater, node.lesser]


@dataclass(frozen=True, eq=False)
class Patch:
    """
    A block of points seen from its middle, so that differences of nearby points keep their digits.

    ``left`` (k, 5) times `right` of other points (5, w) is the square of the chord between each two, in radii.
    """

    middle: Floats
    reach: float
    left: Floats

    @classmethod
    def of(cls, points: Floats) -> Patch:
        """Return the patch of points (k, 3)."""
        middle = points.mean(axis=0)
        off = points - middle
        square = (off * off).sum(axis=1)
        left = np.column_stack([-2 * off, square, np.ones(len(off))])
        return cls(middle, float(np.sqrt(square.max())), left)

    def gap(self, others: Floats) -> Floats:
        """Return (w,) chords that no point of the block is nearer than to each of ``others`` (w, 3), within rounding."""
        off = others - self.middle
        apart: Floats = np.maximum(np.sqrt(np.einsum("ij,ij->i", off, off)) - (self.reach + 1e-12), 0.0)
        return apart

    def right(self, others: Floats) -> Floats:
        """Return (5, w) of the ``others`` (w, 3) for the product with ``left``."""
        off = (others - self.middle).T
        return np.concatenate([off, np.ones((1, off.shape[1])), (off * off).sum(axis=0, keepdims=True)])


def whole_meters(square: Floats, lots: Integers, lines: Integers, lot: Integers, line: Integers) -> Integers:
    """
    Return great-circle meters of pairs whose squared chords are ``square`` (k,), to the meter as the haversine says.

    Pairs are the points ``lots[lot]`` and ``lines[line]``. Where rounding could go either way the haversine is asked; that
    is one in some hundreds. ``square`` is used up.
    """
    exact = square
    np.clip(exact, 0.0, 4.0, out=exact)
    np.sqrt(exact, out=exact)
    exact *= 0.5
    np.arcsin(exact, out=exact)
    exact *= 2 * EARTH_RADIUS_M
    meters = np.rint(exact)
    off = np.abs(np.subtract(exact, meters, out=exact), out=exact)
    unsure = np.flatnonzero((off >= 0.5 - _DOUBT_M) | (meters <= _NEAR_M) | (meters >= _FAR_M))
    whole: Integers = meters.astype(np.int64)
    whole[unsure] = great_circle_m(lots[lot[unsure]], lines[line[unsure]])
    return whole

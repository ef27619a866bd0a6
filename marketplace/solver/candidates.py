"""From points and radii to the pairs that lie near enough; all of them, for no pair is pruned by rank."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from marketplace.solver.problem import Integers

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius of the Earth (IUGG)."""

_CHUNK: Final = 2_048
"""Lots looked up at once, so that memory goes with the pairs found and not with those tried."""

_MARGIN_M: Final = 1.0
"""What the search may find too much; the exact distance decides."""


def great_circle_m(a: Integers, b: Integers) -> Integers:
    """Return whole meters between points (k, 2) and (k, 2) in millionths of a degree, by the haversine."""
    lat_a, lon_a = np.radians(a[:, 0] / 1e6), np.radians(a[:, 1] / 1e6)
    lat_b, lon_b = np.radians(b[:, 0] / 1e6), np.radians(b[:, 1] / 1e6)
    haversine = np.sin((lat_b - lat_a) / 2) ** 2 + np.cos(lat_a) * np.cos(lat_b) * np.sin((lon_b - lon_a) / 2) ** 2
    meters: Integers = np.rint(2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, haversine)))).astype(np.int64)
    return meters


def within(lots: Integers, lines: Integers, radius_m: Integers) -> tuple[Integers, Integers, Integers]:
    """
    Return ``lot``, ``line`` and great-circle meters of every pair within the line's radius, sorted by (lot, line).

    ``lots`` (n, 2) and ``lines`` (m, 2) are latitude and longitude in millionths of a degree, ``radius_m`` (m,) whole
    meters. Points are looked up in a k-d tree [1]_ by the chord between them, a tree for all radii of like size, so
    that one far reach does not make every look-up far.

    References
    ----------
    .. [1] S. Maneewongvatana and D. M. Mount (1999), It's okay to be skinny, if your friends are fat.
    """
    reach = np.frexp(np.maximum(radius_m, 0).astype(float))[1]
    found = [np.zeros((0, 3), dtype=np.int64)]
    on_sphere = _chords(lots)
    for size in np.unique(reach).tolist():
        chosen = np.flatnonzero(reach == size)
        tree = cKDTree(_chords(lines[chosen]))
        farthest = min(float(radius_m[chosen].max()) + _MARGIN_M, np.pi * EARTH_RADIUS_M)
        chord = 2 * np.sin(farthest / (2 * EARTH_RADIUS_M))
        for begin in range(0, len(lots), _CHUNK):
            near = cKDTree(on_sphere[begin : begin + _CHUNK]).sparse_distance_matrix(tree, chord, output_type="ndarray")
            lot, line = near["i"].astype(np.int64) + begin, chosen[near["j"]]
            meters = great_circle_m(lots[lot], lines[line])
            kept = meters <= radius_m[line]
            found.append(np.stack([lot[kept], line[kept], meters[kept]], axis=1))
    pairs = np.concatenate(found)
    pairs = pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]
    return pairs[:, 0], pairs[:, 1], pairs[:, 2]


def _chords(points: Integers) -> npt.NDArray[np.float64]:
    """Return the points (k, 3) on the unit sphere."""
    lat, lon = np.radians(points[:, 0] / 1e6), np.radians(points[:, 1] / 1e6)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)

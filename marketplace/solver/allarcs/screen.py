"""Which lines the lots of a block could afford, by a product in single precision that never misses one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from marketplace.solver.problem import Integers
from marketplace.solver.sphere import EARTH_RADIUS_M, Floats

WIDE: Final = 1_024
"""Lines that a block is multiplied with at once: the product stays in a core's own cache."""

MARGIN: Final = 1e-3
"""What is given away in every comparison of prices, for the rounding of doubles."""


@dataclass(frozen=True, eq=False)
class Screen:
    """Lots of a block and what they pay at most: which lines they could afford, erring on the side of too many."""

    left: npt.NDArray[np.float32]
    reach: float
    pays: Floats
    rate: float
    product: npt.NDArray[np.float32]

    @classmethod
    def of(cls, left: Floats, pays: Floats, rate: float) -> Screen:
        """Return the screen of lots with ``left`` of their `Patch` that ``pays`` (k,); freight is ``rate`` a radius."""
        reach = float(np.sqrt(left[:, 3].max()))
        return cls(left.astype(np.float32), reach, pays, rate, np.empty(len(left) * WIDE, dtype=np.float32))

    def seen(self, right: Floats, worth: Floats, reach: Floats) -> tuple[Integers, Integers, npt.NDArray[np.float32]]:
        r"""
        Return row and column of every pair within ``reach`` with rate × chord < ``pays`` + ``worth``, and the difference.

        A product of five terms in single precision, each of its factors rounded, is off by at most
        :math:`7 \cdot 2^{-24}` of the sum of its terms' sizes, which is at most the square of both distances from the
        middle together; 2e-6 of that is taken away from every square before its root, and 2e-6 of all sizes from the
        comparison.
        """
        farthest = self.reach + float(np.sqrt(right[4].max()))
        scaled = right * self.rate**2
        scaled[4] -= 2e-6 * (farthest * self.rate) ** 2
        left = self.product[: len(self.left) * right.shape[1]].reshape(len(self.left), right.shape[1])
        np.matmul(self.left, scaled.astype(np.float32), out=left)
        np.maximum(left, 0, out=left)
        np.sqrt(left, out=left)
        low = left <= (reach * self.rate * (1 + 2e-6)).astype(np.float32)
        left -= worth.astype(np.float32)
        sizes = farthest * self.rate + float(np.abs(worth).max()) + float(np.abs(self.pays).max())
        most = (self.pays + (2e-6 * sizes + MARGIN)).astype(np.float32)
        low &= left < most[:, None]
        each = np.count_nonzero(low, axis=1)
        place = np.flatnonzero(low)
        row = np.repeat(np.arange(len(left)), each)
        return row, place - row * right.shape[1], left.take(place) - most.take(row)


def never_above(freight: Integers) -> tuple[float, float]:
    """
    Return ``floor`` and ``rate`` of a line that no freight is below, over the chord in radii.

    Meters are rounded to the nearest, and an arc is no shorter than its chord. Two units are given away at the
    near end, so that the steps of a freight in whole units do not make the line flat.
    """
    meters = np.arange(1, freight.size)
    slope = float(((freight[1:] - freight[0] + 2) / meters).min()) if freight.size > 1 else 0.0
    return float(freight[0]) - 2 - slope / 2, slope * EARTH_RADIUS_M

"""Markets for the engines: points, masses and properties, clustered over China; the same size gives the same market."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from marketplace.solver.candidates import within
from marketplace.solver.problem import Integers, Problem

Floats = npt.NDArray[np.float64]

MATERIALS = 12
CENTERS = 80
SEED = 20_270_114
LINES_PER_LISTING = 0.4


@dataclass(frozen=True, eq=False)
class Market:
    """
    What is known of n lots and m lines before anyone asks who lies near whom.

    ``lots_at`` (n, 2) and ``lines_at`` (m, 2) in millionths of a degree; ``material`` (n,) and ``taken`` (m,) count
    materials; ``supply`` (n,) and ``capacity`` (m,) in kg; ``radius`` (m,) in meters of great circle; ``purity`` (n,)
    and ``limit`` (m,) are one property and the most of it that a line takes; ``gate`` (m,) in fen per tonne.
    """

    lots_at: Integers
    lines_at: Integers
    material: Integers
    taken: Integers
    supply: Integers
    capacity: Integers
    radius: Integers
    purity: Floats
    limit: Floats
    gate: Integers

    def save(self, path: Path) -> None:
        """Write the arrays, so that another process has the same market."""
        np.savez(path, **{field.name: getattr(self, field.name) for field in fields(self)})

    @classmethod
    def load(cls, path: Path) -> Market:
        """Read what `save` wrote."""
        with np.load(path) as arrays:
            return cls(**{field.name: arrays[field.name] for field in fields(cls)})


@dataclass(frozen=True, eq=False)
class Joined:
    """The problem of a market, and (e,) the meters of great circle that its arcs span."""

    problem: Problem
    meters: Integers


def clustered(listings: int, *, lines: int | None = None, seed: int = SEED) -> Market:
    """
    Return a market of so many listings, with 0.4 intake lines for each unless ``lines`` says how many.

    Centers, the shares of materials and the room for each belong to the seed alone, so that a larger market is the
    same country with more sites, and pairs grow with the square. Tonnes are lognormal around 20 t; twelve materials
    have unequal shares; a fifth of the sites lies in the open country; lines reach 150 to 300 km; room is 0.75 to 1.35
    times what there is of a material.
    """
    country = np.random.default_rng(seed)
    centers = country.uniform((22.0, 103.0), (42.0, 122.0), (CENTERS, 2))
    weight = country.dirichlet(np.full(CENTERS, 0.8))
    share = country.dirichlet(np.full(MATERIALS, 1.5))
    room = country.uniform(0.75, 1.35, MATERIALS)

    count = round(LINES_PER_LISTING * listings) if lines is None else lines
    rng = np.random.default_rng([seed, listings, count])
    material, taken = rng.choice(MATERIALS, listings, p=share), rng.choice(MATERIALS, count, p=share)
    supply = np.rint(1000 * np.clip(rng.lognormal(np.log(20), 0.9, listings), 0.5, 2_000)).astype(np.int64)
    capacity = np.zeros(count, dtype=np.int64)
    for kind in range(MATERIALS):
        own = np.flatnonzero(taken == kind)
        if own.size:
            wanted = room[kind] * supply[material == kind].sum()
            capacity[own] = np.rint(wanted * rng.dirichlet(np.full(own.size, 1.2)))
    return Market(
        lots_at=_sites(rng, centers, weight, listings),
        lines_at=_sites(rng, centers, weight, count),
        material=material,
        taken=taken,
        supply=supply,
        capacity=capacity,
        radius=rng.integers(150_000, 300_001, count),
        purity=rng.beta(2, 6, listings),
        limit=rng.beta(6, 4, count),
        gate=np.rint(rng.normal(0, 8_000, count)).astype(np.int64),
    )


def joined(market: Market) -> Joined:
    """
    Return every pair of like material in the line's reach and within its limit, with its cost in fen per tonne.

    The cost is freight by road (0.55 yuan per tonne and kilometer, the road 1.3 times the straight line), the line's
    gate price, and a fee for the property.
    """
    found: list[tuple[Integers, Integers, Integers]] = []
    for kind in range(MATERIALS):
        lots, lines = np.flatnonzero(market.material == kind), np.flatnonzero(market.taken == kind)
        if lots.size and lines.size:
            lot, line, meters = within(market.lots_at[lots], market.lines_at[lines], market.radius[lines])
            fit = market.purity[lots][lot] <= market.limit[lines][line]
            found.append((lots[lot[fit]], lines[line[fit]], meters[fit]))
    lot, line, meters = (np.concatenate(column) for column in zip(*found, strict=True))
    # a lot is of one material and its pairs come sorted, so that a stable sort by lot is all that is left to do
    order = np.argsort(lot, kind="stable")
    lot, line, meters = lot[order], line[order], meters[order]
    cost = meters * 13 * 55 // 10_000 + market.gate[line] + np.rint(market.purity * 4_000).astype(np.int64)[lot]
    problem = Problem.of(supply=market.supply, capacity=market.capacity, lot=lot, line=line, cost=cost)
    return Joined(problem, meters)


def clustered_problem(listings: int, *, lines: int | None = None, seed: int = SEED) -> Problem:
    """Return the problem of a market of so many listings."""
    return joined(clustered(listings, lines=lines, seed=seed)).problem


def _sites(rng: np.random.Generator, centers: Floats, weight: Floats, count: int) -> Integers:
    """Return points (count, 2) in millionths of a degree, most of them within 28 km of a center, a fifth within 110."""
    spread_km = np.where(rng.random(count) < 0.2, 110.0, 28.0)
    offset = rng.normal(0, 1, (count, 2)) * spread_km[:, None] / 111.0
    return np.rint((centers[rng.choice(len(centers), count, p=weight)] + offset) * 1e6).astype(np.int64)

"""The engines beside public solvers and rules of thumb: the same market, the same run, a fresh process for each."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypedDict

import numpy as np

from bench.markets import clustered
from bench.one import BY_HAND, METHODS
from marketplace.solver.engines import names

ROOT = Path(__file__).resolve().parent.parent
SIZES, LARGE = (3_000, 10_000, 30_000), (100_000,)
MOST_ARCS = {"linprog, plain": 450_000, "scipy": 4_000_000, "scipy, points to proof": 450_000}
"""A method is not asked for more; plain linprog would take over an hour at 3 million."""
REPEATED_BELOW = 1_000_000
OURS = ("network", "scipy")
RAW = ("network simplex raw, whole", "network simplex raw, parts")


class Measured(TypedDict):
    """What `bench.one` prints."""

    seconds: float
    cpu_seconds: float
    peak_mib: float
    kg: int
    cost: int
    arcs: int
    flows: str


def tables(sizes: tuple[int, ...] = SIZES) -> Iterator[tuple[str, list[dict[str, object]]]]:
    """Yield the methods by size, the power by which each grows, and what our engine adds to the raw call."""
    table = rows(sizes)
    yield "Engines beside others, on the same instances", table
    yield "Seconds of the processor grow with this power of the arcs", growth(table)
    yield "What the engine adds to the raw call of the network simplex", overhead(table)


def large() -> list[dict[str, object]]:
    """Return the rows of the largest instance whose arcs all fit in memory; minutes, and gigabytes."""
    return rows(LARGE, repeats=1)


def rows(sizes: tuple[int, ...] = SIZES, *, repeats: int = 3) -> list[dict[str, object]]:
    """
    Return one row per market and method; raises AssertionError if two exact ones differ in tonnes or cost.

    ``seconds`` are of the clock, ``cpu_seconds`` of the processor, the best of some runs; ``times`` is the latter as a multiple
    of the raw network simplex at its better; ``peak_mib`` is above the loaded instance (for ``points to proof`` above the
    points). ``tonnes_missed`` is what a rule moves less than the most there is.
    """
    return [row for listings in sizes for row in _at(listings, repeats)]


def _at(listings: int, repeats: int) -> list[dict[str, object]]:
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder:
        path = Path(folder) / "market.npz"
        market = clustered(listings)
        market.save(path)
        found: dict[str, Measured] = {}
        arcs = 0
        for name in METHODS:
            ours = name.split(",")[0]
            if arcs > MOST_ARCS.get(name, sys.maxsize) or (ours in OURS and ours not in names()):
                continue
            found[name] = alone(name, path, repeats=1 if arcs > REPEATED_BELOW or name == "linprog, plain" else repeats)
            arcs = found[name]["arcs"]
    _agreed(listings, found)
    base = min((found[name]["cpu_seconds"] for name in RAW if name in found), default=None)
    most = max(result["kg"] for result in found.values())
    return [
        {
            "listings": listings,
            "lines": market.capacity.size,
            "arcs": result["arcs"],
            "method": name,
            "seconds": round(result["seconds"], 3),
            "cpu_seconds": round(result["cpu_seconds"], 3),
            "times": None if base is None else round(result["cpu_seconds"] / base, 2),
            "peak_mib": round(result["peak_mib"]),
            "tonnes": result["kg"] / 1000,
            "tonnes_missed": (most - result["kg"]) / 1000,
            "yuan_per_t": round(result["cost"] / result["kg"] / 100, 2),
        }
        for name, result in found.items()
    ]


def alone(name: str, market: Path, *, repeats: int = 1) -> Measured:
    """Measure a method in fresh processes and return its best run, with the greatest peak of all."""
    runs: list[Measured] = []
    for _ in range(repeats):
        command = [sys.executable, "-m", "bench.one", name, str(market)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"{name}: {done.stderr}")
        runs.append(json.loads(done.stdout))
    best = min(runs, key=lambda run: run["cpu_seconds"])
    return {**best, "peak_mib": max(run["peak_mib"] for run in runs)}


def growth(table: list[dict[str, object]]) -> list[dict[str, object]]:
    """Return for each method by which power of the arcs its seconds of the processor grow, fitted over all sizes."""
    fitted: list[dict[str, object]] = []
    for name in METHODS:
        own = [row for row in table if row["method"] == name]
        if len(own) > 1:
            arcs, seconds = (
                np.log([max(1e-3, float(str(row[key]))) for row in own]) for key in ("arcs", "cpu_seconds")
            )
            power = float(np.polyfit(arcs, seconds, 1)[0])
            fitted.append({"method": name, "sizes": len(own), "power_of_arcs": round(power, 2)})
    return fitted


def overhead(table: list[dict[str, object]]) -> list[dict[str, object]]:
    """
    Return for each size what our engine takes over the raw call, in percent of the processor's seconds.

    Over the raw call on the whole graph, which is what one would write, and over the one by parts, for which somebody
    has found the parts before.
    """
    found: list[dict[str, object]] = []
    for listings in dict.fromkeys(row["listings"] for row in table):
        spent = {row["method"]: float(str(row["cpu_seconds"])) for row in table if row["listings"] == listings}
        for name in ("network", "network, points to proof"):
            if name in spent:
                row: dict[str, object] = {"listings": listings, "method": name, "cpu_seconds": spent[name]}
                over = {raw.split(", ")[1]: round(100 * (spent[name] / spent[raw] - 1)) for raw in RAW}
                found.append(row | {f"percent_over_raw_{raw}": percent for raw, percent in over.items()})
    return found


def _agreed(listings: int, found: dict[str, Measured]) -> None:
    """Refuse a table whose exact methods do not answer the same."""
    answers = {name: (result["kg"], result["cost"]) for name, result in found.items() if name not in BY_HAND}
    if len(set(answers.values())) > 1:
        raise AssertionError(f"at {listings} listings the exact methods differ: {answers}")
    if len({result["flows"] for name, result in found.items() if name.split(",")[0] in OURS}) > 1:
        raise AssertionError(f"at {listings} listings our engines move other kilograms")

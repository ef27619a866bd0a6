"""Where the time of a plan goes: the modules of the solver, each with what the libraries do for it."""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from pathlib import Path
from time import process_time

from bench.markets import Market, clustered, joined
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine, names

PACKAGE = str(Path(__file__).resolve().parent.parent / "marketplace" / "solver")
SIZES = (10_000, 30_000)
LEAST_PERCENT = 1.0


def rows(sizes: tuple[int, ...] = SIZES) -> list[dict[str, object]]:
    """
    Return a row per size and engine: seconds of the processor, and the percentage of each module from points to proof.

    A library's time counts for the module of ours that called it, so that the engine's share holds the solver's own.
    What is below one percent stands under ``other``; the profiler itself adds little, since all is done on arrays.
    """
    table: list[dict[str, object]] = []
    for size in sizes:
        market = clustered(size)
        for name in ("network", "scipy"):
            if name not in names() or (name == "scipy" and size > SIZES[0]):
                continue
            spent = _spent(lambda name=name, market=market: _proved(name, market))
            whole = sum(spent.values())
            row: dict[str, object] = {"listings": size, "engine": name, "cpu_seconds": round(whole, 2)}
            large = {module: 100 * s / whole for module, s in spent.items() if 100 * s >= LEAST_PERCENT * whole}
            shares = [f"{module} {share:.0f}" for module, share in sorted(large.items(), key=lambda item: -item[1])]
            table.append(row | {"percent": ", ".join([*shares, f"other {100 - sum(large.values()):.0f}"])})
    return table


def _proved(name: str, market: Market) -> None:
    problem = joined(market).problem
    if not certify(problem, engine(name)(problem)).valid:
        raise AssertionError("the plan is not proved")


def _spent(call: Callable[[], None]) -> dict[str, float]:
    profile = cProfile.Profile(process_time)
    profile.runcall(call)
    ours: dict[str, float] = {}
    for (file, _, _), (_, _, own, _, callers) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if (module := _module(file)) is not None:
            ours[module] = ours.get(module, 0.0) + own
            continue
        for (caller, _, _), (_, _, _, whole) in callers.items():
            if (module := _module(caller)) is not None:
                ours[module] = ours.get(module, 0.0) + whole
    return ours


def _module(file: str) -> str | None:
    """Return the module of ours that a file is, or none."""
    if file.startswith(PACKAGE):
        return Path(file).stem
    return "filters and costs" if file.endswith("bench/markets.py") else None

"""A market too large to hold all its arcs: `python -m bench.field MARKET.npz SHARE WORKERS` prints a line of JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from time import perf_counter, process_time

import numpy as np

from bench.markets import MATERIALS, Market, clustered
from bench.memory import peak_mib
from marketplace.solver import network, simplex, transport
from marketplace.solver.allarcs.delayed import allocate_field
from marketplace.solver.allarcs.field import Field
from marketplace.solver.allarcs.field_certificate import certify_field
from marketplace.solver.engines import Progress
from marketplace.solver.spread import Processes

ROOT = Path(__file__).resolve().parent.parent
TOLD_EVERY = 50
"""Thousandths of the lots after which a long run says on standard error how far it is."""


def rows(listings: int = 100_000, share: float = 0.0, workers: int = 1) -> list[dict[str, object]]:
    """
    Return one row: a plan proved to be the best over all arcs, or within a ``share`` of the best, by a process of its own.

    ``seconds`` are of the clock from points to plan, ``cpu_seconds`` of the processor; ``proof_seconds`` of the clock for
    the certificate, which makes every arc again; ``peak_mib`` is all that the process ever held, with Python and the market; with
    ``workers`` the parts are solved in so many others, and ``worker_mib`` is the most that one of these held.
    """
    with tempfile.TemporaryDirectory(prefix="huiyong-bench-") as folder:
        path = Path(folder) / "market.npz"
        clustered(listings).save(path)
        command = [sys.executable, "-m", "bench.field", str(path), str(share), str(workers)]
        done = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    row: dict[str, object] = json.loads(done.stdout)
    return [row]


def field_of(market: Market) -> Field:
    """Return a market as a field, with the costs of `bench.markets.joined`."""
    m = market.capacity.size
    takes = np.zeros((m, MATERIALS), dtype=np.bool_)
    takes[np.arange(m), market.taken] = True
    return Field(
        supply=market.supply,
        capacity=market.capacity,
        lots_at=market.lots_at,
        lines_at=market.lines_at,
        radius_m=market.radius,
        material=market.material,
        takes=takes,
        values=market.purity[:, None],
        limits=market.limit[:, None],
        lot_cost=np.rint(market.purity * 4_000).astype(np.int64),
        line_cost=market.gate,
        freight=np.arange(int(market.radius.max()) + 1) * 13 * 55 // 10_000,
    )


def measured(market: Market, share: float, workers: int) -> dict[str, object]:
    """Return what the plan took and what is proved of it; raises AssertionError if that is less than was asked."""
    field = field_of(market)
    spread = Processes(workers) if workers > 1 else None
    method = network.METHOD if simplex.INSTALLED else transport.METHOD
    began, worked = perf_counter(), process_time()
    found = allocate_field(field, method, share=share, progress=_told(began), spread=spread)
    seconds, solved_mib = perf_counter() - began, peak_mib()
    if spread:
        spread.close()  # what they took is known once they have ended
    cpu_seconds = process_time() - worked + getrusage(RUSAGE_CHILDREN).ru_utime
    began = perf_counter()
    proof = certify_field(field, found.arcs.lot, found.arcs.line, found.allocation)
    if proof.violations or proof.gap is None or proof.gap > share * abs(proof.cost):
        raise AssertionError(f"the plan is not proved: {proof}")
    return {
        "listings": field.supply.size,
        "lines": field.capacity.size,
        "arcs": proof.arcs,
        "held": found.statistics.held,
        "rounds": found.statistics.rounds,
        "tonnes": round(proof.moved_kg / 1000),
        "gap_percent": round(100 * proof.gap / abs(proof.cost), 5) if proof.cost else 0.0,
        "proved": proof.tonnes_maximal,
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu_seconds, 1),
        "peak_mib": round(solved_mib),
        "proof_seconds": round(perf_counter() - began, 1),
        "proof_peak_mib": round(peak_mib()),
        "worker_mib": round(getrusage(RUSAGE_CHILDREN).ru_maxrss / 1024) if spread else None,
    }


def _told(began: float) -> Progress:
    """Return a progress that says now and then how far the run is."""
    after = TOLD_EVERY

    def told(done: int, of: int) -> None:
        nonlocal after
        if 1000 * done >= after * of:
            after = 1000 * done // of + TOLD_EVERY
            print(f"{100 * done // of} % after {perf_counter() - began:.0f} s", file=sys.stderr, flush=True)

    return told


if __name__ == "__main__":
    print(json.dumps(measured(Market.load(Path(sys.argv[1])), float(sys.argv[2]), int(sys.argv[3]))))

"""Every exact engine gives the same bytes on one core and on processes, also when one of them is killed over a part."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from marketplace.solver import engines, network, simplex, spread, transport
from marketplace.solver.certificate import certify
from marketplace.solver.problem import Allocation, Cancelled, Problem
from marketplace.solver.spread import OneCore, Processes
from tests.unit.solver.problems import random_problem

ENGINES = ["scipy", *(["network"] if simplex.INSTALLED else [])]
PARTS = 5


def apart(parts: int) -> Problem:
    """Return a problem that falls into at least so many parts, each larger than the one before."""
    each = [
        random_problem(seed, lots=20 + 9 * seed, lines=8 + 3 * seed, share=0.5, most_kg=900, most_cost=80)
        for seed in range(parts)
    ]
    lots = np.cumsum([0, *(part.supply.size for part in each)])
    lines = np.cumsum([0, *(part.capacity.size for part in each)])
    return Problem.of(
        supply=np.concatenate([part.supply for part in each]),
        capacity=np.concatenate([part.capacity for part in each]),
        lot=np.concatenate([part.lot + at for part, at in zip(each, lots, strict=False)]),
        line=np.concatenate([part.line + at for part, at in zip(each, lines, strict=False)]),
        cost=np.concatenate([part.cost for part in each]),
    )


def plain(allocation: Allocation) -> dict[str, bytes]:
    return {name: array.tobytes() for name, array in vars(allocation).items()}


@pytest.fixture(autouse=True)
def _small_parts_are_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (transport, network):
        monkeypatch.setattr(module, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(transport, "_BATCH", 1)


@pytest.mark.parametrize("name", ENGINES)
def test_processes_change_no_byte(name: str) -> None:
    problem = apart(PARTS)
    here = engines.engine(name, spread=OneCore())(problem)

    with Processes(2) as processes:
        there = engines.engine(name, spread=processes)(problem)
        started = len(processes._idle)

    assert started == 2
    assert plain(there) == plain(here)
    assert certify(problem, there).valid


@pytest.mark.parametrize("name", ENGINES)
def test_a_worker_killed_in_the_middle_changes_no_byte(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    problem = apart(PARTS)
    here = engines.engine(name, spread=OneCore())(problem)
    pids: list[int] = []
    start, killed = spread._Worker.start, []

    def started() -> Any:
        worker = start()
        pids.append(worker.process.pid or 0)
        return worker

    def kill_all(done: int, of: int) -> None:
        for pid in [] if killed else list(pids):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
                killed.append(pid)

    monkeypatch.setattr(spread._Worker, "start", started)
    with Processes(2) as processes:
        there = engines.engine(name, spread=processes)(problem, progress=kill_all)

    assert len(killed) == 2
    assert len(pids) >= 3
    assert plain(there) == plain(here)


@pytest.mark.parametrize("name", ENGINES)
def test_who_is_told_of_a_part_may_end_the_run_and_nothing_works_on(name: str) -> None:
    problem = apart(PARTS)

    def stop(done: int, of: int) -> None:
        raise Cancelled

    with Processes(2) as processes:
        with pytest.raises(Cancelled):
            engines.engine(name, spread=processes)(problem, progress=stop)
        left = len(processes._idle)
        again = engines.engine(name, spread=processes)(problem)

    assert left <= 2
    assert certify(problem, again).valid

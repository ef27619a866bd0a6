"""A Dask cluster of two real workers on the loopback address: the same answers, also when one is killed over a part."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from marketplace.adapters.cluster import AHEAD, DaskCluster, spread
from marketplace.solver import transport
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, SolverFailed
from marketplace.solver.spread import OneCore, Processes, WorkersLost
from tests.unit.solver.test_spread_engines import apart, plain

ROOT = Path(__file__).resolve().parent.parent.parent.parent
START_SECONDS = 60
QUIET = {
    "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "PYTHONPATH": str(ROOT),
    "OPENBLAS_NUM_THREADS": "1",
}

Part: TypeAlias = "tuple[Integers, Integers]"
PARTS: list[Part] = [(np.arange(size, dtype=np.int64), np.full(size, size, dtype=np.int64)) for size in (3, 500, 1, 40)]
SIZES = [lot.size for lot, _ in PARTS]


def summed(part: Part) -> int:
    lot, kg = part
    return int((lot * kg).sum())


def who(part: object) -> int:
    return os.getpid()


def end_once(given: tuple[str, int]) -> int:
    """Kill the worker that does this, if it is the first to do it."""
    file, value = given
    if Path(file).exists():
        return value
    Path(file).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the worker went on")


def end_always(value: int) -> int:
    if value == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def note(given: tuple[str, int]) -> int:
    folder, value = given
    (Path(folder) / str(value)).touch()
    return value


def fails(value: int) -> int:
    if value == 2:
        raise SolverFailed(f"no plan for part {value}")
    return value


def doubled(array: Integers) -> Integers:
    return array * 2


@dataclass
class Cluster:
    """A scheduler and its workers, each a process of its own."""

    address: str
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]]


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """Start a scheduler and workers, and end all of them; a worker that is killed is started again by its nanny."""
    file = folder / "scheduler.json"
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *options: str) -> subprocess.Popen[bytes]:
        log = (folder / f"{name}-{len(started)}.log").open("wb")
        command = [sys.executable, "-m", f"distributed.cli.dask_{name}", "--host", "127.0.0.1", "--no-dashboard"]
        with log:
            process = subprocess.Popen(
                [*command, "--scheduler-file", str(file), *options],
                cwd=folder,
                env=os.environ | QUIET,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    try:
        scheduler = start("scheduler", "--port", "0")
        made = [start("worker", "--nthreads", "1", "--local-directory", str(folder)) for _ in range(workers)]
        yield Cluster(_address(file, scheduler), scheduler, made)
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            try:
                process.wait(timeout=15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(file: Path, scheduler: subprocess.Popen[bytes]) -> str:
    """Return where the scheduler listens, once it has written that down."""
    ready = threading.Event()
    for _ in range(START_SECONDS * 20):
        assert scheduler.poll() is None, "the scheduler ended before it listened"
        try:
            return str(json.loads(file.read_text())["address"])
        except (FileNotFoundError, ValueError):
            ready.wait(0.05)
    raise AssertionError("the scheduler does not listen")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    with cluster(tmp_path_factory.mktemp("cluster"), 2) as made:
        yield made


def test_it_answers_what_one_core_answers_from_processes_of_its_own(two: Cluster) -> None:
    here = dict(OneCore().each(summed, PARTS, cost=SIZES))

    with DaskCluster(two.address, patience=60) as dask:
        there = dict(dask.each(summed, PARTS, cost=SIZES))
        pids = {pid for _, pid in dask.each(who, range(12))}
        small = {pid for _, pid in dask.each(who, PARTS, cost=SIZES, worth=545)}

    assert there == here
    assert os.getpid() not in pids
    assert small == {os.getpid()}


def test_a_round_solved_by_it_is_the_same_to_the_byte(two: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "WORTH_PROCESSES", 0)
    monkeypatch.setattr(transport, "_BATCH", 1)
    problem = apart(4)
    here = engine("scipy")(problem)

    with DaskCluster(two.address, patience=60) as dask:
        there = engine("scipy", spread=dask)(problem)

    assert plain(there) == plain(here)


def test_large_arrays_go_both_ways_without_a_warning(two: Cluster) -> None:
    array = np.zeros(2 * 2**20, dtype=np.int64)

    with DaskCluster(two.address, patience=60) as dask:
        answers = dict(dask.each(doubled, [array + 1, array + 2]))

    assert {index: (int(each[0]), each.size) for index, each in answers.items()} == {0: (2, 2**21), 1: (4, 2**21)}


def test_a_worker_killed_in_the_middle_changes_no_answer(two: Cluster, tmp_path: Path) -> None:
    payloads = [(str(tmp_path / "killed"), index) for index in range(8)]

    with DaskCluster(two.address, patience=60) as dask:
        answers = dict(dask.each(end_once, payloads))

    assert answers == {index: index for index in range(8)}
    assert (tmp_path / "killed").exists()


def test_control_a_part_that_kills_more_workers_than_allowed_is_given_up(two: Cluster) -> None:
    with (
        DaskCluster(two.address, patience=60) as dask,
        pytest.raises(WorkersLost, match=r"workers died over part \d"),
    ):  # whose part is named is chance
        dict(dask.each(end_always, range(3)))


def test_what_a_worker_raises_comes_back_as_it_is(two: Cluster) -> None:
    with DaskCluster(two.address, patience=60) as dask:
        with pytest.raises(SolverFailed, match=r"^no plan for part 2$") as raised:
            dict(dask.each(fails, [0, 2]))
        again = dict(dask.each(fails, [0, 1]))

    assert type(raised.value) is SolverFailed
    assert again == {0: 0, 1: 1}


def test_when_one_stops_early_the_rest_is_not_begun(two: Cluster, tmp_path: Path) -> None:
    payloads = [(str(tmp_path), index) for index in range(60)]

    with DaskCluster(two.address, patience=60) as dask:
        with closing(dask.each(note, payloads)) as answers:
            next(answers)
        after = dict(dask.each(fails, [0, 1]))

    assert after == {0: 0, 1: 1}
    assert len(list(tmp_path.iterdir())) <= AHEAD * 2 + 1


def test_while_one_waits_it_is_asked_whether_the_answer_is_wanted(two: Cluster, tmp_path: Path) -> None:
    def wanted() -> None:
        raise SolverFailed("nobody wants it")

    with DaskCluster(two.address, patience=60, wanted=wanted) as dask, pytest.raises(SolverFailed, match="nobody"):
        dict(dask.each(wait_for_ever, [str(tmp_path / "end"), str(tmp_path / "end")]))
    (tmp_path / "end").touch()  # Dask does not end what has begun: let it go


def wait_for_ever(file: str) -> None:
    tick = threading.Event()
    while not Path(file).exists():
        tick.wait(0.05)


def test_a_scheduler_that_is_not_there_is_said_to_be_so() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    before = threading.active_count()

    with DaskCluster(f"tcp://127.0.0.1:{port}", patience=0.5) as dask, pytest.raises(WorkersLost, match="not answer"):
        dict(dask.each(fails, [0, 1]))

    assert threading.active_count() <= before + 1


def test_a_cluster_without_workers_is_given_up(tmp_path: Path) -> None:
    with (
        cluster(tmp_path, 0) as empty,
        DaskCluster(empty.address, patience=0.5) as dask,
        pytest.raises(WorkersLost, match="has no workers"),
    ):
        dict(dask.each(fails, [0, 1]))


def test_a_setting_names_a_place() -> None:
    made = [spread(name) for name in ("core", "processes", "processes:3", "tcp://127.0.0.1:8786")]

    assert [type(each) for each in made] == [OneCore, Processes, Processes, DaskCluster]
    assert made[2].workers == 3  # type: ignore[attr-defined]
    assert made[3].address == "tcp://127.0.0.1:8786"  # type: ignore[attr-defined]

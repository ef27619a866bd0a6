"""The same answers wherever the parts are worked on, whoever dies over them, and nothing left running."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from marketplace.solver import spread
from marketplace.solver.problem import Integers, SolverFailed
from marketplace.solver.spread import OneCore, Processes, WorkersLost

Part: TypeAlias = "tuple[Integers, Integers]"

PARTS: list[Part] = [(np.arange(size, dtype=np.int64), np.full(size, size, dtype=np.int64)) for size in (3, 500, 1, 40)]
SIZES = [lot.size for lot, _ in PARTS]
ROOT = Path(__file__).resolve().parent.parent.parent.parent
FIVE_MIB = np.zeros(5 * 2**17, dtype=np.int64)
"""More than any pipe holds."""


def summed(part: Part) -> int:
    lot, kg = part
    return int((lot * kg).sum())


def who(part: object) -> int:
    return os.getpid()


def end_once(given: tuple[str, int]) -> int:
    """Kill the process that does this, if it is the first to do it."""
    file, value = given
    if Path(file).exists():
        return value
    Path(file).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("the process went on")


def end_always(value: int) -> int:
    if value == 1:
        os._exit(7)
    return value


def end_when_told(file: str) -> str:
    """Work until the file is there, or for ever."""
    while not Path(file).exists():
        pass
    return file


def fails(value: int) -> int:
    if value == 2:
        raise SolverFailed(f"no plan for part {value}")
    if value == 3:
        raise FileNotFoundError(2, "not a dead worker", "x")
    return value


class Odd(Exception):
    """Cannot be read again where it was not raised."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")


def raises_odd(value: int) -> int:
    raise Odd(value, value)


def answers_what_cannot_be_sent(value: int) -> object:
    return lambda: value


def doubled(array: Integers) -> Integers:
    return array * 2


class Made(Sequence[int]):
    """Makes its items when they are asked for, and remembers when that was."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.made: list[int] = []

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: object) -> int:  # type: ignore[override]
        assert isinstance(index, int)
        self.made.append(index)
        return index


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(scope="module")
def two() -> Iterator[Processes]:
    """Two processes that all tests share which leave them alone."""
    with Processes(2) as made:
        yield made


def test_one_core_answers_the_biggest_first_and_equals_as_given() -> None:
    assert list(OneCore().each(summed, PARTS, cost=SIZES)) == [(1, 62_375_000), (3, 31_200), (0, 9), (2, 0)]
    assert [index for index, _ in OneCore().each(summed, PARTS)] == [0, 1, 2, 3]
    assert [index for index, _ in OneCore().each(who, "abcd", cost=[1, 2, 2, 1])] == [1, 2, 0, 3]
    assert list(OneCore().each(summed, [])) == []
    with pytest.raises(ValueError, match="each part has a cost"):
        list(OneCore().each(summed, PARTS, cost=[1]))


def test_processes_answer_what_one_core_answers(two: Processes) -> None:
    here = dict(OneCore().each(summed, PARTS, cost=SIZES))

    there = dict(two.each(summed, PARTS, cost=np.array(SIZES)))

    assert there == here


def test_the_work_is_done_elsewhere_by_no_more_than_so_many(two: Processes) -> None:
    pids = {pid for _, pid in two.each(who, range(20))}

    again = {pid for _, pid in two.each(who, range(20))}

    assert os.getpid() not in pids
    assert len(pids | again) <= 2
    assert all(alive(pid) for pid in pids)


def test_a_small_job_and_a_single_part_are_done_here(two: Processes) -> None:
    small = {pid for _, pid in two.each(who, PARTS, cost=SIZES, worth=545)}
    worth_it = {pid for _, pid in two.each(who, PARTS, cost=SIZES, worth=544)}
    single = {pid for _, pid in two.each(who, [1], cost=[10**9], worth=0)}
    none = list(two.each(who, []))

    assert small == single == {os.getpid()}
    assert os.getpid() not in worth_it
    assert none == []


def test_a_single_part_that_somebody_may_stop_is_done_where_it_can_be_ended(tmp_path: Path) -> None:
    def wanted() -> None:
        raise SolverFailed("nobody wants it")

    with Processes(2, wanted=wanted) as processes:
        small = dict(processes.each(who, [1], cost=[1], worth=2))
        with pytest.raises(SolverFailed, match="nobody wants it"):
            dict(processes.each(end_when_told, [str(tmp_path / "never")], cost=[2], worth=2))

    assert small == {0: os.getpid()}


def test_parts_are_made_when_somebody_is_free_for_them(two: Processes) -> None:
    parts = Made(9)

    with closing(two.each(who, parts, cost=range(9))) as answers:
        next(answers)

    assert parts.made[:2] == [8, 7]
    assert len(parts.made) <= 4


def test_arrays_larger_than_a_pipe_go_both_ways(two: Processes) -> None:
    answers = dict(two.each(doubled, [FIVE_MIB + 1, FIVE_MIB + 2, FIVE_MIB + 3]))

    assert {index: (int(array[0]), array.size) for index, array in answers.items()} == {
        0: (2, 655_360), 1: (4, 655_360), 2: (6, 655_360),
    }  # fmt: skip


def test_a_worker_killed_in_the_middle_changes_no_answer(tmp_path: Path) -> None:
    payloads = [(str(tmp_path / f"part {index % 2}"), index) for index in range(6)]

    with Processes(2) as processes:
        answers = dict(processes.each(end_once, payloads))

    assert answers == {index: index for index in range(6)}
    assert len(list(tmp_path.iterdir())) == 2  # two were killed


def test_control_without_another_try_the_same_kill_ends_the_run(tmp_path: Path) -> None:
    payloads = [(str(tmp_path / "part"), index) for index in range(6)]

    with Processes(2, again=0) as processes, pytest.raises(WorkersLost, match=r"1 processes died over part \d"):
        dict(processes.each(end_once, payloads))


def test_a_part_that_kills_whoever_takes_it_is_given_up(tmp_path: Path) -> None:
    with Processes(2) as processes, pytest.raises(WorkersLost) as lost:
        dict(processes.each(end_always, range(3)))

    assert str(lost.value) == "3 processes died over part 1, the last with exit code 7"
    assert isinstance(lost.value, SolverFailed)


def test_a_worker_that_died_while_it_had_nothing_to_do_is_replaced() -> None:
    with Processes(2) as processes:
        first = {pid for _, pid in processes.each(who, range(8))}
        for pid in first:
            os.kill(pid, signal.SIGKILL)

        then = [pid for _, pid in processes.each(who, range(8))]

    assert len(then) == 8
    assert first.isdisjoint(then)


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [(2, SolverFailed, "no plan for part 2"), (3, FileNotFoundError, "[Errno 2] not a dead worker: 'x'")],
)
def test_what_a_worker_raises_comes_back_as_it_is(two: Processes, value: int, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind) as raised:
        dict(two.each(fails, [0, value]))

    assert type(raised.value) is kind
    assert str(raised.value) == text
    assert "in fails" in raised.value.__notes__[0]
    assert dict(two.each(fails, [0, 1])) == {0: 0, 1: 1}


def test_what_cannot_be_sent_is_told_and_kills_nobody(two: Processes) -> None:
    with pytest.raises(RuntimeError, match="Odd: 1 and 1"):
        dict(two.each(raises_odd, [1, 1]))
    with pytest.raises(Exception, match="pickle"):
        dict(two.each(answers_what_cannot_be_sent, [1, 1]))
    with pytest.raises(Exception, match="pickle"):
        dict(two.each(who, [lambda: 1, lambda: 2]))

    assert dict(two.each(fails, [0, 1])) == {0: 0, 1: 1}


def test_nothing_is_left_running_when_one_stops_early(tmp_path: Path) -> None:
    never = str(tmp_path / "never")
    ready = str(tmp_path / "ready")
    Path(ready).touch()
    started = Recorded()

    with started, Processes(2) as processes:
        for index, _ in processes.each(end_when_told, [never, ready, never]):
            assert index == 1
            break

    assert len(started.pids) == 2
    assert not any(alive(pid) for pid in started.pids)


def test_what_the_caller_raises_in_the_middle_ends_those_who_work(tmp_path: Path) -> None:
    never, ready = str(tmp_path / "never"), str(tmp_path / "ready")
    Path(ready).touch()
    started = Recorded()

    def run(processes: Processes) -> None:
        for _ in processes.each(end_when_told, [never, ready]):
            raise SolverFailed("nobody wants it")

    with started, Processes(2) as processes:
        with pytest.raises(SolverFailed):
            run(processes)
        busy = [pid for pid in started.pids if alive(pid)]
        assert len(busy) == 1  # the one that had answered waits for the next part

    assert not any(alive(pid) for pid in started.pids)


def test_while_all_work_it_is_asked_whether_the_answer_is_wanted(tmp_path: Path) -> None:
    never = str(tmp_path / "never")
    started = Recorded()
    asked = []

    def wanted() -> None:
        asked.append(1)
        if len(asked) == 2:
            raise SolverFailed("nobody wants it")

    with started, Processes(2, wanted=wanted) as processes, pytest.raises(SolverFailed, match="nobody wants it"):
        dict(processes.each(end_when_told, [never, never]))

    assert len(started.pids) == 2
    assert not any(alive(pid) for pid in started.pids)


SCRIPT = """
import sys
from marketplace.solver.spread import Processes
from tests.unit.solver.test_spread import holds_the_line
for _ in Processes(2).each(holds_the_line, [int(sys.argv[1])] * 2):
    pass
"""


def holds_the_line(port: int) -> None:
    """Keep a connection open and work for ever."""
    with socket.create_connection(("127.0.0.1", port)):
        while True:
            pass


def test_no_worker_outlives_a_parent_that_is_killed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        port = str(server.getsockname()[1])
        with subprocess.Popen([sys.executable, "-c", SCRIPT, port], cwd=ROOT) as parent:
            lines = [server.accept()[0] for _ in range(2)]

            parent.kill()

        for line in lines:
            line.settimeout(60)
            with line:
                assert line.recv(1) == b""  # closed by the system, since its holder has ended


def test_at_least_one_process_works() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Processes(0)

    assert 1 <= Processes().workers <= (os.cpu_count() or 1)


class Recorded:
    """Writes down the processes that are started meanwhile."""

    def __init__(self) -> None:
        self.pids: list[int] = []

    def __enter__(self) -> None:
        self._start = spread._Worker.start
        spread._Worker.start = self._started  # type: ignore[method-assign]

    def __exit__(self, *_: object) -> None:
        spread._Worker.start = self._start  # type: ignore[method-assign]
        for pid in self.pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def _started(self) -> spread._Worker:
        worker = self._start()
        assert worker.process.pid is not None
        self.pids.append(worker.process.pid)
        return worker

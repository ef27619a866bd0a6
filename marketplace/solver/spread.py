"""
The same work on one core or on several: who asks hands over a function and the parts, and gets answers as they come.

A part is handed to a worker when one is free, the biggest first, so that none of them ends long after the others
(longest processing time first [1]_). What a part answers does not depend on who does it, nor on how often it was begun:
a worker that dies in the middle costs time and no kilogram.

References
----------
.. [1] R. L. Graham (1969), Bounds on multiprocessing timing anomalies, :doi:`10.1137/0117039`.
"""

from __future__ import annotations

import os
import pickle
import signal
import threading
import traceback
from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Final, Protocol, Self, TypeVar

import numpy as np

from marketplace.solver.problem import Ended, Integers

P = TypeVar("P")
R = TypeVar("R")

AGAIN: Final = 2
"""How often a part is given to another worker after one has died over it."""

PULSE: Final = 0.5
"""Seconds between two looks at whether the answer is still wanted, while all workers are busy."""

Wanted = Callable[[], None]
"""Called while one waits for workers; raises, such as `Cancelled`, if nobody wants the answer any more."""


class WorkersLost(Ended):
    """Those who were to do the work could not be reached, or died over the same part again and again."""


class Spread(Protocol):
    """
    Where independent parts are worked on. Close it, or use it in a ``with`` block; until then it keeps its workers.

    One run has one of its own: a run that is stopped takes nobody else's workers with it.
    """

    def each(
        self,
        function: Callable[[P], R],
        payloads: Sequence[P],
        *,
        cost: Sequence[int] | Integers | None = None,
        worth: int = 0,
    ) -> Generator[tuple[int, R], None, None]:
        """
        Yield ``(index, function(payloads[index]))`` for each payload, in the order in which they are done.

        Parameters
        ----------
        function : callable
            At the top level of a module, so that it can be named to another process.
        payloads : sequence
            One for each part, such as a tuple of arrays; asked for an item only when a worker is free for it, so
            that a sequence which makes its items need not hold all of them.
        cost : sequence of int, optional
            (len(payloads),) what each part is likely to take, in any unit; the biggest is begun first. Without it
            they are begun in the order given.
        worth : int
            What all parts must cost together for another process to be worth it; below, they are done here.

        Raises
        ------
        WorkersLost
            If workers died over the same part more often than allowed, or cannot be reached.
        Exception
            Whatever ``function`` raises, as it is.

        When the generator is closed before its end, as a ``for`` does that is left by an exception, nothing is
        left running.
        """

    def close(self) -> None:
        """Let the workers go."""

    def __enter__(self) -> Self:
        """Return itself."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close it."""


class OneCore:
    """One part after the other, in this process."""

    def each(
        self,
        function: Callable[[P], R],
        payloads: Sequence[P],
        *,
        cost: Sequence[int] | Integers | None = None,
        worth: int = 0,  # noqa: ARG002  # all of it is done here, whatever it is worth
    ) -> Generator[tuple[int, R], None, None]:
        """Yield each answer, see `Spread.each`."""
        for index in biggest_first(len(payloads), cost):
            yield index, function(payloads[index])

    def close(self) -> None:
        """Do nothing: there is nobody to let go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class Processes:
    """
    Several processes of this machine, started when they are first needed and kept until it is closed.

    Each has a pipe of its own and one part at a time, so that it is known which part a dead one had, and so that one
    in the middle of its work can be ended at once: a pool of `concurrent.futures` tells neither, and does not end
    what runs. They are started afresh (``spawn``), not copied, for a copy of a process with threads may hang; that
    takes about half a second, most of it to read NumPy and SciPy again.

    Parameters
    ----------
    workers : int, optional
        How many at once; as many as this process has cores, unless told.
    again : int
        How often a part is given to another worker after one has died over it.
    wanted : callable, optional
        Called every half second while all are busy; what it raises ends the work.
    """

    def __init__(self, workers: int | None = None, *, again: int = AGAIN, wanted: Wanted | None = None) -> None:
        if workers is not None and workers < 1:
            raise ValueError("at least one process works")
        self.workers = workers or cores()
        self._again, self._wanted = again, wanted
        self._idle: list[_Worker] = []

    def each(
        self,
        function: Callable[[P], R],
        payloads: Sequence[P],
        *,
        cost: Sequence[int] | Integers | None = None,
        worth: int = 0,
    ) -> Generator[tuple[int, R], None, None]:
        """Yield each answer, see `Spread.each` and `worth_it`."""
        if not worth_it(len(payloads), cost, worth, self._wanted):
            yield from OneCore().each(function, payloads, cost=cost)
            return
        waiting, died = deque(biggest_first(len(payloads), cost)), Counter[int]()
        busy: dict[Connection, tuple[_Worker, int]] = {}
        try:
            while waiting or busy:
                self._hand_out(function, payloads, waiting, busy)
                done: list[tuple[int, R]] = []
                for ready in wait(list(busy), PULSE if self._wanted else None):
                    worker, index = busy[ready]  # type: ignore[index]  # it is one of those we wait for
                    try:
                        answer = worker.connection.recv_bytes()
                    except (EOFError, OSError):
                        del busy[ready]  # type: ignore[arg-type]
                        self._give_up_or_back(index, worker, waiting, died)
                    else:
                        done.append((index, _read(answer)))
                        del busy[ready]  # type: ignore[arg-type]
                        self._idle.append(worker)
                self._hand_out(function, payloads, waiting, busy)  # nobody waits while the caller looks at an answer
                yield from done
                if self._wanted is not None and not done:
                    self._wanted()
        finally:
            for worker, _ in busy.values():
                worker.end()

    def _hand_out(
        self,
        function: Callable[[P], R],
        payloads: Sequence[P],
        waiting: deque[int],
        busy: dict[Connection, tuple[_Worker, int]],
    ) -> None:
        """Give every free worker a part; all that are missing are started before the first has to listen."""
        free = min(len(waiting), self.workers - len(busy))
        while len(self._idle) < free:
            self._idle.append(_Worker.start())
        for _ in range(free):
            worker, index = self._idle.pop(), waiting.popleft()
            busy[worker.connection] = worker, index
            payload = payloads[index]
            with suppress(OSError):  # it is dead, which is found when its answer is asked for
                worker.connection.send((function, payload))

    def _give_up_or_back(self, index: int, worker: _Worker, waiting: deque[int], died: Counter[int]) -> None:
        """Put the part of a dead worker back in front, unless too many have died over it; raises WorkersLost."""
        code = worker.end()
        died[index] += 1
        if died[index] > self._again:
            raise WorkersLost(f"{died[index]} processes died over part {index}, the last with exit code {code}")
        waiting.appendleft(index)

    def close(self) -> None:
        """End the processes; the next use starts new ones."""
        while self._idle:
            self._idle.pop().end()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


@dataclass(frozen=True, eq=False)
class _Worker:
    """A process at the other end of a pipe."""

    process: BaseProcess
    connection: Connection

    @classmethod
    def start(cls) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs,), daemon=True)
        try:
            process.start()
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()  # so that the pipe ends with the process
        return cls(process, ours)

    def end(self) -> int | None:
        """End the process, whatever it is doing, and return its exit code."""
        self.process.kill()
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        self.connection.close()
        return code


def biggest_first(count: int, cost: Sequence[int] | Integers | None) -> list[int]:
    """Return the order in which parts are begun: the dearest first, equals as given."""
    if cost is None:
        return list(range(count))
    if len(cost) != count:
        raise ValueError("each part has a cost")
    order: list[int] = np.argsort(-np.asarray(cost, dtype=np.int64), kind="stable").tolist()
    return order


def worth_it(count: int, cost: Sequence[int] | Integers | None, worth: int, wanted: Wanted | None) -> bool:
    """
    Return whether parts are worth another process.

    They are not if they cost less than that together. A single one is only where somebody may want its answer no more,
    for it can be ended at once there and not here; nobody could do another beside it.
    """
    enough = cost is None or sum(int(each) for each in cost) >= worth
    return enough and (count > 1 or (count == 1 and wanted is not None))


def cores() -> int:
    """Return how many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _work(connection: Connection) -> None:
    """Do what comes through the pipe until it ends: the whole life of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which ends us
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    while True:
        try:
            asked = connection.recv_bytes()
        except EOFError:
            return
        try:
            function, payload = pickle.loads(asked)  # noqa: S301  # from the parent
            answer = pickle.dumps((True, function(payload)), pickle.HIGHEST_PROTOCOL)
        except Exception as error:
            answer = _portable(error)
        connection.send_bytes(answer)


def _read(answer: bytes) -> Any:
    """Return what the function returned, or raise what it raised."""
    good, value = pickle.loads(answer)  # noqa: S301  # from our own process
    if good:
        return value
    raise value


def _portable(error: Exception) -> bytes:
    """Return an exception as an answer that can be read again, with the place where it was raised as a note."""
    error.add_note(f"Raised in process {os.getpid()}:\n{traceback.format_exc()}")
    try:
        pickled = pickle.dumps((False, error), pickle.HIGHEST_PROTOCOL)
        pickle.loads(pickled)  # noqa: S301  # some can be written and not read
    except Exception:
        return pickle.dumps((False, RuntimeError("".join(traceback.format_exception_only(error)))))
    return pickled


def _leave_with_parent() -> None:
    """End this process when the one that started it has died, however that happened."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

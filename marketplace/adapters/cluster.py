"""A Dask cluster as the place where parts are worked on, and which place a setting names."""

from __future__ import annotations

import pickle
import secrets
from collections import deque
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from marketplace.solver.problem import Integers
from marketplace.solver.spread import PULSE, OneCore, Processes, Spread, Wanted, WorkersLost, biggest_first, worth_it

if TYPE_CHECKING:
    from distributed import Client, Future

P = TypeVar("P")
R = TypeVar("R")

AHEAD: Final = 2
"""Parts handed out for each thread of the cluster, so that none waits for the wire."""

PATIENCE: Final = 15.0
"""Seconds after which a scheduler that does not answer, or has no workers, is given up."""


def spread(solver: str, *, wanted: Wanted | None = None) -> Spread:
    """
    Return a new place to work that a setting names: ``core``, ``processes``, ``processes:N`` or ``tcp://host:port``.

    ``wanted`` is called while one waits for workers, and ends the work by raising. Nothing is started or asked yet.
    """
    if solver.startswith("tcp://"):
        return DaskCluster(solver, wanted=wanted)
    kind, _, workers = solver.partition(":")
    return Processes(int(workers) if workers else None, wanted=wanted) if kind == "processes" else OneCore()


class DaskCluster:
    """
    The workers of a Dask scheduler, asked when they are first needed.

    They need this package in the same version. What travels is the function's name and arrays of numbers; whoever can
    reach the scheduler can run code on its workers, so that it belongs behind the same wall as the database. A part
    whose worker dies is given to another by the scheduler, as often as its ``allowed-failures`` says.

    Parameters
    ----------
    address : str
        Of the scheduler, ``tcp://host:port``.
    patience : float
        Seconds after which a scheduler that does not answer, or has no workers, is given up.
    wanted : callable, optional
        Called every half second while one waits; what it raises ends the work.
    """

    def __init__(self, address: str, *, patience: float = PATIENCE, wanted: Wanted | None = None) -> None:
        self.address = address
        self._patience, self._wanted = patience, wanted
        self._made: Client | None = None

    def each(
        self,
        function: Callable[[P], R],
        payloads: Sequence[P],
        *,
        cost: Sequence[int] | Integers | None = None,
        worth: int = 0,
    ) -> Generator[tuple[int, R], None, None]:
        """Yield each answer, see `marketplace.solver.spread.Spread.each` and `worth_it`."""
        if not worth_it(len(payloads), cost, worth, self._wanted):
            yield from OneCore().each(function, payloads, cost=cost)
            return
        client = self._client()
        most = AHEAD * sum(client.nthreads().values())
        waiting = deque(biggest_first(len(payloads), cost))
        run, pending, ready = secrets.token_hex(8), dict[int, Any](), SimpleQueue[int]()

        def hand_out() -> None:
            while waiting and len(pending) < most:
                index = waiting.popleft()
                work = pickle.dumps((function, payloads[index]), pickle.HIGHEST_PROTOCOL)
                pending[index] = client.submit(_do, work, key=f"part-{run}-{index}", pure=False)
                pending[index].add_done_callback(lambda _, index=index: ready.put(index))

        try:
            hand_out()
            while pending:
                index = self._next(client, ready)
                answer = self._answer(pending.pop(index), index)
                hand_out()  # nobody waits while the caller looks at an answer
                yield index, answer
        finally:
            if pending:
                with suppress(OSError, RuntimeError):  # the scheduler is gone, and with it what it was asked for
                    client.cancel(list(pending.values()), force=True)

    def _client(self) -> Client:
        """Return the connection to the scheduler, made once. Raises WorkersLost if it or its workers are not there."""
        if self._made is None:
            import dask
            from distributed import Client

            dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TiB"})  # arrays are what it is for
            try:
                self._made = Client(self.address, timeout=self._patience, set_as_default=False, name="huiyong")
                self._made.wait_for_workers(1, timeout=self._patience)
            except OSError as silent:  # TimeoutError among them
                self.close()
                raise WorkersLost(f"{self.address} does not answer, or has no workers: {silent}") from silent
        return self._made

    def _next(self, client: Client, ready: SimpleQueue[int]) -> int:
        """Wait until a part is done, and return it. Raises WorkersLost if there is nobody to do it."""
        alone = 0.0
        while True:
            with suppress(Empty):
                return ready.get(timeout=PULSE)
            if self._wanted is not None:
                self._wanted()
            alone = 0.0 if self._workers(client) else alone + PULSE
            if alone > self._patience:
                raise WorkersLost(f"{self.address} has had no workers for {self._patience:g} seconds")

    def _workers(self, client: Client) -> int:
        try:
            return len(client.nthreads())
        except (OSError, RuntimeError) as gone:
            raise WorkersLost(f"{self.address} does not answer any more: {gone}") from gone

    @staticmethod
    def _answer(future: Future[Any], index: int) -> Any:
        """Return what the function returned or raise what it raised; WorkersLost if nobody could be found to do it."""
        from distributed import CancelledError, KilledWorker

        try:
            return future.result()
        except KilledWorker as killed:
            raise WorkersLost(f"workers died over part {index}: {killed}") from killed
        except CancelledError as gone:
            raise WorkersLost(f"the scheduler was lost over part {index}: {gone}") from gone
        finally:
            future.release()

    def close(self) -> None:
        """Leave the scheduler; the next use asks it again."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _do(work: bytes) -> Any:
    """Do one part, on a worker."""
    function, payload = pickle.loads(work)  # noqa: S301  # from whoever may run code here anyway
    return function(payload)

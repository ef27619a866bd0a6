"""The engines by name, and which one is meant by "auto"."""

from __future__ import annotations

from typing import Final, Protocol

from marketplace.solver import greedy, transport
from marketplace.solver.problem import Allocation, Problem


class Progress(Protocol):
    """Told after each independent part how many arcs are done, of how many."""

    def __call__(self, done: int, of: int) -> None:
        """Take note; nothing is expected back."""


class Engine(Protocol):
    """A function from a problem to an allocation of it; raises SolverFailed."""

    def __call__(self, problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
        """Allocate."""


def _scipy(problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
    return transport.allocate(problem, progress=progress)


def _greedy(problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
    allocation = greedy.allocate(problem)
    if progress is not None:
        progress(problem.lot.size, problem.lot.size)
    return allocation


AUTO: Final = "auto"

ENGINES: Final[dict[str, Engine]] = {"scipy": _scipy, "greedy": _greedy}
"""``scipy`` is exact and the reference; ``greedy`` is the baseline, whose certificate says what it misses."""


def names() -> tuple[str, ...]:
    """Return every name that `engine` knows, the default first."""
    return (AUTO, *ENGINES)


def resolve(name: str) -> str:
    """Return the name of the engine that runs when ``name`` is asked for; raises KeyError if there is none."""
    found = "scipy" if name == AUTO else name
    if found not in ENGINES:
        raise KeyError(name)
    return found


def engine(name: str = AUTO) -> Engine:
    """Return an engine by its name; raises KeyError if there is none."""
    return ENGINES[resolve(name)]

"""The engines by name, and which one is meant by "auto"."""

from __future__ import annotations

from typing import Final, Protocol

from marketplace.solver import greedy, network, simplex, transport, whole
from marketplace.solver.problem import Allocation, Problem
from marketplace.solver.spread import Spread


class Progress(Protocol):
    """Told after each independent part how many arcs are done, of how many; what it raises ends the run."""

    def __call__(self, done: int, of: int) -> None:
        """Take note; nothing is expected back."""


class Engine(Protocol):
    """A function from a problem to an allocation of it; raises SolverFailed."""

    def __call__(self, problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
        """Allocate."""


class _Method(Protocol):
    def __call__(self, problem: Problem, *, progress: Progress | None, spread: Spread | None) -> Allocation: ...


def _greedy(problem: Problem, *, progress: Progress | None, spread: Spread | None) -> Allocation:
    allocation = greedy.allocate(problem)
    if progress is not None:
        progress(problem.lot.size, problem.lot.size)
    return allocation


AUTO: Final = "auto"

ENGINES: Final[dict[str, _Method]] = {
    "scipy": transport.allocate,
    "network": network.allocate,
    "assignment": whole.by_assignment,
    "milp": whole.by_search,
    "greedy": _greedy,
}
"""
``scipy`` is the reference and ``network`` the fast one; ``assignment`` and ``milp`` answer small problems, by other ways. These
four are equal to the byte. ``greedy`` is the baseline, whose certificate says what it misses.
"""


def names() -> tuple[str, ...]:
    """Return every name that `engine` knows, the default first."""
    return (AUTO, *ENGINES)


def resolve(name: str) -> str:
    """Return the name of the engine that runs when ``name`` is asked for; raises KeyError if there is none."""
    found = name if name != AUTO else "network" if simplex.INSTALLED else "scipy"
    if found not in ENGINES:
        raise KeyError(name)
    return found


def engine(name: str = AUTO, *, spread: Spread | None = None) -> Engine:
    """Return an engine by its name, which solves its parts where ``spread`` says; raises KeyError if there is none."""
    method = ENGINES[resolve(name)]

    def solve(problem: Problem, /, *, progress: Progress | None = None) -> Allocation:
        return method(problem, progress=progress, spread=spread)

    return solve

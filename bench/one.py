"""One method on one market, in a process of its own: `python -m bench.one METHOD MARKET.npz` prints a line of JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from time import perf_counter, process_time

from bench import byhand, peers
from bench.markets import Joined, Market, joined
from bench.memory import Growth
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers, Problem, weighted

Call = Callable[[], Integers]
Method = Callable[[Market], tuple[Problem | None, Call]]
"""From a market to the problem, if it is joined before the clock starts, and the call that is timed."""


def _ready(prepare: Callable[[Problem], Call]) -> Method:
    def method(market: Market) -> tuple[Problem, Call]:
        problem = joined(market).problem
        return problem, prepare(problem)

    return method


def _rule(rule: Callable[[Joined], Integers]) -> Method:
    def method(market: Market) -> tuple[Problem, Call]:
        instance = joined(market)
        return instance.problem, lambda: rule(instance)

    return method


def _engine(name: str) -> Method:
    solve = engine(name)
    return _ready(lambda problem: lambda: solve(problem).kg)


def _proved(name: str) -> Method:
    """From points to a plan with its certificate: pairs, filter, cost, engine, proof; nothing is made before."""
    solve = engine(name)

    def method(market: Market) -> tuple[None, Call]:
        def call() -> Integers:
            global _made  # noqa: PLW0603 - the pairs are made within the clock and asked for after it
            problem = _made = joined(market).problem
            allocation = solve(problem)
            proof = certify(problem, allocation)
            if not proof.valid:
                raise AssertionError(f"the plan is not proved: {proof.violations}")
            return allocation.kg

        return None, call

    return method


_made: Problem | None = None

METHODS: dict[str, Callable[[], Method]] = {
    "network simplex raw, whole": lambda: _ready(peers.by_network_simplex),
    "network simplex raw, parts": lambda: _ready(peers.by_network_simplex_in_parts),
    "POT, sparse emd": lambda: _ready(peers.by_pot),
    "OR-Tools min-cost flow": lambda: _ready(peers.by_or_tools),
    "linprog, plain": lambda: _ready(peers.by_linprog),
    "network": lambda: _engine("network"),
    "network, points to proof": lambda: _proved("network"),
    "scipy": lambda: _engine("scipy"),
    "scipy, points to proof": lambda: _proved("scipy"),
    **{name: lambda rule=rule: _rule(rule) for name, rule in byhand.RULES.items()},
}
BY_HAND = frozenset(byhand.RULES)


def measured(name: str, market: Market) -> dict[str, float | int | str]:
    """Return seconds of the clock and of the processor, MiB above the loaded instance, kilograms, cost, and a digest."""
    problem, call = METHODS[name]()(market)
    growth = Growth()
    began, worked = perf_counter(), process_time()
    kg = call()
    seconds, cpu_seconds = perf_counter() - began, process_time() - worked
    peak_mib = growth.mib()
    problem = problem or _made
    assert problem is not None
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "peak_mib": peak_mib,
        "kg": int(kg.sum()),
        "cost": weighted(kg, problem.cost),
        "arcs": problem.lot.size,
        "flows": sha256(kg.tobytes()).hexdigest(),
    }


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], Market.load(Path(sys.argv[2])))))

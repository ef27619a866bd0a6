"""What is done by hand today: rules that look at one listing, or one pair, after another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from bench.markets import Joined
from marketplace.solver import greedy
from marketplace.solver.problem import Integers


def _by_cost(rule: str) -> Callable[[Joined], Integers]:
    return lambda instance: greedy.allocate(instance.problem, rule).kg


def _by_distance(rule: str) -> Callable[[Joined], Integers]:
    return lambda instance: greedy.allocate(replace(instance.problem, cost=instance.meters), rule).kg


RULES: Final[dict[str, Callable[[Joined], Integers]]] = {
    "rule: cheapest pair first": _by_cost("cheapest pair"),
    "rule: cheapest line": _by_cost("cheapest line"),
    "rule: nearest line": _by_distance("cheapest line"),
    "rule: whole to cheapest": _by_cost("whole lot"),
    "rule: whole to nearest": _by_distance("whole lot"),
}
"""Each from a market to (e,) kilograms; nearness is what most plants go by, cost what a careful one adds up."""

"""A plan from files: who ships what to whom, what is proved of it, and why every other kilogram is left over."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from marketplace.matching.planning import FULL, PART_LOAD, REASONS, RULES, Pairs
from marketplace.solver.certificate import certify
from marketplace.solver.components import labels
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Integers, SolverFailed, weighted
from marketplace.solver.ruled import NODES, Ruled, allocate
from marketplace.solver.ruled_certificate import certify_ruled
from marketplace.solver.rules import Rules


@dataclass(frozen=True, kw_only=True)
class Proof:
    """
    What is proved of a plan, by code that shares nothing with the engine.

    No plan moves more than ``most_kg``, and none of as much, for the greatest surplus none at all, costs less than
    ``bound``, in thousandths of the unit; both keep the rules where there are any, and are None where nothing bounds them.
    ``cost`` is what the plan costs, fees included. ``searched`` is what branch and bound says of a plan with rules: the
    most kilograms, the least cost, and how many nodes it looked at, which nothing proves but HiGHS.
    """

    feasible: bool
    most_kg: int | None
    bound: int | None
    moved_kg: int
    cost: int
    violations: tuple[str, ...]
    searched: tuple[int | None, int | None, int] | None = None

    @property
    def tonnes_maximal(self) -> bool:
        """Whether no plan moves more."""
        return self.feasible and self.moved_kg == self.most_kg

    @property
    def cost_minimal(self) -> bool:
        """Whether no plan of as many tonnes costs less; for the greatest surplus, whether none has a greater one."""
        return self.feasible and self.cost == self.bound

    @property
    def gap(self) -> int | None:
        """By how much the plan may cost too much, in thousandths of the unit."""
        return None if self.bound is None else self.cost - self.bound


@dataclass(frozen=True, eq=False)
class Plan:
    """Kilograms of each pair, proved; ``best`` if it is shown that there is none better."""

    pairs: Pairs
    kg: Integers
    rules: Rules | None
    proof: Proof

    @property
    def best(self) -> bool:
        """Whether the objective is reached, and that is proved."""
        right = self.proof.cost_minimal and not self.proof.violations
        return right and (self.pairs.problem.objective == "surplus" or self.proof.tonnes_maximal)

    @property
    def fees_fen(self) -> int:
        """What its contracts cost beside the freight."""
        return self.pairs.terms.fee_fen * int(np.count_nonzero(self.kg))


def solve(
    pairs: Pairs,
    engine: Engine,
    *,
    rules: Rules | None = None,
    nodes: int = NODES,
    progress: Progress | None = None,
) -> Plan:
    """
    Allocate by an engine and prove it; raises SolverFailed if the plan is not even feasible, or not as good as it says.

    Without ``rules`` the plan of an exact engine is the best there is. With rules it is the best that was found, and
    the proof says how far it may be off; branch and bound looks at ``nodes`` nodes for each part at most.
    ``progress`` is told how many pairs are done, and begins again with each stage.
    """
    if rules is not None:
        return _ruled(pairs, rules, allocate(pairs.problem, rules, engine, nodes=nodes, progress=progress))
    allocation = engine(pairs.problem, progress=progress)
    proof = certify(pairs.problem, allocation)
    if not proof.feasible:
        raise SolverFailed("; ".join(proof.violations))
    found = Proof(
        feasible=True,
        most_kg=proof.most_kg,
        bound=proof.bound,
        moved_kg=proof.moved_kg,
        cost=proof.cost,
        violations=proof.violations,
    )
    return Plan(pairs, allocation.kg, None, found)


def _ruled(pairs: Pairs, rules: Rules, plan: Ruled) -> Plan:
    proof = certify_ruled(pairs.problem, rules, plan)
    if not proof.valid:
        raise SolverFailed("; ".join(proof.violations))
    found = Proof(
        feasible=True,
        most_kg=proof.bound_kg,
        bound=proof.bound_cost,
        moved_kg=proof.moved_kg,
        cost=proof.cost,
        violations=(),
        searched=(plan.searched_kg, plan.searched_cost, plan.nodes) if plan.nodes else None,
    )
    return Plan(pairs, plan.kg, rules, found)


def unmatched_kg(plan: Plan) -> dict[str, int]:
    """Return kilograms left over by reason, in the order of `REASONS`, reasons that left none omitted."""
    problem, load = plan.pairs.problem, plan.pairs.terms.truckload_kg
    left, room = problem.supply.copy(), problem.capacity.copy()
    np.subtract.at(left, problem.lot, plan.kg)
    np.subtract.at(room, problem.line, plan.kg)
    total = {name: int(left[plan.pairs.reason == code].sum()) for code, name in enumerate(REASONS)}
    if plan.rules is not None:
        paired = plan.pairs.reason == REASONS.index(FULL)
        part = np.where(paired, left % load, 0)
        beside = np.zeros(left.size, dtype=np.int64)
        np.add.at(beside, problem.lot, room[problem.line] // load * load)
        held = np.where(paired, np.minimum(left - part, beside), 0)
        for name, kg in ((PART_LOAD, int(part.sum())), (RULES, int(held.sum()))):
            total[name] += kg
            total[FULL] -= kg
    return {name: kg for name, kg in total.items() if kg}


def parts(pairs: Pairs) -> int:
    """Return how many connected parts with at least one pair there are."""
    n, m, _ = pairs.problem.shape
    _, label = labels(n, m, pairs.problem.lot, pairs.problem.line)
    return int(np.unique(label[pairs.problem.lot]).size)


def trips(plan: Plan, truckload_kg: int) -> int:
    """Return how many full or part truckloads the plan takes, pair by pair."""
    return int((-(-plan.kg // truckload_kg)).sum())


def transport_t_km(plan: Plan) -> Fraction:
    """Return tonnes times kilometers of road, exactly."""
    return Fraction(weighted(plan.kg, plan.pairs.road_m), 10**6)

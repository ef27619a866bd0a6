"""A plan from files: who ships what to whom and when, what waits in between, and what is proved of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from marketplace.matching.plancheck import Moved, Stored, faults
from marketplace.matching.planning import Pairs
from marketplace.solver.certificate import Certificate, certify
from marketplace.solver.components import labels
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Integers, SolverFailed, weighted
from marketplace.solver.ruling.ruled import NODES, Ruled, allocate
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Rules


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
    """
    Kilograms of each pair, (e,), and in each place of storage of the problem, (k,), proved.

    It is ``best`` if it is shown that there is none better.
    """

    pairs: Pairs
    kg: Integers
    carried: Integers
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
        return self.pairs.terms.fee_fen * self.contracts

    @property
    def contracts(self) -> int:
        """How many two deal with each other, over all months."""
        return int(np.unique(self.pairs.contract[self.kg > 0]).size)

    @property
    def storage_cost(self) -> int:
        """What storing costs, in thousandths of the unit."""
        return weighted(self.carried, self.pairs.problem.carry.cost)

    def moved(self) -> list[Moved]:
        """Return what moves, by places of lot and line, with the place of the filing that opens it, or -1."""
        at, of = np.flatnonzero(self.kg), self.pairs
        columns = (of.problem.lot[at], of.problem.line[at], self.kg[at], of.filing[at])
        return [Moved(*each) for each in zip(*(column.tolist() for column in columns), strict=True)]

    def stored(self) -> list[Stored]:
        """Return what waits: at lots or lines, from which row to which."""
        carry, n = self.pairs.problem.carry, len(self.pairs.lots)
        at = np.flatnonzero(self.carried)
        ends = zip(carry.tail[at].tolist(), carry.head[at].tolist(), self.carried[at].tolist(), strict=True)
        return [
            Stored("supply", tail, head, kg) if tail < n else Stored("demand", tail - n, head - n, kg)
            for tail, head, kg in ends
        ]


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
    plan = _plain(pairs, engine, progress) if rules is None else _ruled(pairs, rules, engine, nodes, progress)
    wrong = faults(pairs.lots, pairs.lines, pairs.terms.filed, plan.moved(), plan.stored())
    if wrong:
        raise SolverFailed("; ".join(wrong[:3]))
    return plan


def _plain(pairs: Pairs, engine: Engine, progress: Progress | None) -> Plan:
    allocation = engine(pairs.problem, progress=progress)
    proof = certify(pairs.problem, allocation)
    if not proof.feasible:
        raise SolverFailed("; ".join(proof.violations))
    return Plan(pairs, allocation.kg, allocation.carried, None, _proof(proof))


def _ruled(pairs: Pairs, rules: Rules, engine: Engine, nodes: int, progress: Progress | None) -> Plan:
    plan = allocate(pairs.problem, rules, engine, nodes=nodes, progress=progress)
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
    return Plan(pairs, plan.kg, plan.carried, rules, _without_rules(pairs, plan) or found)


def _without_rules(pairs: Pairs, plan: Ruled) -> Proof | None:
    """Return what is proved of a plan that keeps the rules if it is the best even without them, else None."""
    if plan.treated.any() or plan.allocation.lot_price.size != len(pairs.lots):
        return None
    proof = certify(pairs.problem, replace(plan.allocation, kg=plan.kg, carried=plan.carried))
    return _proof(proof) if proof.valid and proof.cost == plan.cost else None


def _proof(proof: Certificate) -> Proof:
    return Proof(
        feasible=proof.feasible,
        most_kg=proof.most_kg,
        bound=proof.bound,
        moved_kg=proof.moved_kg,
        cost=proof.cost,
        violations=proof.violations,
    )


def parts(pairs: Pairs) -> int:
    """Return how many connected parts with at least one pair there are; storage joins."""
    n, m, _ = pairs.problem.shape
    carry = pairs.problem.carry
    ends = [np.concatenate(each) for each in ((pairs.problem.lot, carry.tail), (pairs.problem.line, carry.head - n))]
    _, label = labels(n, m, *ends)
    return int(np.unique(label[pairs.problem.lot]).size)


def trips(plan: Plan, truckload_kg: int) -> int:
    """Return how many full or part truckloads the plan takes, pair by pair."""
    return int((-(-plan.kg // truckload_kg)).sum())


def transport_t_km(plan: Plan) -> Fraction:
    """Return tonnes times kilometers of road, exactly."""
    return Fraction(weighted(plan.kg, plan.pairs.road_m), 10**6)

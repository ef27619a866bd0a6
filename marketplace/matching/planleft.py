"""What a plan leaves over, and why: kilogram by kilogram under one reason."""

from __future__ import annotations

import numpy as np

from marketplace.matching.planning import FULL, PART_LOAD, PRICED_OUT, REASONS, RULES, STORE_FULL
from marketplace.matching.plans import Plan
from marketplace.solver.problem import Integers

_CODE = {name: code for code, name in enumerate(REASONS)}


def unmatched_kg(plan: Plan) -> dict[str, int]:
    """Return kilograms left over by reason, in the order of `REASONS`, reasons that left none omitted."""
    load = plan.pairs.terms.truckload_kg
    left, room = _left(plan)
    beside = _beside(plan, room)
    reason = _reasons(plan, beside)
    total = {name: int(left[reason == code].sum()) for code, name in enumerate(REASONS)}
    if plan.rules is not None:
        paired = reason == _CODE[FULL]
        part = np.where(paired, left % load, 0)
        held = np.where(paired, np.minimum(left - part, beside), 0)
        for name, kg in ((PART_LOAD, int(part.sum())), (RULES, int(held.sum()))):
            total[name] += kg
            total[FULL] -= kg
    return {name: kg for name, kg in total.items() if kg}


def _left(plan: Plan) -> tuple[Integers, Integers]:
    """Return what each lot has left, (n,), and what each line could still use, (m,)."""
    problem = plan.pairs.problem
    n, m, _ = problem.shape
    both = np.concatenate([problem.supply, problem.capacity])
    np.subtract.at(both, np.concatenate([problem.lot, problem.line + n]), np.concatenate([plan.kg, plan.kg]))
    carry = problem.carry
    given = np.where(carry.tail < n, plan.carried, -plan.carried)
    np.subtract.at(both, carry.tail, given)
    np.add.at(both, carry.head, given)
    return both[:n], both[n : n + m]


def _spare(plan: Plan) -> list[int]:
    """Return what each place of storage could still hold, in whole truckloads, (k,)."""
    load = plan.pairs.terms.truckload_kg
    spare: list[int] = ((plan.pairs.problem.carry.most_kg - plan.carried) // load * load).tolist()
    return spare


def _beside(plan: Plan, room: Integers) -> Integers:
    """Return in whole truckloads the room of the lines that each lot could reach, (n,), by what storage is left."""
    problem, load = plan.pairs.problem, plan.pairs.terms.truckload_kg
    n, _, _ = problem.shape
    reach = room // load * load
    beside = np.zeros(n, dtype=np.int64)
    ends = list(zip(problem.carry.tail.tolist(), problem.carry.head.tolist(), _spare(plan), strict=True))
    for tail, head, spare in reversed(ends):
        if tail >= n:
            reach[tail - n] += min(spare, int(reach[head - n]))
    np.add.at(beside, problem.lot, reach[problem.line])
    for tail, head, spare in reversed(ends):
        if tail < n:
            beside[tail] += min(spare, int(beside[head]))
    return beside


def _reasons(plan: Plan, beside: Integers) -> Integers:
    """
    Return the code of the reason of each lot, (n,): its own, or that of a later month that it could be stored for.

    Where storage is full, that is the reason; for the greatest surplus what has room in the end costs too much to store.
    """
    problem = plan.pairs.problem
    n, _, _ = problem.shape
    reason = plan.pairs.reason.copy()
    ends = list(zip(problem.carry.tail.tolist(), problem.carry.head.tolist(), _spare(plan), strict=True))
    for tail, head, spare in reversed(ends):
        if tail >= n or reason[head] <= reason[tail]:
            continue
        if reason[head] == _CODE[FULL] and spare == 0:
            reason[tail] = _CODE[STORE_FULL]
        elif reason[head] == _CODE[FULL] and beside[tail] and problem.objective == "surplus" and plan.rules is None:
            reason[tail] = _CODE[PRICED_OUT]
        else:
            reason[tail] = reason[head]
    return reason

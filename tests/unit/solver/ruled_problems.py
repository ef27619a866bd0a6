"""Problems with rules, all whole plans of them one by one, and the best plan by CP-SAT."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import numpy as np
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from marketplace.solver.problem import Carry, Problem
from marketplace.solver.ruling.rules import Row, Rules, cap

Worth = tuple[int, int]
"""Kilograms and cost in thousandths."""

EXTENSIONS = ("least", "fee", "truck", "pin", "rows", "blend", "carry", "months", "tree")


@st.composite
def ruled_problems(
    draw: st.DrawFn,
    *,
    with_: tuple[str, ...] | None = None,
    most_arcs: int = 5,
    most_kg: int = 4,
    surplus: bool = False,
) -> tuple[Problem, Rules]:
    """A tiny problem and rules of the kinds ``with_``, or of any kinds; small enough to try every plan."""
    kinds = set(draw(st.lists(st.sampled_from(EXTENSIONS), unique=True))) if with_ is None else set(with_)
    n, m = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pairs = draw(st.lists(st.sampled_from(range(n * m)), unique=True, max_size=most_arcs, min_size=1))
    lot, line = np.divmod(np.array(sorted(pairs)), m)
    e = lot.size

    def whole(low: int, high: int, size: int) -> np.ndarray:
        return np.array(draw(st.lists(st.integers(low, high), min_size=size, max_size=size)), dtype=np.int64)

    carry = Carry.none()
    if "carry" in kinds:
        ends = [(tail, tail + 1) for tail in range(n + m - 1) if tail != n - 1]
        ends = [end for end in ends if draw(st.booleans())]
        carry = Carry.of(
            tail=np.array([end[0] for end in ends], dtype=np.int64),
            head=np.array([end[1] for end in ends], dtype=np.int64),
            most_kg=whole(0, most_kg, len(ends)),
            cost=whole(0, 3, len(ends)),
        )
    problem = Problem.of(
        supply=whole(0, most_kg, n),
        capacity=whole(0, most_kg, m),
        lot=lot,
        line=line,
        cost=whole(-4, 6, e),
        objective="surplus" if surplus else "utilization",
        carry=carry,
    )
    contract = whole(0, 1, e) if "months" in kinds else np.arange(e)
    k = int(contract.max()) + 1
    rows = [Row(np.arange(e), whole(0, 2, e), draw(st.integers(0, 2 * most_kg)))] if "rows" in kinds else []
    if "blend" in kinds:
        rows.append(Row(np.arange(e), whole(-2, 2, e), draw(st.integers(0, 2))))
    if "tree" in kinds:
        line_sets = [[0], [0, 1], [2]][: draw(st.integers(0, 3))]
        rows += [cap(np.flatnonzero(np.isin(line, lines)), draw(st.integers(0, 2 * most_kg))) for lines in line_sets]
        rows += [Row(np.flatnonzero(lot == 0)[:2], np.full(min(2, int((lot == 0).sum())), 2), draw(st.integers(0, 9)))]
    pinned = np.zeros(e, dtype=np.int64)
    if "pin" in kinds:
        pinned[draw(st.integers(0, e - 1))] = draw(st.integers(1, 2))
    rules = Rules.of(
        problem,
        contract=contract,
        least_kg=whole(0, most_kg, k) if "least" in kinds else 0,
        fee=whole(0, 5, k) if "fee" in kinds else 0,
        pinned_kg=pinned,
        truckload_kg=2 if "truck" in kinds else 1,
        rows=rows,
    )
    return problem, rules


def every_plan(problem: Problem, rules: Rules) -> Iterator[Worth]:
    """Yield kilograms and cost of every whole plan that keeps the rules; storage is by whole truckloads too."""
    load = rules.truckload_kg
    top = int(problem.supply.sum())
    stores = [range(0, int(most) + 1, load) for most in problem.carry.most_kg]
    arcs = [range(-(-int(pin) // load) * load, top + 1, load) for pin in rules.pinned_kg]
    if not problem.carry.tail.size:
        arcs = [
            range(each.start, int(min(problem.supply[i], problem.capacity[j])) + 1, load)
            for each, i, j in zip(arcs, problem.lot, problem.line, strict=True)
        ]
    due = np.bincount(rules.contract, weights=rules.pinned_kg, minlength=rules.least_kg.size) > 0
    for plan in product(*arcs):
        kg = np.array(plan, dtype=np.int64)
        held = np.bincount(rules.contract, weights=kg, minlength=rules.least_kg.size).astype(np.int64)
        if np.any((held > 0) & (held < rules.least_kg) & ~due) or kg.sum() > top:
            continue
        weighed = np.bincount(rules.row, weights=rules.weight * kg[rules.arc], minlength=rules.most.size)
        if np.any(weighed > rules.most):
            continue
        cost = int((kg * problem.cost).sum()) + 1000 * int(rules.fee[held > 0].sum())
        for kept in product(*stores):
            if _stored(problem, rules, kg, np.array(kept, dtype=np.int64)):
                yield int(kg.sum()), cost + int((np.array(kept, dtype=np.int64) * problem.carry.cost).sum())


def _stored(problem: Problem, rules: Rules, kg: np.ndarray, kept: np.ndarray) -> bool:
    n, m, _ = problem.shape
    load = rules.truckload_kg
    left = np.concatenate([problem.supply // load * load, problem.capacity // load * load])
    left -= np.bincount(problem.lot, weights=kg, minlength=n + m).astype(np.int64)
    left -= np.bincount(problem.line + n, weights=kg, minlength=n + m).astype(np.int64)
    for tail, head, mass in zip(problem.carry.tail, problem.carry.head, kept, strict=True):
        sign = 1 if tail < n else -1
        left[tail] -= sign * mass
        left[head] += sign * mass
    return bool(left.min() >= 0)


def best_of_all(problem: Problem, rules: Rules) -> Worth | None:
    """Return the best plan's kilograms and cost, or None if no plan keeps the rules."""
    plans = [*every_plan(problem, rules)]
    if not plans:
        return None
    if problem.objective == "surplus":
        return min(plans, key=lambda plan: (plan[1], -plan[0]))
    return max(plans, key=lambda plan: (plan[0], -plan[1]))


def by_cp_sat(problem: Problem, rules: Rules) -> Worth:
    """Return kilograms and cost of the best plan by CP-SAT, first the most, then the least cost; without storage."""
    first = _model(problem, rules)
    first[0].maximize(sum(first[1]))
    most = int(_solved(first[0]))
    model, kg, used = _model(problem, rules)
    model.add(sum(kg) == most)
    cost = sum(int(c) * x for c, x in zip(problem.cost, kg, strict=True))
    model.minimize(cost + sum(1000 * int(f) * y for f, y in zip(rules.fee, used, strict=True)))
    return most, int(_solved(model))


def _solved(model: cp_model.CpModel) -> float:
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    assert solver.solve(model) == cp_model.OPTIMAL
    return solver.objective_value


def _model(problem: Problem, rules: Rules) -> tuple[cp_model.CpModel, list, list]:
    model = cp_model.CpModel()
    load = rules.truckload_kg
    kg, used = [], [model.new_bool_var(f"y{k}") for k in range(rules.least_kg.size)]
    for arc, (i, j) in enumerate(zip(problem.lot, problem.line, strict=True)):
        most = int(min(problem.supply[i], problem.capacity[j]))
        loads = model.new_int_var(-(-int(rules.pinned_kg[arc]) // load), most // load, f"x{arc}")
        kg.append(load * loads)
    for ends, sides in ((problem.lot, problem.supply), (problem.line, problem.capacity)):
        for node, side in enumerate(sides):
            model.add(sum(kg[arc] for arc in np.flatnonzero(ends == node)) <= int(side))
    for k in range(rules.least_kg.size):
        arcs = np.flatnonzero(rules.contract == k)
        held = sum(kg[arc] for arc in arcs)
        model.add(held <= int(problem.supply.sum()) * used[k])
        if not rules.pinned_kg[arcs].any():
            model.add(held >= int(rules.least_kg[k]) * used[k])
        model.add(held >= used[k])
    for row in range(rules.most.size):
        entries = np.flatnonzero(rules.row == row)
        model.add(sum(int(rules.weight[at]) * kg[rules.arc[at]] for at in entries) <= int(rules.most[row]))
    return model, kg, used

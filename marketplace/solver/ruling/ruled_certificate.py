"""
Does this plan keep every rule, and do the bounds that it claims hold? By code that shares nothing with the search.

Nothing is believed but the kilograms and the multipliers, and these only as numbers: the bounds are weak duality [1]_, true for
whatever multipliers are given, counted in whole numbers without a limit of digits. What branch and bound says beyond them
is not looked at.

References
----------
.. [1] A. M. Geoffrion (1974), Lagrangean relaxation for integer programming, :doi:`10.1007/BFb0120690`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor, lcm

from marketplace.solver.problem import Integers, Problem
from marketplace.solver.ruling.bounds import Multipliers
from marketplace.solver.ruling.ruled import Ruled
from marketplace.solver.ruling.rules import Rules


@dataclass(frozen=True)
class RuledCertificate:
    """
    What is proved of a plan with rules.

    ``moved_kg`` and ``cost`` are counted from the plan; no plan that keeps the rules moves more than ``bound_kg``, and none
    of as much costs less than ``bound_cost``, both derived here; None where nothing is bounded. ``violations`` says in
    words what is wrong, and is empty for a plan that is proved to keep the rules and to be as near the best as it claims.
    """

    moved_kg: int
    cost: int
    bound_kg: int | None
    bound_cost: int | None
    violations: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether everything claimed is proved."""
        return not self.violations


def certify_ruled(problem: Problem, rules: Rules, plan: Ruled) -> RuledCertificate:
    """Return what is proved of a plan; never raises for arrays of the right size."""
    wrong = list(_unreadable(problem, plan))
    if wrong:
        return RuledCertificate(0, 0, None, None, tuple(wrong))
    kg, carried = plan.kg.tolist(), plan.carried.tolist()
    moved, cost = sum(kg), _cost(problem, rules, kg, carried)
    wrong += [*_nodes(problem, kg, carried), *_kept(rules, kg, carried)]
    if plan.moved_kg != moved:
        wrong.append(f"{plan.moved_kg} kg are claimed and {moved} kg move")
    if plan.cost != cost:
        wrong.append(f"a cost of {plan.cost} is claimed and it is {cost}")
    frame = _Frame(problem, rules)
    most = None
    if plan.most_prices is not None:
        most = frame.most_kg(plan.most_prices)
    if problem.objective == "surplus":
        if plan.bound_kg is not None:
            wrong.append("kilograms are bounded where only the surplus is asked for")
    elif most is None or plan.bound_kg is None or plan.bound_kg < most:
        wrong.append(f"that no more than {plan.bound_kg} kg can move is not proved, only {most} kg")
    if problem.objective == "surplus" and plan.cost_prices.worth:
        wrong.append("kilograms are given a worth where only the surplus is asked for")
    least = frame.least_cost(plan.cost_prices, moved)
    if plan.bound_cost > least:
        wrong.append(f"that a plan costs {plan.bound_cost} at least is not proved, only {least}")
    if most is not None and moved > most:
        wrong.append(f"{moved} kg move, more than the {most} kg that any plan moves")
    return RuledCertificate(moved, cost, most, least, tuple(wrong))


def _unreadable(problem: Problem, plan: Ruled) -> Iterator[str]:
    n, m, e = problem.shape
    for name, array, size in (("kg", plan.kg, e), ("carried", plan.carried, problem.carry.tail.size)):
        if array.shape != (size,) or array.dtype.kind != "i":
            yield f"{name} is not {size} whole numbers"
    for prices in (plan.most_prices, plan.cost_prices):
        if prices is not None and (prices.lot.shape != (n,) or prices.line.shape != (m,) or prices.scale < 1):
            yield "the multipliers do not belong to this problem"


def _cost(problem: Problem, rules: Rules, kg: list[int], carried: list[int]) -> int:
    total = sum(mass * rate for mass, rate in zip(kg, problem.cost.tolist(), strict=True))
    total += sum(mass * rate for mass, rate in zip(carried, problem.carry.cost.tolist(), strict=True))
    used = {k for mass, k in zip(kg, rules.contract.tolist(), strict=True) if mass}
    fees: list[int] = rules.fee.tolist()
    return int(total + sum(1000 * fees[k] for k in used))


def _nodes(problem: Problem, kg: list[int], carried: list[int]) -> Iterator[str]:
    """Hold each lot against what it has, each line against its room and what came to it, each store against its size."""
    n, _, _ = problem.shape
    left = problem.supply.tolist() + problem.capacity.tolist()
    for arc, (mass, i, j) in enumerate(zip(kg, problem.lot.tolist(), problem.line.tolist(), strict=True)):
        if mass < 0:
            yield f"arc {arc} carries {mass} kg, which is less than nothing"
        left[i] -= mass
        left[n + j] -= mass
    carry = problem.carry
    ends = zip(carry.tail.tolist(), carry.head.tolist(), carry.most_kg.tolist(), carried, strict=True)
    for at, (tail, head, most, mass) in enumerate(ends):
        if not 0 <= mass <= most:
            yield f"store {at} holds {mass} kg of at most {most} kg"
        given = mass if tail < n else -mass
        left[tail] -= given
        left[head] += given
    for node, mass in enumerate(left):
        if mass < 0:
            what = f"lot {node} ships" if node < n else f"line {node - n} takes"
            yield f"{what} {-mass} kg too much"
        elif node >= n and mass > problem.capacity[node - n]:
            yield f"line {node - n} passes on {mass - int(problem.capacity[node - n])} kg more than came to it"


def _kept(rules: Rules, kg: list[int], carried: list[int]) -> Iterator[str]:
    """Hold the plan against each rule; what is stored is stored by the truckload too, and the bounds count on it."""
    held, pinned = [0] * rules.least_kg.size, [0] * rules.least_kg.size
    for arc, (mass, pin, k) in enumerate(zip(kg, rules.pinned_kg.tolist(), rules.contract.tolist(), strict=True)):
        held[k] += mass
        pinned[k] += pin
        if mass < pin:
            yield f"arc {arc} carries {mass} kg, and {pin} kg are pinned"
        if mass % rules.truckload_kg:
            yield f"arc {arc} carries {mass} kg, which is no whole truckload of {rules.truckload_kg} kg"
    for at, mass in enumerate(carried):
        if mass % rules.truckload_kg:
            yield f"store {at} holds {mass} kg, which is no whole truckload of {rules.truckload_kg} kg"
    for k, (mass, pin, least) in enumerate(zip(held, pinned, rules.least_kg.tolist(), strict=True)):
        if 0 < mass < least and not pin:
            yield f"contract {k} is about {mass} kg, below its least of {least} kg"
    for row, (total, most) in enumerate(zip(_weighed(rules, kg), rules.most.tolist(), strict=True)):
        if total > most:
            yield f"row {row} counts {total}, above its limit of {most}"


def _weighed(rules: Rules, kg: list[int]) -> list[int]:
    total = [0] * rules.most.size
    for row, arc, weight in zip(rules.row.tolist(), rules.arc.tolist(), rules.weight.tolist(), strict=True):
        total[row] += weight * kg[arc]
    return total


class _Frame:
    """The problem in whole truckloads without what is pinned, and the least of its Lagrangian for given multipliers."""

    def __init__(self, problem: Problem, rules: Rules) -> None:
        self.problem, self.rules, load = problem, rules, rules.truckload_kg
        self.pins = [-(-pin // load) for pin in rules.pinned_kg.tolist()]
        self.supply = [kg // load for kg in problem.supply.tolist()]
        self.capacity = [kg // load for kg in problem.capacity.tolist()]
        self.ends = list(zip(problem.lot.tolist(), problem.line.tolist(), strict=True))
        for (i, j), pin in zip(self.ends, self.pins, strict=True):
            self.supply[i] -= pin
            self.capacity[j] -= pin
        pinned_kg = [pin * load for pin in self.pins]
        self.limit = [
            (most - taken) // load for most, taken in zip(rules.most.tolist(), _weighed(rules, pinned_kg), strict=True)
        ]
        self.keep = [kg // load for kg in problem.carry.most_kg.tolist()]
        self.contract = rules.contract.tolist()
        self.due = {k for k, pin in zip(self.contract, self.pins, strict=True) if pin}
        self.least = [-(-kg // load) for kg in rules.least_kg.tolist()]
        self.most = self._most()

    def _most(self) -> list[int]:
        """Return what each arc could carry at most; nothing where its contract could not reach its least."""
        have = self._reached()
        n = len(self.supply)
        most = [min(have[i], have[n + j]) for i, j in self.ends]
        rules = self.rules
        rows: dict[int, list[tuple[int, int]]] = {}
        for row, arc, weight in zip(rules.row.tolist(), rules.arc.tolist(), rules.weight.tolist(), strict=True):
            rows.setdefault(row, []).append((arc, weight))
        for row, entries in rows.items():
            if all(weight >= 0 for _, weight in entries):
                for arc, weight in entries:
                    most[arc] = min(most[arc], max(0, self.limit[row]) // weight if weight else most[arc])
        could = [0] * rules.least_kg.size
        for k, mass in zip(self.contract, most, strict=True):
            could[k] += mass
        shut = {k for k, mass in enumerate(could) if mass < self.least[k] and k not in self.due}
        return [0 if k in shut else mass for k, mass in zip(self.contract, most, strict=True)]

    def _reached(self) -> list[int]:
        """Return what each node could have at most: its own, and where there is storage all that is joined by it."""
        have = self.supply + self.capacity
        group = list(range(len(have)))

        def root(node: int) -> int:
            while group[node] != node:
                group[node] = group[group[node]]
                node = group[node]
            return node

        for tail, head in zip(self.problem.carry.tail.tolist(), self.problem.carry.head.tolist(), strict=True):
            group[root(tail)] = root(head)
        total: dict[int, int] = {}
        for node, mass in enumerate(have):
            total[root(node)] = total.get(root(node), 0) + mass
        return [max(0, total[root(node)]) for node in range(len(have))]

    def _can_pack(self) -> set[int]:
        """Return the lines where nothing is stored and no contract is about a second arc: these are problems by themselves."""
        arcs = Counter(k for k, most in zip(self.contract, self.most, strict=True) if most)
        used = [(j, arcs[k]) for k, most, (_, j) in zip(self.contract, self.most, self.ends, strict=True) if most]
        n, carry = len(self.supply), self.problem.carry
        stored = {node - n for node in [*carry.tail.tolist(), *carry.head.tolist()]}
        return {j for j, _ in used} - {j for j, count in used if count > 1} - stored

    def most_kg(self, prices: Multipliers) -> int:
        """Return the most kilograms that any plan moves."""
        load = self.rules.truckload_kg
        least = self._least(prices, [-1] * len(self.ends), [0] * len(self.keep), [0] * self.rules.fee.size, 1)
        return int(floor(-least) + sum(self.pins)) * load

    def least_cost(self, prices: Multipliers, moved_kg: int) -> int:
        """Return what any plan of so many kilograms costs at least, in thousandths."""
        load, cost = self.rules.truckload_kg, self.problem.cost.tolist()
        fees = [1000 * fee for fee in self.rules.fee.tolist()]
        free_kg = moved_kg - sum(self.pins) * load
        least = self._least(
            prices, [each - prices.worth for each in cost], self.problem.carry.cost.tolist(), fees, load
        )
        pinned = sum(pin * load * rate for pin, rate in zip(self.pins, cost, strict=True))
        return int(ceil(least) + prices.worth * free_kg + pinned + sum(fees[k] for k in self.due))

    def _least(
        self, prices: Multipliers, cost: list[int], keep_cost: list[int], fees: list[int], load: int
    ) -> Fraction:
        """Return the least of the Lagrangian, with every multiplier that is above zero taken for zero."""
        scale, n = prices.scale, len(self.supply)
        u, v, w = (_not_above_zero(each) for each in (prices.lot, prices.line, prices.row))
        reduced = [scale * rate - u[i] - v[j] for rate, (i, j) in zip(cost, self.ends, strict=True)]
        rules = self.rules
        for row, arc, weight in zip(rules.row.tolist(), rules.arc.tolist(), rules.weight.tolist(), strict=True):
            reduced[arc] -= w[row] * weight
        packed = self._can_pack().intersection(prices.packed.tolist())
        items: dict[int, list[tuple[int, int, int, int]]] = {j: [] for j in packed}
        gain: dict[int, int] = {}
        for k, price, most, (_, j) in zip(self.contract, reduced, self.most, self.ends, strict=True):
            if j in packed and most:
                fee, least = (0, 0) if k in self.due else (scale * fees[k], self.least[k])
                items[j].append(((price + v[j]) * load, fee, least, most))
            elif price < 0 and most:
                gain[k] = gain.get(k, 0) + price * most * load
        total = sum(each if k in self.due else min(0, each + scale * fees[k]) for k, each in gain.items())
        total += sum(_least_filling(items[j], self.capacity[j]) for j in packed)
        node, carry = u + v, self.problem.carry
        for tail, head, most, rate in zip(carry.tail.tolist(), carry.head.tolist(), self.keep, keep_cost, strict=True):
            across = node[tail] - node[head] if tail < n else node[head] - node[tail]
            total += min(0, scale * rate - across) * most * load
        priced = [0 if j in packed else price for j, price in enumerate(v)]
        for have, price in ((self.supply, u), (self.capacity, priced), (self.limit, w)):
            total += load * sum(a * b for a, b in zip(have, price, strict=True))
        return Fraction(total, scale)


def _least_filling(items: list[tuple[int, int, int, int]], room: int) -> int:
    """
    Return what contracts within a room cost at least, of (rate, fee, least, most) each: none is made, or for its fee at least its least.

    By cases: of all that may still be made or not, those that cost least a load for all of it fill the room; if one of them
    does in part, it is made or not. Between, nothing costs less than the fill, a part of a contract costing its part.
    """
    paying = {at: item for at, item in enumerate(items) if item[0] * item[3] + item[1] < 0}
    # a part of a contract costs its part of the whole: compared exactly, as whole numbers over one denominator
    common = lcm(*(item[3] for item in paying.values()))
    steps = sorted(
        [((rate * most + fee) * (common // most), at, False) for at, (rate, fee, _, most) in paying.items()]
        + [(rate * common, at, True) for at, (rate, _, _, _) in paying.items()]
    )

    def cheapest(made: frozenset[int], open_: frozenset[int], best: int) -> int:
        left = room - sum(paying[at][2] for at in made)
        cost = common * sum(paying[at][1] + paying[at][0] * paying[at][2] for at in made)
        if left < 0:
            return best
        part = None
        for price, at, whole in steps:
            if left <= 0 or at not in (made if whole else open_):
                continue
            wanted = paying[at][3] - (paying[at][2] if whole else 0)
            cost += price * min(wanted, left)
            if not whole and left < wanted:
                part = at
            left -= min(wanted, left)
        if part is None:
            return min(best, cost // common)
        if -(-cost // common) >= best:  # a plan of whole loads costs a whole number
            return best
        rest = open_ - {part}
        return cheapest(made, rest, cheapest(made | {part}, rest, best))

    return cheapest(frozenset(), frozenset(paying), 0)


def _not_above_zero(prices: Integers) -> list[int]:
    return [min(0, price) for price in prices.tolist()]

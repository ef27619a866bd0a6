"""A problem with rules: the plain plan where it keeps them, and where it does not the best plan found, with its gap."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Ended, Flags, Integers, Problem, SolverFailed, weighted
from marketplace.solver.ruling.bounds import Multipliers
from marketplace.solver.ruling.leftover import LeftOver
from marketplace.solver.ruling.passing import as_it_came
from marketplace.solver.ruling.reduction import Model, Part, parts, pinned_loads, reduced, without_storage
from marketplace.solver.ruling.relaxation import Relaxation
from marketplace.solver.ruling.restricted import Flow, network
from marketplace.solver.ruling.rules import Rules
from marketplace.solver.ruling.treat import Treated, treat

NODES: Final = 100
"""How many nodes branch and bound may look at, for each stage of each part."""


@dataclass(frozen=True, eq=False)
class Ruled:
    """
    A plan that keeps the rules, and how far from the best it can be.

    ``kg`` (e,) and ``carried`` (s,) move ``moved_kg`` at ``cost``, thousandths of the problem's unit with fees (times
    1000) and storage. No plan that keeps the rules moves more than ``bound_kg``, and none that moves ``moved_kg`` costs
    less than ``bound_cost``: both follow from ``most_prices`` and ``cost_prices`` by weak duality, which
    `ruled_certificate` proves again. For `surplus` ``bound_kg`` is None, nothing is claimed of kilograms, and
    ``bound_cost`` is that of any plan. ``searched_kg`` and ``searched_cost`` are the same by branch and bound as far as it
    came, in ``nodes`` nodes, never weaker; nothing proves these but HiGHS. ``row_price`` (r,) is what one more unit of each
    row's limit changes in the relaxed cost, per tonne of weight one, never above zero.

    ``treated`` (e,) are the arcs of parts in which the plain plan broke a rule; none if it broke none. The plan is
    ``fixed_kg`` and what ``allocation`` moves in ``last``, over the arcs that ``open`` (e,) tells: a plain problem, with its prices and its cut.
    """

    kg: Integers
    carried: Integers
    moved_kg: int
    bound_kg: int | None
    cost: int
    bound_cost: int
    searched_kg: int | None
    searched_cost: int | None
    nodes: int
    row_price: Integers
    treated: Flags
    last: Problem
    allocation: Allocation
    open: Flags
    fixed_kg: Integers
    most_prices: Multipliers | None
    cost_prices: Multipliers

    @property
    def gap_kg(self) -> int | None:
        """By how many kilograms the plan may fall short of the best; None for `surplus`."""
        return None if self.bound_kg is None else self.bound_kg - self.moved_kg


def allocate(
    problem: Problem, rules: Rules, engine: Engine, *, nodes: int = NODES, progress: Progress | None = None
) -> Ruled:
    """
    Move the most that can be moved under the rules at the least cost; for `surplus` seek the least cost alone.

    The plain problem is solved first. Only the connected parts in which it breaks a rule or pays a fee are treated: by
    linear programs where rows are broken, by dives and branch and bound where contracts are to be chosen, none of it under a
    limit in seconds. The same problem and rules give the same bytes.

    Raises SolverFailed if what is pinned cannot be kept, or a linear program ends without an answer.
    """
    model = reduced(problem, rules)
    return _Run(problem, rules, model, engine, nodes, progress).run()


class _Run:
    def __init__(
        self, problem: Problem, rules: Rules, model: Model, engine: Engine, nodes: int, progress: Progress | None
    ) -> None:
        self.problem, self.rules, self.model = problem, rules, model
        self.engine, self.nodes, self.progress = engine, nodes, progress
        e = model.lot.size
        self.lower = np.zeros(e, dtype=np.int64)
        self.fixed = np.zeros(e, dtype=np.bool_)
        self.closed = model.most == 0
        self.kept = np.zeros(model.tail.size, dtype=np.int64)
        self.settled = np.zeros(model.tail.size, dtype=np.bool_)
        self.plain: Flow | None = None

    def run(self) -> Ruled:
        """Solve plainly, treat what breaks a rule, and put it together."""
        model = self.model
        broken = self._broken()
        treated = np.zeros(model.lot.size, dtype=np.bool_)
        whole = [*parts(model, broken)] if broken.any() or self.plain is None else []
        found = list(zip(whole, treat(model, whole, self.engine, nodes=self.nodes), strict=True))
        for part, ended in found:
            treated[part.arcs] = True
            self._take(part, ended)
        flow = self._whole(found)
        while found and self._add_what_is_left(flow):
            flow = self._whole(found)
        return self._ruled(flow, treated, found)

    def _broken(self) -> Flags:
        """Return the arcs, (e,), of contracts and rows that the plain plan breaks; all, if it cannot be asked."""
        model = self.model
        nothing = np.zeros(model.lot.size, dtype=np.int64)
        try:
            plain = network(model, self.engine, ~self.closed, nothing, model.cost, final=True, progress=self.progress)
        except Ended:
            raise
        except SolverFailed:
            if model.tail.size:
                return np.asarray(~self.closed, dtype=np.bool_)
            raise
        held = model.held(plain.loads)
        small = (held > 0) & ((held < model.least) | ((model.fee > 0) & ~model.due))
        broken: Flags = small[model.contract] & (plain.loads > 0)
        over = model.weighed(plain.loads) > model.limit
        broken[model.arc[over[model.row]]] = True
        self.plain = plain
        return broken

    def _take(self, part: Part, ended: Treated) -> None:
        """Write down what a treated part has decided: least loads and closed contracts, or all of it."""
        model, choice = part.model, ended.found.choice
        if not model.limit.size and not model.tail.size:
            self.lower[part.arcs] = choice.lower
            usable = ~choice.closed & (choice.opened | (model.least <= 1))
            self.closed[part.arcs] |= ~usable[model.contract]
            return
        loads = ended.found.flow.loads
        self.lower[part.arcs] = loads
        self.fixed[part.arcs] = True
        self.kept[part.storage] = ended.found.flow.kept
        self.settled[part.storage] = True

    def _whole(self, found: list[tuple[Part, Treated]]) -> Flow:
        """Solve the whole over what is still open: the last word on every kilogram, and the prices of it."""
        if not found and self.plain is not None:
            return self.plain
        model = self.model
        loose = without_storage(model, self.settled, self.lower)
        within = ~self.closed & ~self.fixed
        flow = network(loose, self.engine, within, self.lower, model.cost, final=True, progress=self.progress)
        kept = self.kept.copy()
        kept[~self.settled] = flow.kept
        return Flow(flow.loads, kept, flow.problem, flow.allocation, flow.over)

    def _add_what_is_left(self, flow: Flow) -> bool:
        """Give closed contracts what is left on both sides, cheapest first, where the rows and their least allow it."""
        opened = np.zeros(self.model.least.size, dtype=np.bool_)
        for arcs, more in LeftOver(self.model, flow.loads).added():
            again = np.where(more > 0, flow.loads[arcs] + more - self.lower[arcs], 0)
            self.lower[arcs] += np.where(self.fixed[arcs], more, again)
            opened[self.model.contract[arcs]] = True
        self.closed &= (self.model.most == 0) | ~opened[self.model.contract]
        return bool(opened.any())

    def _ruled(self, flow: Flow, treated: Flags, found: list[tuple[Part, Treated]]) -> Ruled:
        problem, rules, model = self.problem, self.rules, self.model
        if np.any(model.weighed(flow.loads) > model.limit):
            raise SolverFailed("what is pinned leaves no plan within the rows")
        pinned = pinned_loads(rules)
        flow = replace(flow, kept=as_it_came(model, flow.loads + pinned, flow.kept))
        kg = (flow.loads + pinned) * model.load
        loads, cost = model.worth(flow.loads, flow.kept)
        pinned_cost = weighted(pinned * model.load, problem.cost) + sum(model.fee[model.due].tolist())
        relaxation = Relaxation(model, self.engine)
        most = relaxation.most_loads()
        pinned_kg = int(pinned.sum()) * model.load
        bound = None if most is None else most * model.load + pinned_kg
        least = relaxation.least_cost(loads, cost) + pinned_cost
        assert flow.problem is not None
        assert flow.allocation is not None
        assert flow.over is not None
        open_now = np.zeros(model.lot.size, dtype=np.bool_)
        open_now[flow.over] = True
        searched_kg, searched_cost = self._searched(flow, treated, found, most)
        return Ruled(
            kg=kg,
            carried=flow.kept * model.load,
            moved_kg=int(kg.sum()),
            bound_kg=bound,
            cost=cost + pinned_cost,
            bound_cost=least,
            searched_kg=None
            if searched_kg is None
            else min(searched_kg * model.load + pinned_kg, bound or searched_kg),
            searched_cost=None if searched_cost is None else max(searched_cost + pinned_cost, least),
            nodes=sum(ended.nodes for _, ended in found),
            row_price=relaxation.row_price(),
            treated=treated,
            last=flow.problem,
            allocation=flow.allocation,
            open=open_now,
            fixed_kg=(self.lower + pinned) * model.load,
            most_prices=relaxation.most_prices,
            cost_prices=relaxation.cost_prices,
        )

    def _searched(
        self, flow: Flow, treated: Flags, found: list[tuple[Part, Treated]], most: int | None
    ) -> tuple[int | None, int | None]:
        """Return the loads and the cost in thousandths that branch and bound leaves possible, pins apart."""
        model = self.model
        if self.plain is None or not any(ended.nodes for _, ended in found):
            return None, None
        costs = [ended.least_cost for _, ended in found]
        apart = np.where(treated, 0, flow.loads)
        stored = np.where(self.settled, 0, flow.kept)
        loads, cost = model.worth(apart, stored)
        least = None if None in costs else cost + sum(each for each in costs if each is not None)
        if most is None:
            return None, least
        for part, ended in found:
            plain = int(self.plain.loads[part.arcs].sum())
            loads += plain if ended.most_loads is None else min(plain, ended.most_loads)
        loads = min(loads, most)
        return loads, least if loads == int(flow.loads.sum()) else None

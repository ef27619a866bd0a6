"""What joins arcs to contracts: least lots, costs, truckloads, filings, caps, permits, means, as rules on top of the problem."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from marketplace.matching.assembly import Assembled, Pair
from marketplace.matching.means import Mean, means_of
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Flags, Integers, Problem, SolverFailed, weighted
from marketplace.solver.ruling import ruled
from marketplace.solver.ruling.ruled_certificate import certify_ruled
from marketplace.solver.ruling.rules import Row, Rules, cap

NODES: Final = 20
"""How many nodes branch and bound looks at in a part of a round: the answer of a page, not of a night."""

Prove = Callable[[Problem, Allocation], None]
"""Raises SolverFailed unless the allocation is certified."""


@dataclass(frozen=True, eq=False)
class Cleared:
    """
    An allocation in which every contract holds its least lot, every filing and permit its tonnes, every buyer its cap, every
    mean its limit, in whole truckloads where the round asks for them.

    ``kg`` (e,) by arc of the assembled problem, ``cost`` what they cost in thousandths with ``contracts`` times the cost of
    one; ``last`` and ``allocation`` are the problem solved last, over the arcs
    in ``open`` and without what is ``fixed`` (e,), the least lots of the contracts that were opened among it; ``bound_kg`` is what the first solve moved, without any of these. ``best_kg`` is what is proved that no
    plan which keeps them all exceeds, None in a round for the greatest surplus, and ``least_cost``, thousandths, what none of as
    much undercuts. ``too_small`` are the pairs given up for their least lot, and
    ``dropped_kg`` what the first solve had moved between them; ``limited`` those kept from more by their filing, a cap or a
    permit: of neither could what is left on both sides be added as it stands. ``means`` are the means that are kept. In whole
    truckloads of ``load_kg``, which ``last`` counts in, it is above 1. ``carried_cost`` is what of ``cost`` the storage costs.
    """

    kg: Integers
    fixed: Integers
    last: Problem
    allocation: Allocation
    open: Flags
    bound_kg: int
    best_kg: int | None
    cost: int
    least_cost: int
    contracts: int
    dropped_kg: int
    passes: int
    too_small: frozenset[Pair]
    limited: frozenset[Pair]
    means: tuple[Mean, ...] = ()
    load_kg: int = 1
    carried_cost: int = 0


def allocate(assembled: Assembled, engine: Engine, prove: Prove, progress: Progress | None = None) -> Cleared:
    """
    Solve plainly, and where that breaks a rule or would pay for a contract, solve what it touches under all rules.

    The first answer and the last are proved, and so is that the plan keeps every rule and is as near the best as it says.
    The same round gives the same bytes. Raises SolverFailed if the engine does, or something is not proved.
    """
    contracts = _Contracts(assembled)
    base = assembled.problem
    plain = engine(base, progress=progress)
    prove(base, plain)
    rules = contracts.rules()
    if contracts.kept(rules, plain.kg):
        everything = np.ones(plain.kg.size, dtype=np.bool_)
        moved = int(plain.kg.sum())
        best = None if base.objective == "surplus" else moved
        none: frozenset[Pair] = frozenset()
        cost, nothing = weighted(plain.kg, base.cost), np.zeros_like(plain.kg)
        stored = weighted(plain.carried, base.carry.cost)
        return Cleared(
            kg=plain.kg,
            fixed=nothing,
            last=base,
            allocation=plain,
            open=everything,
            bound_kg=moved,
            best_kg=best,
            cost=cost + stored,
            least_cost=cost + stored,
            contracts=contracts.made(plain.kg),
            dropped_kg=0,
            passes=1,
            too_small=none,
            limited=none,
            means=contracts.means,
            carried_cost=stored,
        )
    found = ruled.allocate(base, rules, engine, nodes=NODES, progress=progress)
    certificate = certify_ruled(base, rules, found)
    if not certificate.valid:
        raise SolverFailed("; ".join(certificate.violations))
    prove(found.last, found.allocation)
    too_small, dropped_kg = contracts.given_up(plain.kg, found.kg)
    return Cleared(
        kg=found.kg,
        fixed=found.fixed_kg,
        last=found.last,
        allocation=found.allocation,
        open=found.open,
        bound_kg=int(plain.kg.sum()),
        best_kg=found.bound_kg,
        cost=found.cost,
        least_cost=found.bound_cost,
        contracts=contracts.made(found.kg),
        dropped_kg=dropped_kg,
        passes=2,
        too_small=too_small,
        limited=contracts.limited(rules, found.kg),
        means=contracts.means,
        load_kg=rules.truckload_kg,
        carried_cost=weighted(found.carried, base.carry.cost),
    )


class _Contracts:
    """The pairs of a round, and which arcs each is about."""

    def __init__(self, assembled: Assembled) -> None:
        self.assembled = assembled
        places: dict[Pair, int] = {}
        self.pair_of = np.array([places.setdefault(arc[:2], len(places)) for arc in assembled.arcs], dtype=np.int64)
        self.pairs = list(places)
        self.least = np.array([least_kg(assembled, pair) for pair in self.pairs], dtype=np.int64)
        self.means = means_of(assembled)

    def rules(self) -> Rules:
        """Return least lot and cost of each pair over all months, the truckload, and a row for each filing, cap, permit and mean."""
        of = self.assembled
        means = (mean.row for mean in self.means)
        return Rules.of(
            of.problem,
            contract=self.pair_of,
            least_kg=self.least,
            fee=of.snapshot.contract_fee_fen,
            truckload_kg=of.snapshot.truckload_kg or 1,
            rows=[*_filings(of), *_caps(of), *_shares(of), *_permits(of), *means],
        )

    def held(self, kg: Integers) -> Integers:
        """Return the kilograms of each pair over all months."""
        held = np.zeros(self.least.size, dtype=np.int64)
        np.add.at(held, self.pair_of, kg)
        return held

    def made(self, kg: Integers) -> int:
        """Return how many contracts a plan makes."""
        return int(np.count_nonzero(self.held(kg)))

    def kept(self, rules: Rules, kg: Integers) -> bool:
        """Return whether a plan keeps the rules; one that pays for a contract need not be the best, so that it does not."""
        held = self.held(kg)
        broken = (held > 0) & ((held < self.least) | (rules.fee > 0))
        return not broken.any() and not np.any(kg % rules.truckload_kg) and not _tight(rules, kg, over=True).any()

    def given_up(self, plain: Integers, kg: Integers) -> tuple[frozenset[Pair], int]:
        """Return the pairs that the plain plan joined for less than their least lot, and what it moved between them."""
        before, after = self.held(plain), self.held(kg)
        dropped = np.flatnonzero((before > 0) & (before < self.least) & (after == 0))
        return frozenset(self.pairs[at] for at in dropped), int(before[dropped].sum())

    def limited(self, rules: Rules, kg: Integers) -> frozenset[Pair]:
        """Return the pairs under a filing, a cap or a permit that is used up."""
        arcs = rules.arc[_tight(rules, kg)[rules.row]]
        return frozenset(self.pairs[at] for at in np.unique(self.pair_of[arcs]))


def _tight(rules: Rules, kg: Integers, *, over: bool = False) -> Flags:
    """Return which rows are used up, (r,), or exceeded."""
    used = np.zeros(rules.most.size, dtype=np.int64)
    np.add.at(used, rules.row, kg[rules.arc] * rules.weight)
    tight: Flags = used > rules.most if over else used >= rules.most
    return tight


def _filings(assembled: Assembled) -> Iterator[Row]:
    """Yield what is left of each filing across provinces, over all pairs and months that it opens."""
    under: dict[int, list[int]] = {}
    for arc, key in enumerate(assembled.arcs):
        if key in assembled.filing_of:
            under.setdefault(assembled.filing_of[key], []).append(arc)
    left = {filing.filing_id: filing.filing.remaining_kg for filing in assembled.snapshot.filings}
    for filing_id, arcs in sorted(under.items()):
        yield cap(arcs, left[filing_id])


def _caps(assembled: Assembled) -> Iterator[Row]:
    """Yield what each organization may still get of each listing that has a cap, over all its lines and months."""
    bought: dict[tuple[int, int], list[int]] = {}
    for arc, (listing_id, line_id, _) in enumerate(assembled.arcs):
        if assembled.lots[listing_id].cap_per_buyer_kg is not None:
            buyer_id = assembled.lines[line_id].accepting.organization_id
            bought.setdefault((listing_id, buyer_id), []).append(arc)
    for (listing_id, buyer_id), arcs in sorted(bought.items()):
        yield cap(arcs, assembled.lots[listing_id].left_for(buyer_id) or 0)


def _shares(assembled: Assembled) -> Iterator[Row]:
    """Yield what those that are no small works may still get of each listing that keeps a share for small works."""
    others: dict[int, list[int]] = {}
    for arc, (listing_id, line_id, _) in enumerate(assembled.arcs):
        if assembled.lots[listing_id].others_kg is not None and not assembled.lines[line_id].small_works:
            others.setdefault(listing_id, []).append(arc)
    for listing_id, arcs in sorted(others.items()):
        yield cap(arcs, assembled.lots[listing_id].others_kg or 0)


def _permits(assembled: Assembled) -> Iterator[Row]:
    """Yield what each line's permit leaves for a year, over the year's months in the round."""
    taken: dict[tuple[int, int], list[int]] = {}
    for arc, (_, line_id, month) in enumerate(assembled.arcs):
        if assembled.lines[line_id].left_in(month.year) is not None:
            taken.setdefault((line_id, month.year), []).append(arc)
    for (line_id, year), arcs in sorted(taken.items()):
        yield cap(arcs, assembled.lines[line_id].left_in(year) or 0)


def least_kg(assembled: Assembled, pair: Pair) -> int:
    """Return the least that a contract between the two may be about, over the whole window."""
    offered, accepting = assembled.lots[pair[0]].offered, assembled.lines[pair[1]].accepting
    return max(min(offered.least_lot_kg, offered.kg), accepting.least_lot_kg)

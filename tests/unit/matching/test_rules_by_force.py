"""Costs of contracts, truckloads and means together, against every plan that there is: small rounds, looked through whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st

from marketplace.domain.deductions import Limit
from marketplace.domain.rounds import Snapshot
from marketplace.matching.assembly import Assembled, assemble
from marketplace.matching.clearing import clear
from marketplace.matching.contracts import least_kg
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import line, lot, north, snapshot

NETWORK = engine("network")
LOAD = 10_000

Worth = tuple[int, int]
"""Kilograms, and the cost in thousandths of a fen with that of the contracts."""


@st.composite
def rounds(draw: st.DrawFn) -> Snapshot:
    """Draw up to three lots and two lines of at most three loads and a bit, with a cost of contracts and perhaps a mean."""
    percent = st.sampled_from(["6", "9", "10", "11", "15"])
    lots = tuple(
        lot(
            at,
            LOAD * draw(st.integers(0, 3)) + draw(st.integers(1, LOAD - 1)),
            point=north(draw(st.integers(-30_000, 30_000))),
            properties={"moisture": Decimal(draw(percent))},
            reserve_fen_per_t=draw(st.integers(-2_000, 2_500)),
            least_lot_kg=draw(st.sampled_from([0, 0, 2 * LOAD])),
        )
        for at in range(1, draw(st.integers(1, 3)) + 1)
    )
    mean = Limit(property="moisture", maximum=Decimal(10), monthly_mean=True)
    lines = tuple(
        line(
            at,
            LOAD * draw(st.integers(0, 3)) + draw(st.integers(1, LOAD - 1)),
            point=north(draw(st.integers(0, 40_000))),
            limits=draw(st.sampled_from([(), (mean,)])),
        )
        for at in range(1, draw(st.integers(1, 2)) + 1)
    )
    return snapshot(
        lots,
        lines,
        truckload_kg=LOAD,
        contract_fee_fen=draw(st.sampled_from([0, 5_000, 40_000, 200_000])),
        objective=draw(st.sampled_from(["utilization", "surplus"])),
    )


def plans(of: Assembled) -> Iterator[tuple[int, ...]]:
    """Yield the kilograms by arc of every plan of whole loads that keeps lots, lines, least lots and means."""
    supply, capacity = of.problem.supply.tolist(), of.problem.capacity.tolist()
    ends = list(zip(of.problem.lot.tolist(), of.problem.line.tolist(), strict=True))
    for loads in product(*(range(min(supply[i], capacity[j]) // LOAD + 1) for i, j in ends)):
        kg = tuple(LOAD * load for load in loads)
        left, room, off = supply.copy(), capacity.copy(), [Decimal(0)] * len(capacity)
        for (i, j), mass, (listing_id, line_id, _) in zip(ends, kg, of.arcs, strict=True):
            left[i] -= mass
            room[j] -= mass
            if of.lines[line_id].accepting.limits:
                off[j] += mass * (of.lots[listing_id].offered.properties["moisture"] - 10)
        small = any(0 < mass < least_kg(of, arc[:2]) for mass, arc in zip(kg, of.arcs, strict=True))
        if min(left) >= 0 and min(room) >= 0 and max(off) <= 0 and not small:
            yield kg


def worth(of: Assembled, kg: tuple[int, ...]) -> Worth:
    fees = 1000 * of.snapshot.contract_fee_fen * sum(mass > 0 for mass in kg)
    return sum(kg), fees + sum(mass * cost for mass, cost in zip(kg, of.problem.cost.tolist(), strict=True))


@given(rounds())
def test_no_plan_is_better_and_none_beats_the_bound(round_: Snapshot) -> None:
    of = assemble(round_)
    assume(of.arcs)
    all_of_them = {kg: worth(of, kg) for kg in plans(of)}

    result = clear(round_, NETWORK)

    months = {(award.listing_id, award.line_id, month): kg for award in result.awards for month, kg in award.months}
    kg = tuple(months.get(arc, 0) for arc in of.arcs)
    assert all_of_them[kg] == (result.proof.moved_kg, result.proof.cost)  # it is one of them, and counted right
    if round_.objective == "surplus":
        best = min(cost for _, cost in all_of_them.values())
        assert result.proof.bound <= best == result.proof.cost
        return
    most = max(moved for moved, _ in all_of_them.values())
    assert result.proof.moved_kg == most <= result.proof.most_kg
    least = min(cost for moved, cost in all_of_them.values() if moved == result.proof.moved_kg)
    assert result.proof.bound <= least == result.proof.cost


@given(rounds())
def test_a_contract_that_brings_less_than_it_costs_is_not_made(round_: Snapshot) -> None:
    round_ = replace(round_, objective="surplus")

    result = clear(round_, NETWORK)

    of = assemble(round_)
    if not of.lines or any(each.accepting.limits for each in of.lines.values()):
        return  # a lot that balances others may bring less than its own contract costs
    for award in result.awards:
        gain = award.kg * of.gain_fen_per_t((award.listing_id, award.line_id))
        assert gain >= 1000 * round_.contract_fee_fen

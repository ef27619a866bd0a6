"""From files, the greatest surplus of bid over freight and ask."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.haulage import default_tariff
from marketplace.matching.planleft import unmatched_kg
from marketplace.matching.planning import eligible_pairs
from marketplace.matching.planreport import plan_csv, report
from marketplace.matching.planrules import rules_of
from marketplace.matching.plans import Plan, solve
from marketplace.solver.engines import engine
from tests.unit.matching.test_planning import RUN, TERMS, moved, read

SURPLUS = replace(TERMS, objective="surplus")
FREIGHT = default_tariff().freight_fen_per_t(0)
"""Of a pair at one place, in fen per tonne."""

ASKED = "supply_id,material,lat,lon,tonnes,ask_yuan_per_t\n"
BIDDEN = "demand_id,material,lat,lon,tonnes,bid_yuan_per_t\n"


def plan_of(supply: str, demand: str, *, least_lot_kg: int = 0) -> Plan:
    terms = replace(SURPLUS, min_lot_kg=least_lot_kg)
    pairs = eligible_pairs(*read(ASKED + supply, BIDDEN + demand), terms)
    return solve(pairs, engine("scipy"), rules=rules_of(pairs))


def test_it_moves_what_is_worth_most_and_says_how_much_that_is() -> None:
    supply = "cheap,ash,30,110,10,20\ndear,ash,30,110,10,80\n"
    demand = "rich,ash,30,110,10,150\npoor,ash,30,110,10,60\n"

    best = plan_of(supply, demand)
    most = solve(eligible_pairs(*read(ASKED + supply, BIDDEN + demand), TERMS), engine("scipy"))

    assert moved(best) == [("cheap", "rich", 10_000)]
    assert moved(most) == [("cheap", "poor", 10_000), ("dear", "rich", 10_000)]
    figures, of_most = report(best, replace(RUN, objective="surplus")), report(most, RUN)
    surplus = float(Fraction(10 * (15_000 - FREIGHT - 2_000), 100))
    assert (figures["surplus_yuan"], of_most["surplus_yuan"]) == (surplus, None)
    assert figures["cost_yuan"] == float(Fraction(10 * FREIGHT, 100))
    proof = figures["certificate"]
    assert isinstance(proof, dict)
    assert (proof["feasible"], proof["cost_minimal"], proof["bound"], proof["gap"]) == (True, True, surplus, 0.0)
    (row,) = csv.DictReader(io.StringIO(plan_csv(best).decode()))
    assert Fraction(row["cost_yuan"]) == Fraction(10 * FREIGHT, 100)


@pytest.mark.parametrize(
    ("ask", "bid", "moves"),
    [
        ("20", "100", True),
        ("", "100", True),  # who names no price accepts any: it counts as 0
        ("", "1", False),  # not even the freight is covered
        ("-100", "", True),  # the producer pays to have it taken
        ("1", "", False),
    ],
)
def test_a_side_without_a_price_counts_as_nothing(ask: str, bid: str, *, moves: bool) -> None:
    plan = plan_of(f"A,ash,30,110,10,{ask}\n", f"X,ash,30,110,10,{bid}\n")

    assert bool(moved(plan)) == moves
    assert unmatched_kg(plan) == ({} if moves else {"priced_out": 10_000})


def test_without_any_price_there_is_nothing_to_maximize() -> None:
    rows = read(ASKED + "A,ash,30,110,10,\n", BIDDEN + "X,ash,30,110,10,\n")

    with pytest.raises(Invalid, match="no surplus without prices"):
        eligible_pairs(*rows, SURPLUS)


def test_least_lots_cost_surplus_and_the_bound_says_how_much_at_most() -> None:
    supply = "A,ash,30,110,10,20\nB,ash,30,110,6,10\n"
    demand = "X,ash,30,110,10,150\n"

    plan = plan_of(supply, demand, least_lot_kg=5000)
    figures = report(plan, RUN)

    assert moved(plan) == [("A", "X", 5000), ("B", "X", 5000)]
    proof, surplus = figures["certificate"], figures["surplus_yuan"]
    assert isinstance(proof, dict)
    assert isinstance(surplus, float)
    # Without least lots it would be six tonnes of B and four of A, which are too few.
    assert proof["bound"] == float(Fraction(6 * (14_000 - FREIGHT) + 4 * (13_000 - FREIGHT), 100))
    assert proof["cost_minimal"] is False
    assert proof["gap"] == proof["bound"] - surplus == 10.0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "-30", "0", "40"])), min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["", "20", "60", "90"])), min_size=1, max_size=4),
)
def test_no_pair_that_moves_loses_and_the_bound_is_reached(
    lots: list[tuple[int, str]], lines: list[tuple[int, str]]
) -> None:
    supply = "".join(f"s{at},ash,30,110,{tonnes},{ask}\n" for at, (tonnes, ask) in enumerate(lots))
    demand = "".join(f"d{at},ash,30,110,{tonnes},{bid}\n" for at, (tonnes, bid) in enumerate(lines))
    if not any(price for _, price in (*lots, *lines)):
        return

    plan = plan_of(supply, demand)

    assert (plan.pairs.problem.cost <= 0).all()
    assert plan.proof.bound == plan.proof.cost
    assert plan.best

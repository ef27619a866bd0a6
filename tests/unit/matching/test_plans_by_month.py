"""Plans over months: against a model that shares nothing with ours, and what the check row by row finds."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.matching.planfiles import read_demand, read_supply
from marketplace.matching.planfilings import Filed, read_filings
from marketplace.matching.planleft import unmatched_kg
from marketplace.matching.planning import Terms, eligible_pairs
from marketplace.matching.planrules import rules_of
from marketplace.matching.plans import Plan, solve
from marketplace.solver.engines import engine
from tests.unit.matching.planfiles_by_month import Files, monthly_files, truth

KINDS = ("storage", "closed", "permit", "filing", "least", "fee", "truck")


def plan_of(files: Files, standing: dict[tuple[str, ...], int] | None = None) -> Plan:
    filed = None
    if files.filings is not None:
        filed = Filed(read_filings(files.csv(files.filings), "f.csv"), date(2026, 12, 1))
    lines = read_demand(files.csv(files.lines), "d.csv", provinces=filed is not None)
    lots = read_supply(files.csv(files.lots), "s.csv", provinces=filed is not None)
    terms = Terms(
        max_m=200_000,
        circuity_permille=1300,
        min_lot_kg=0,
        objective=files.objective,
        fee_fen=100 * files.fee,
        truckload_kg=1000 * files.load if files.load > 1 else 1,
        filed=filed,
    )
    pairs = eligible_pairs(lots, lines, terms)
    return solve(pairs, engine("scipy"), rules=rules_of(pairs, standing))


def is_the_best(files: Files) -> None:
    plan = plan_of(files)

    most_kg, cost = truth(files)
    if files.objective == "utilization":
        assert plan.proof.moved_kg == most_kg
    assert plan.proof.cost == cost
    assert sum(unmatched_kg(plan).values()) == int(plan.pairs.problem.supply.sum()) - plan.proof.moved_kg
    if plan.rules is None:
        assert plan.best


@pytest.mark.parametrize("kinds", [("storage",), ("closed",), ("storage", "closed"), ("storage", "permit")])
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_a_few_kinds_give_the_best_plan(kinds: tuple[str, ...], data: st.DataObject):
    is_the_best(data.draw(monthly_files(kinds=kinds)))


@pytest.mark.parametrize(
    "kinds", [("storage", "filing"), ("storage", "least"), ("storage", "fee"), ("storage", "truck")]
)
@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_storage_with_a_rule_gives_the_best_plan(kinds: tuple[str, ...], data: st.DataObject):
    is_the_best(data.draw(monthly_files(kinds=kinds)))


@given(st.data())
@settings(deadline=None, max_examples=80)
def test_any_kinds_together_give_the_best_plan(data: st.DataObject):
    kinds = data.draw(st.sets(st.sampled_from(KINDS)))

    is_the_best(data.draw(monthly_files(kinds=tuple(sorted(kinds)))))


@given(st.data())
@settings(deadline=None, max_examples=40)
def test_the_greatest_surplus_over_months(data: st.DataObject):
    kinds = data.draw(st.sets(st.sampled_from(KINDS[:4])))

    is_the_best(data.draw(monthly_files(kinds=tuple(sorted(kinds)), surplus=True)))


@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_what_stands_of_the_best_plan_leaves_it_the_best(data: st.DataObject):
    kinds = data.draw(st.sets(st.sampled_from(("storage", "closed", "permit", "filing"))))
    files = data.draw(monthly_files(kinds=tuple(sorted(kinds))))
    free = plan_of(files)
    lots, lines = free.pairs.lots, free.pairs.lines
    standing = {
        (lots[each.lot].id, lines[each.line].id, str(lots[each.lot].month)): data.draw(st.integers(1, each.kg))
        for each in free.moved()
    }

    held = plan_of(files, standing)

    assert (held.proof.moved_kg, held.proof.cost) == (free.proof.moved_kg, free.proof.cost)
    moved = {(lots[each.lot].id, lines[each.line].id, str(lots[each.lot].month)): each.kg for each in held.moved()}
    assert all(moved[key] >= kg for key, kg in standing.items())


@given(data=st.data())
@settings(deadline=None, max_examples=40)
def test_more_storage_never_moves_less(data: st.DataObject):
    files = data.draw(monthly_files(kinds=("storage", "closed")))
    rows = [*files.lots, *files.lines]
    before = plan_of(files).proof.moved_kg
    row = data.draw(st.sampled_from(rows))
    row["storage_t"] += 1

    assert plan_of(files).proof.moved_kg >= before

"""Who may take what, for which reason not, and what is made of it."""

from __future__ import annotations

import csv
import io
from fractions import Fraction

from marketplace.domain.haulage import default_tariff
from marketplace.matching.planfiles import Line, Lot, properties_of, read_demand, read_supply
from marketplace.matching.planleft import unmatched_kg
from marketplace.matching.planning import Terms, eligible_pairs
from marketplace.matching.planreport import Run, plan_csv, report
from marketplace.matching.planrules import rules_of
from marketplace.matching.plans import Plan, parts, solve, trips
from marketplace.solver.engines import engine

TERMS = Terms(max_m=200_000, circuity_permille=1300, min_lot_kg=0)
RUN = Run(
    engine="scipy",
    objective="utilization",
    truckload_kg=30_000,
    candidate_seconds=0.0,
    solve_seconds=0.0,
    peak_rss_mib=1.0,
)


def read(supply: str, demand: str) -> tuple[tuple[Lot, ...], tuple[Line, ...]]:
    lines = read_demand(demand.encode(), "d.csv")
    return read_supply(supply.encode(), "s.csv", properties=properties_of(lines)), lines


def plan_of(supply: str, demand: str, terms: Terms = TERMS, name: str = "scipy") -> Plan:
    pairs = eligible_pairs(*read(supply, demand), terms)
    return solve(pairs, engine(name), rules=rules_of(pairs))


def moved(plan: Plan) -> list[tuple[str, str, int]]:
    pairs = plan.pairs
    ends = zip(pairs.problem.lot.tolist(), pairs.problem.line.tolist(), plan.kg.tolist(), strict=True)
    return [(pairs.lots[i].id, pairs.lines[j].id, kg) for i, j, kg in ends if kg]


def test_every_reason_is_told_apart():
    supply = (
        "supply_id,material,lat,lon,tonnes,moisture,ask_yuan_per_t,min_lot_t\n"
        "full,ash,30,110,10,5,,\n"
        "far,ash,40,110,1,5,,\n"
        "nobody,slag,30,110,2,5,,\n"
        "wet,ash,30,110,4,50,,\n"
        "untested,ash,30,110,8,,,\n"
        "dear,ash,30,110,16,5,500,\n"
        "small,ash,30,110,32,5,,33\n"
    )
    demand = "demand_id,material,lat,lon,tonnes,moisture_max,bid_yuan_per_t\nX,ash,30.1,110,6,20,100\n"

    plan = plan_of(supply, demand)

    assert moved(plan) == [("full", "X", 6000)]
    assert unmatched_kg(plan) == {
        "no_line_for_material": 2000,
        "no_line_in_range": 1000,
        "limit_exceeded": 4000,
        "needs_test": 8000,
        "min_lot": 32000,
        "priced_out": 16000,
        "capacity_full": 4000,
    }


def test_a_line_of_several_materials_shares_its_room():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,4\nB,slag,30,110.01,4\nC,gypsum,30,110,4\n"
    demand = "demand_id,material,lat,lon,tonnes\nX,ash|slag,30,110,5\n"

    plan = plan_of(supply, demand)

    assert moved(plan) == [("A", "X", 4000), ("B", "X", 1000)]
    assert parts(plan.pairs) == 1


def test_a_lines_own_radius_stands_before_that_of_the_plan():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,4\n"
    demand = "demand_id,material,lat,lon,tonnes,max_km\nX,ash,31,110,5,111.194\nY,ash,33,110,5,400\nZ,ash,31.5,110,5,\n"

    pairs = eligible_pairs(*read(supply, demand), TERMS)

    assert pairs.problem.line.tolist() == [1, 2]
    assert pairs.great_circle_m.tolist() == [333_585, 166_793]
    assert pairs.road_m.tolist() == [433_661, 216_831]


def test_a_price_keeps_out_whoever_nets_less_than_is_asked():
    freight = default_tariff().freight_fen_per_t(14_456)
    demand = "demand_id,material,lat,lon,tonnes,bid_yuan_per_t\nX,ash,30.1,110,5,100\n"
    lot = "supply_id,material,lat,lon,tonnes,ask_yuan_per_t\nA,ash,30,110,4,{}\n"
    enough, too_much = (10_000 - freight) / 100, (10_001 - freight) / 100

    assert moved(plan_of(lot.format(enough), demand)) == [("A", "X", 4000)]
    assert moved(plan_of(lot.format(too_much), demand)) == []


def test_with_prices_the_cost_is_freight_and_without_it_is_transport():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,4.002\n"
    demand = "demand_id,material,lat,lon,tonnes{}\nX,ash,30.1,110,5{}\n"
    freight = default_tariff().freight_fen_per_t(14_456)

    plain = report(plan_of(supply, demand.format("", "")), RUN)
    priced = report(plan_of(supply, demand.format(",bid_yuan_per_t", ",3")), RUN)

    assert (plain["cost_unit"], plain["cost_yuan"]) == ("t_km", 57.852912)
    assert (priced["cost_unit"], priced["cost_yuan"]) == ("yuan", float(Fraction(4002 * freight, 100_000)))
    assert plain["transport_t_km"] == priced["transport_t_km"] == 57.852912


def test_least_lots_are_kept_and_what_they_cost_is_told():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,9\nB,ash,30,110.1,9\n"
    demand = "demand_id,material,lat,lon,tonnes\nX,ash,30,110,10\nY,ash,30,110.1,8\n"
    terms = Terms(max_m=200_000, circuity_permille=1300, min_lot_kg=5000)

    free, kept = plan_of(supply, demand), plan_of(supply, demand, terms)
    figures = report(kept, RUN)

    assert moved(free) == [("A", "X", 9000), ("B", "X", 1000), ("B", "Y", 8000)]
    assert moved(kept) == [("A", "X", 9000), ("B", "Y", 8000)]
    assert figures["matched_t"] == 17.0
    assert figures["certificate"] == {
        "feasible": True,
        "tonnes_maximal": False,
        "cost_minimal": True,
        "bound": 0.0,
        "gap": 0.0,
        "most_t": 18.0,
        "searched": {"most_t": 17.0, "bound": 0.0, "nodes": 1},
        "violations": [],
    }
    assert unmatched_kg(kept) == {"kept_by_rules": 1000}


def test_least_lots_are_cut_so_that_nothing_is_lost_where_that_can_be():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,9\nB,ash,30,110.1,9\n"
    demand = "demand_id,material,lat,lon,tonnes\nX,ash,30,110,10\nY,ash,30,110.1,8\n"
    terms = Terms(max_m=200_000, circuity_permille=1300, min_lot_kg=2000)

    plan = plan_of(supply, demand, terms)

    assert moved(plan) == [("A", "X", 7000), ("A", "Y", 2000), ("B", "X", 3000), ("B", "Y", 6000)]
    assert (plan.proof.tonnes_maximal, unmatched_kg(plan)) == (True, {})


def test_the_greatest_of_three_least_lots_holds():
    supply = "supply_id,material,lat,lon,tonnes,min_lot_t\nA,ash,30,110,9,2\nB,ash,30,110,9,\n"
    demand = "demand_id,material,lat,lon,tonnes,min_lot_t\nX,ash,30,110,10,4\nY,ash,30,110,8,\n"
    terms = Terms(max_m=1000, circuity_permille=1300, min_lot_kg=1000)

    pairs = eligible_pairs(*read(supply, demand), terms)

    assert pairs.least_kg.tolist() == [4000, 2000, 4000, 1000]


def test_rows_add_up_to_the_report():
    supply = (
        "supply_id,material,lat,lon,tonnes,province_adcode\nA,ash,30,110,61.001,420000\nB,ash,30.3,110.2,7.5,410000\n"
    )
    demand = "demand_id,material,lat,lon,tonnes,province_adcode\nX,ash,30.1,110,40,420000\nY,ash,30.2,110.1,90,420000\n"

    plan = plan_of(supply, demand)
    rows = list(csv.DictReader(io.StringIO(plan_csv(plan).decode())))
    figures = report(plan, RUN)

    assert [(row["supply_id"], row["demand_id"], row["tonnes"]) for row in rows] == [
        ("A", "X", "40.000"),
        ("A", "Y", "21.001"),
        ("B", "Y", "7.500"),
    ]
    assert sum(Fraction(row["tonnes"]) for row in rows) == Fraction(str(figures["matched_t"]))
    assert float(sum(Fraction(row["cost_yuan"]) for row in rows)) == figures["cost_yuan"]
    assert all(Fraction(row["tonnes"]) * Fraction(row["road_km"]) == Fraction(row["cost_yuan"]) for row in rows)
    assert (figures["contracts"], figures["trips"], figures["cross_province_t"]) == (3, 4, 7.5)
    assert trips(plan, 1) == 68_501


def test_nothing_offered_and_nothing_wanted_is_a_plan_of_nothing():
    supply, demand = "supply_id,material,lat,lon,tonnes\n", "demand_id,material,lat,lon,tonnes\n"

    plan = plan_of(supply, demand)

    assert moved(plan) == []
    assert plan_csv(plan) == b"supply_id,demand_id,material,tonnes,great_circle_km,road_km,cost_yuan\n"
    assert report(plan, RUN)["certificate"]["cost_minimal"] is True


def test_zero_tonnes_move_nothing():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,0\n"
    demand = "demand_id,material,lat,lon,tonnes\nX,ash,30,110,0\n"

    plan = plan_of(supply, demand)

    assert moved(plan) == []
    assert plan.best
    assert unmatched_kg(plan) == {}


def test_the_order_of_rows_does_not_matter():
    supply = ["A,ash,30,110,5", "B,ash,30,110,5", "C,ash,30,110,5"]
    demand = "demand_id,material,lat,lon,tonnes\nX,ash,30,110,4\nY,ash,30,110,4\n"
    head = "supply_id,material,lat,lon,tonnes\n"

    forwards = plan_csv(plan_of(head + "\n".join(supply), demand))
    backwards = plan_csv(plan_of(head + "\n".join(reversed(supply)), demand))

    assert forwards == backwards
    rows = list(csv.DictReader(io.StringIO(forwards.decode())))
    assert [(row["demand_id"], row["tonnes"]) for row in rows] == [("X", "4.000"), ("Y", "4.000")]


def test_the_baseline_is_reported_for_what_it_is():
    supply = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,5\nB,ash,30.5,110,5\n"
    demand = "demand_id,material,lat,lon,tonnes,max_km\nX,ash,30,110,5,300\nY,ash,29.9,110,5,20\n"

    plan = plan_of(supply, demand, name="greedy")

    assert moved(plan) == [("A", "X", 5000)]
    assert report(plan, RUN)["certificate"]["tonnes_maximal"] is False

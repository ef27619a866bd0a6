"""What a plan from files may be told to keep: each option and column, used rightly and wrongly."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketplace.domain.haulage import default_tariff
from marketplace.solver.engines import names
from tests.functional.test_match import Desk

SUPPLY = "supply_id,material,lat,lon,tonnes\nA,ash,30,110,9\nB,ash,30,110.1,9\nC,slag,30,110,2\n"
PRICED = "supply_id,material,lat,lon,tonnes,ask_yuan_per_t\nA,ash,30,110,6,0\nB,ash,30,110.1,4,0\n"


def demand(*lines: str, columns: str = "") -> str:
    return "\n".join([f"demand_id,material,lat,lon,tonnes{columns}", *lines]) + "\n"


def moved(desk: Desk) -> list[tuple[str, str, str]]:
    return [(row["supply_id"], row["demand_id"], row["tonnes"]) for row in desk.plan]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write(supply=SUPPLY, demand=demand("X,ash,30,110,10", "Y,ash,30,110.1,7"))
    return desk


def test_least_lots_are_kept_without_losing_a_tonne_where_that_can_be(desk: Desk):
    done = desk.match("--min-lot-kg", "2000")

    assert done.exit_code == 0
    assert moved(desk) == [("A", "X", "8.000"), ("B", "X", "2.000"), ("B", "Y", "7.000")]
    proof = desk.report["certificate"]
    assert (proof["feasible"], proof["tonnes_maximal"], proof["most_t"]) == (True, True, 17.0)
    assert (proof["bound"], proof["gap"], proof["searched"]["bound"]) == (12.519, 12.519, 25.038)
    assert "proved to keep the rules, and at most 0.000 t and 12.52 t km from the best" in done.output


def test_a_least_lot_that_costs_tonnes_is_told(desk: Desk):
    desk.match("--min-lot-kg", "5000")

    assert moved(desk) == [("A", "X", "9.000"), ("B", "Y", "7.000")]
    proof = desk.report["certificate"]
    assert (proof["tonnes_maximal"], proof["most_t"], proof["searched"]["most_t"]) == (False, 17.0, 16.0)
    assert desk.report["unmatched"] == {"no_line_for_material": 2.0, "kept_by_rules": 1.0, "capacity_full": 1.0}


def test_without_nodes_nothing_is_searched(desk: Desk):
    desk.match("--min-lot-kg", "5000", "--nodes", "0")

    assert moved(desk) == [("A", "X", "9.000"), ("B", "Y", "7.000")]
    assert desk.report["certificate"]["searched"] is None


def test_a_fee_makes_fewer_contracts(desk: Desk):
    desk.write(supply=PRICED, demand=demand("X,ash,30,110,4", "Y,ash,30,110.1,6"))

    desk.match()
    free = moved(desk)
    done = desk.match("--contract-fee-yuan", "1000.50")

    assert done.exit_code == 0, done.output
    assert free == [("A", "X", "4.000"), ("A", "Y", "2.000"), ("B", "Y", "4.000")]
    assert moved(desk) == [("A", "Y", "6.000"), ("B", "X", "4.000")]
    far = default_tariff().freight_fen_per_t(12_519)
    report = desk.report
    assert (report["fees_yuan"], report["cost_yuan"], report["matched_t"]) == (2001.0, far / 10, 10.0)
    assert sum(float(row["cost_yuan"]) for row in desk.plan) == pytest.approx(report["cost_yuan"])
    assert report["certificate"]["searched"]["bound"] == 2001.0 + far / 10


def test_whole_trucks_leave_what_no_truck_is_filled_with(desk: Desk):
    desk.write(
        supply="supply_id,material,lat,lon,tonnes\nA,ash,30,110,65\nB,ash,30,110,29\n",
        demand=demand("X,ash,30,110,100", "Y,ash,30,110,29"),
    )

    done = desk.match("--whole-trucks", "--truckload-kg", "30000")

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "60.000")]
    assert (desk.report["trips"], desk.report["unmatched"]) == (2, {"part_truckload": 34.0})
    assert desk.report["certificate"]["tonnes_maximal"] is True


def test_trucks_are_counted_and_nothing_is_cut_unless_asked(desk: Desk):
    desk.write(supply="supply_id,material,lat,lon,tonnes\nA,ash,30,110,65\n", demand=demand("X,ash,30,110,100"))

    desk.match("--truckload-kg", "30000")

    assert moved(desk) == [("A", "X", "65.000")]
    assert desk.report["trips"] == 3


def test_what_stands_moves_again(desk: Desk):
    (desk.folder / "standing.csv").write_text("supply_id,demand_id,tonnes\nA,Y,3\n", encoding="utf-8")

    done = desk.match("--standing", str(desk.folder / "standing.csv"))

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "6.000"), ("A", "Y", "3.000"), ("B", "X", "4.000"), ("B", "Y", "4.000")]
    assert desk.report["certificate"]["tonnes_maximal"] is True


def test_a_buyer_gets_no_more_of_a_lot_than_its_cap(desk: Desk):
    desk.write(
        supply="supply_id,material,lat,lon,tonnes,cap_per_buyer_t\nA,ash,30,110,9,4\n",
        demand=demand("X,ash,30,110,9,P", "Y,ash,30,110.05,9,P", "Z,ash,30,110.1,9,Q", columns=",organization"),
    )

    done = desk.match()

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "4.000"), ("A", "Z", "4.000")]
    assert desk.report["unmatched"] == {"kept_by_rules": 1.0}
    assert desk.report["certificate"]["most_t"] == 8.0


def test_what_is_kept_for_small_works_is_not_sold_to_others(desk: Desk):
    desk.write(
        supply="supply_id,material,lat,lon,tonnes,reserved_small_t\nA,ash,30,110,9,4\n",
        demand=demand("X,ash,30,110,9,0", "Y,ash,30,110.1,3,1", columns=",small_works"),
    )

    done = desk.match()

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "5.000"), ("A", "Y", "3.000")]
    assert desk.report["unmatched"] == {"kept_by_rules": 1.0}


def test_a_mean_lets_wet_ash_be_blended_with_dry(desk: Desk):
    supply = "supply_id,material,lat,lon,tonnes,moisture\nwet,ash,30,110,9,30\ndry,ash,30,110,4,10\n"
    desk.write(supply=supply, demand=demand("X,ash,30,110,20,20", columns=",moisture_mean_max"))
    done = desk.match()
    blended = moved(desk)

    desk.write(supply=supply, demand=demand("X,ash,30,110,20,20", columns=",moisture_max"))
    desk.match()

    assert done.exit_code == 0, done.output
    assert blended == [("dry", "X", "4.000"), ("wet", "X", "4.000")]
    assert moved(desk) == [("dry", "X", "4.000")]


@pytest.mark.parametrize("engine", [name for name in names() if name not in {"auto", "greedy"}])
@pytest.mark.parametrize("solver", ["core", "processes:2", "processes"])
def test_whoever_solves_it_and_wherever_the_plan_is_the_same(engine: str, solver: str, desk: Desk):
    desk.match("--min-lot-kg", "2000")
    ruled = (desk.folder / "plan.csv").read_bytes()
    desk.match()
    plain = (desk.folder / "plan.csv").read_bytes()

    found = []
    for options in ((), ("--min-lot-kg", "2000")):
        done = desk.match("--engine", engine, "--solver", solver, *options)
        assert done.exit_code == 0, done.output
        found.append((desk.folder / "plan.csv").read_bytes())

    assert found == [plain, ruled]


@pytest.mark.parametrize(
    ("columns", "options", "said"),
    [
        ("", ("--contract-fee-yuan", "100"), "A fee for a contract needs prices"),
        ("", ("--contract-fee-yuan", "0.001"), "at most two decimals"),
        ("", ("--contract-fee-yuan", "-1"), "-1 is not between 0 and 1000000"),
        ("", ("--min-lot-kg", "2000", "--engine", "greedy"), "The baseline greedy keeps no least lots"),
        ("", ("--nodes", "-1"), "--nodes"),
        ("", ("--solver", "processes:0"), "--solver processes:0: there are core, processes and processes:N"),
        ("", ("--solver", "cloud"), "--solver cloud: there are core, processes and processes:N"),
        ("", ("--standing", "absent.csv"), "absent.csv"),
        ("", ("--standing", "supply.csv"), "What is read, --out and --report are different files."),
        ("", ("--standing", "odd.csv"), "“A” and “Z” stand already and are no pair any more."),
        ("", ("--standing", "much.csv"), "What stands already is more than “A” has."),
        (",small_works:2", (), "demand.csv, line 2, column small_works: This is 1 for yes or 0 for no."),
        (",moisture_mean_max:x", (), "demand.csv, line 2, column moisture_mean_max: “x” is not a number"),
        (",q_mean_min:9,q_mean_max:1", (), "column q_mean_min: The least is more than the most."),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_is_written(
    columns: str, options: tuple[str, ...], said: str, desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    named = [column.split(":") for column in columns.split(",") if column]
    head, cells = ("".join(f",{one[place]}" for one in named) for place in (0, 1))
    desk.write(supply=SUPPLY, demand=demand(f"X,ash,30,110,10{cells}", columns=head))
    (desk.folder / "odd.csv").write_text("supply_id,demand_id,tonnes\nA,Z,3\n", encoding="utf-8")
    (desk.folder / "much.csv").write_text("supply_id,demand_id,tonnes\nA,X,9.5\n", encoding="utf-8")
    before = desk.names
    monkeypatch.chdir(desk.folder)

    refused = desk.match(*options)

    assert refused.exit_code == 2
    assert said in refused.output
    assert desk.names == before

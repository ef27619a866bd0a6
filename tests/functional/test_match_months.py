"""Plans over months by the command line: storage on both sides, closed months, permits of a year, filings across provinces."""

from __future__ import annotations

from pathlib import Path

import pytest

from marketplace.domain.haulage import default_tariff
from tests.functional.test_match import Desk

LOT = "supply_id,material,lat,lon,month,tonnes,storage_t,storage_yuan_per_t_month,ask_yuan_per_t"
LINE = "demand_id,material,lat,lon,month,tonnes,storage_t,storage_yuan_per_t_month,closed_months"
NEAR, FAR = (default_tariff().freight_fen_per_t(road_m) for road_m in (0, 12_519))


def rows(head: str, *lines: str) -> str:
    """Return a file; what follows the id in each row is the month and what it says of it."""
    return "\n".join([head, *(f"{line[0]},ash,30,110,{line[2:]}" for line in lines)]) + "\n"


def moved(desk: Desk) -> list[tuple[str, str, str, str]]:
    return [(row["supply_id"], row["demand_id"], row["month"], row["tonnes"]) for row in desk.plan]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_a_closed_month_is_bridged_by_the_yard_of_the_lot(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2027-01,10,6,2,-500", "A,2027-02,1,,,-500"),
        demand=rows(LINE, "X,2027-01,20,,,01", "X,2027-02,20,,,01"),
    )

    done = desk.match()

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "2027-02", "7.000")]
    report = desk.report
    assert report["stored"] == [{"side": "supply", "id": "A", "from": "2027-01", "to": "2027-02", "tonnes": 6.0}]
    assert (report["storage_yuan"], report["cost_yuan"], report["matched_t"]) == (12.0, 7 * 7.0, 7.0)
    assert report["certificate"]["bound"] == 12.0 + 7 * 7.0
    assert report["certificate"]["kept"] == ["months", "storage"]
    assert report["unmatched"] == {"storage_full": 4.0}
    assert (report["lots"], report["lines"], report["contracts"], report["months"]) == (1, 1, 1, ["2027-01", "2027-02"])
    assert done.output.endswith("proved.\n")


def test_a_closed_month_is_bridged_by_the_silo_of_the_line(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2026-11,10,,,-500", "A,2026-12,10,,,-500"),
        demand=rows(LINE, "X,2026-11,3,4,1.5,12", "X,2026-12,9,,,12"),
    )

    done = desk.match()

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "2026-11", "7.000")]
    report = desk.report
    assert report["stored"] == [{"side": "demand", "id": "X", "from": "2026-11", "to": "2026-12", "tonnes": 4.0}]
    assert report["storage_yuan"] == 6.0
    assert report["unmatched"] == {"closed_months": 10.0, "capacity_full": 3.0}


def test_a_month_closed_in_one_year_is_open_in_the_next(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2026-12,1,,,", "A,2027-12,1,,,"),
        demand=rows(LINE, "X,2026-12,1,,,2026-12 02", "X,2027-12,1,,,02 2026-12"),
    )

    desk.match()

    assert moved(desk) == [("A", "X", "2027-12", "1.000")]


def test_storing_over_a_month_without_a_row_costs_both_months(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2026-11,5,5,2,-500", "A,2027-01,0,,,-500"),
        demand=rows(LINE, "X,2027-01,5,,,"),
    )

    desk.match()

    assert desk.report["stored"] == [{"side": "supply", "id": "A", "from": "2026-11", "to": "2027-01", "tonnes": 5.0}]
    assert desk.report["storage_yuan"] == 20.0


def test_what_no_line_takes_in_its_month_is_told_apart(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2027-01,5,,,", "A,2027-02,3,,,"),
        demand=rows(LINE, "X,2027-02,1,,,"),
    )

    desk.match()

    assert desk.report["unmatched"] == {"no_line_in_month": 5.0, "capacity_full": 2.0}


def test_for_the_greatest_surplus_nothing_is_stored_at_a_loss(desk: Desk):
    supply = rows(LOT, "A,2027-01,5,5,{},0", "A,2027-02,0,,,0")
    demand = rows("demand_id,material,lat,lon,month,tonnes,bid_yuan_per_t", "X,2027-02,5,20")
    desk.write(supply=supply.format("12.99"), demand=demand)
    desk.match("--objective", "surplus")
    cheap = desk.report

    desk.write(supply=supply.format("13.01"), demand=demand)
    desk.match("--objective", "surplus")

    assert (cheap["matched_t"], cheap["surplus_yuan"]) == (5.0, 0.05)
    assert (desk.report["matched_t"], desk.report["unmatched"]) == (0.0, {"priced_out": 5.0})


PERMIT = "demand_id,material,lat,lon,month,tonnes,permit_t_year"


def test_a_permit_holds_over_its_year_and_no_longer(desk: Desk):
    lots = [f"A,{month},4,,," for month in ("2026-11", "2026-12", "2027-01")]
    desk.write(
        supply=rows(LOT, *lots),
        demand=rows(PERMIT, *(f"X,{month},5,6" for month in ("2026-11", "2026-12", "2027-01"))),
    )

    done = desk.match()

    assert done.exit_code == 0, done.output
    assert sum(float(kg) for *_, month, kg in moved(desk) if month < "2027") == 6.0
    assert moved(desk)[-1] == ("A", "X", "2027-01", "4.000")
    assert desk.report["permits"] == [
        {"demand_id": "X", "year": 2026, "arrived_t": 6.0, "permit_t": 6.0},
        {"demand_id": "X", "year": 2027, "arrived_t": 4.0, "permit_t": 6.0},
    ]
    assert desk.report["unmatched"] == {"kept_by_rules": 2.0}
    proof = desk.report["certificate"]
    assert (proof["tonnes_maximal"], proof["most_t"], proof["kept"]) == (True, 10.0, ["months", "permits"])


def test_a_permit_lets_a_month_lend_to_another_and_the_dear_one_waits(desk: Desk):
    desk.write(
        supply=rows("supply_id,material,lat,lon,month,tonnes,ask_yuan_per_t", "A,2027-03,4,-500", "A,2027-04,4,-500")
        + "B,ash,30,110.1,2027-03,4,-500\n",
        demand=rows(PERMIT, "X,2027-03,8,8", "X,2027-04,8,8"),
    )

    desk.match()

    assert moved(desk) == [("A", "X", "2027-03", "4.000"), ("A", "X", "2027-04", "4.000")]
    assert desk.report["cost_yuan"] == 8 * 7.0
    assert (NEAR, FAR > NEAR) == (700, True)


def test_a_permit_that_cannot_bind_leaves_a_plain_plan(desk: Desk):
    desk.write(supply=rows(LOT, "A,2027-01,4,,,"), demand=rows(PERMIT, "X,2027-01,5,5"))

    desk.match()

    assert desk.report["certificate"]["searched"] is None
    assert desk.report["certificate"]["gap"] == 0.0


def test_without_room_to_store_nothing_is_stored(desk: Desk):
    desk.write(supply=rows(LOT, "A,2027-01,10,,,", "A,2027-02,0,,,"), demand=rows(LINE, "X,2027-02,20,,,"))

    desk.match()

    assert moved(desk) == []
    assert desk.report["stored"] == []
    assert "storage" not in desk.report["certificate"]["kept"]


def test_least_lots_fees_and_caps_are_of_a_contract_over_all_its_months(desk: Desk):
    head = "supply_id,material,lat,lon,month,tonnes,ask_yuan_per_t,min_lot_t,cap_per_buyer_t"
    desk.write(
        supply=rows(head, "A,2027-01,3,0,5,7", "A,2027-02,3,0,5,7", "A,2027-03,3,0,5,7"),
        demand=rows("demand_id,material,lat,lon,month,tonnes", "X,2027-01,9", "X,2027-02,9", "X,2027-03,9"),
    )

    done = desk.match("--contract-fee-yuan", "100")

    assert done.exit_code == 0, done.output
    assert sum(float(kg) for *_, kg in moved(desk)) == 7.0
    assert (desk.report["contracts"], desk.report["fees_yuan"]) == (1, 100.0)
    assert desk.report["unmatched"] == {"kept_by_rules": 2.0}


def test_what_is_stored_moves_by_whole_trucks(desk: Desk):
    desk.write(supply=rows(LOT, "A,2027-01,65,40,,", "A,2027-02,10,,,"), demand=rows(LINE, "X,2027-02,100,,,"))

    done = desk.match("--whole-trucks")

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "2027-02", "30.000")]
    assert desk.report["stored"][0]["tonnes"] == 30.0


def test_a_plan_by_month_stands_by_month(desk: Desk):
    supply = rows(LOT, "A,2027-01,10,6,,", "A,2027-02,1,,,")
    desk.write(supply=supply, demand=rows(LINE, "X,2027-01,20,,,01", "X,2027-02,20,,,01"))
    desk.match()
    (desk.folder / "plan.csv").rename(desk.folder / "standing.csv")

    done = desk.match("--standing", str(desk.folder / "standing.csv"))

    assert done.exit_code == 0, done.output
    assert moved(desk) == [("A", "X", "2027-02", "7.000")]


@pytest.mark.parametrize(
    ("standing", "said"),
    [
        ("supply_id,demand_id,tonnes\nA,X,1\n", "needs the columns supply_id, demand_id, month, tonnes"),
        ("supply_id,demand_id,month,tonnes\nA,X,2027-01,1\n", "“A” and “X 2027-01” stand already"),
        ("supply_id,demand_id,month,tonnes\nA,X,2027-02,8\n", "What stands already is more than “A” has."),
        ("supply_id,demand_id,month,tonnes\nA,X,Feb-27,8\n", "line 2: A month is written as year and month"),
    ],
)
def test_what_cannot_stand_in_its_month_is_refused(standing: str, said: str, desk: Desk):
    supply = rows(LOT, "A,2027-01,10,6,,", "A,2027-02,1,,,")
    desk.write(supply=supply, demand=rows(LINE, "X,2027-01,20,,,01", "X,2027-02,20,,,01"))
    (desk.folder / "standing.csv").write_text(standing, encoding="utf-8")

    refused = desk.match("--standing", str(desk.folder / "standing.csv"))

    assert refused.exit_code == 2
    assert said in refused.output
    assert "plan.csv" not in desk.names


@pytest.mark.parametrize("engine", ["scipy", "network", "milp"])
@pytest.mark.parametrize("solver", ["core", "processes:2"])
def test_whoever_solves_months_and_wherever_the_plan_is_the_same(engine: str, solver: str, desk: Desk):
    lots = [f"{name},2027-0{month},{kg},3,," for name, kg in (("A", 5), ("B", 7)) for month in (1, 2, 3)]
    lines = [f"{name},2027-0{month},{kg},2,,02" for name, kg in (("X", 4), ("Y", 6)) for month in (1, 2, 3)]
    desk.write(supply=rows(LOT, *lots), demand=rows(LINE, *lines))
    desk.match("--min-lot-kg", "3000")
    ruled = (desk.folder / "plan.csv").read_bytes()
    desk.match()
    plain = (desk.folder / "plan.csv").read_bytes()

    found = []
    for options in ((), ("--min-lot-kg", "3000")):
        done = desk.match("--engine", engine, "--solver", solver, *options)
        assert done.exit_code == 0, done.output
        found.append((desk.folder / "plan.csv").read_bytes())

    assert found == [plain, ruled]


def test_an_engine_that_stores_nothing_says_so(desk: Desk):
    desk.write(supply=rows(LOT, "A,2027-01,5,5,,", "A,2027-02,0,,,"), demand=rows(LINE, "X,2027-02,5,,,"))

    refused = desk.match("--engine", "assignment")

    assert refused.exit_code == 1
    assert "without storage" in refused.output
    assert "plan.csv" not in desk.names


def test_the_baseline_moves_each_month_by_itself(desk: Desk):
    desk.write(
        supply=rows(LOT, "A,2027-01,5,5,,", "A,2027-02,1,,,"), demand=rows(LINE, "X,2027-01,2,,,", "X,2027-02,9,,,")
    )

    done = desk.match("--engine", "greedy")

    assert moved(desk) == [("A", "X", "2027-01", "2.000"), ("A", "X", "2027-02", "1.000")]
    assert "not proved to be the best" in done.output


def test_the_order_of_rows_changes_no_byte(desk: Desk):
    lots = [f"A,2027-0{month},5,3,1,-500" for month in (1, 2, 3)]
    lines = [f"X,2027-0{month},4,2,1,02" for month in (1, 2, 3)]
    desk.write(supply=rows(LOT, *lots), demand=rows(LINE, *lines))
    desk.match()
    forwards = (desk.folder / "plan.csv").read_bytes()

    desk.write(supply=rows(LOT, *reversed(lots)), demand=rows(LINE, *reversed(lines)))
    desk.match()

    assert (desk.folder / "plan.csv").read_bytes() == forwards

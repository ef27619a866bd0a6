"""Whether a plan keeps what its files say, row by row: each fault planted once, and none seen where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from marketplace.matching import plans
from marketplace.matching.plancheck import Moved, Stored, faults
from marketplace.matching.planfiles import read_demand, read_supply
from marketplace.matching.planfilings import Filed, Filing
from marketplace.matching.planning import Terms, eligible_pairs
from marketplace.matching.plans import solve
from marketplace.solver.engines import engine
from marketplace.solver.problem import SolverFailed

LOTS = read_supply(
    b"supply_id,material,lat,lon,month,tonnes,storage_t,province_adcode,organization\n"
    b"A,ash,30,110,2026-11,9,4,420000,plant\nA,ash,30,110,2026-12,1,4,420000,plant\nA,ash,30,110,2027-01,1,,420000,plant\n",
    "s.csv",
    provinces=True,
)
LINES = read_demand(
    b"demand_id,material,lat,lon,month,tonnes,storage_t,closed_months,permit_t_year,province_adcode\n"
    b"X,ash,30,110,2026-11,3,2,12,5,430000\nX,ash,30,110,2026-12,2,2,12,5,430000\nX,ash,30,110,2027-01,9,,12,5,430000\n",
    "d.csv",
    provinces=True,
)
STRICT = tuple(replace(line, permit_kg=4000) for line in LINES)
FILING = Filing("plant", "X", "ash", 9000, date(2026, 1, 1), date(2027, 12, 31))
FILED = Filed((FILING,), date(2026, 12, 1))
MOVED = (Moved(0, 0, 5000, 0), Moved(2, 2, 4000, 0))
STORED = (Stored("demand", 0, 1, 2000), Stored("supply", 0, 1, 3000), Stored("supply", 1, 2, 4000))


def test_a_plan_that_keeps_everything_has_no_fault():
    assert faults(LOTS, LINES, FILED, MOVED, STORED) == []


@pytest.mark.parametrize(
    ("moved", "stored", "said"),
    [
        ([Moved(0, 2, 4000, 0)], STORED[1:2], "4000 kg leave A in 2026-11 and reach X in 2027-01"),
        ([*MOVED, Moved(1, 1, 1, 0)], STORED, "1 kg reach X in 2026-12, when it is closed"),
        ([Moved(0, 0, 5001, 0)], STORED[:1], "5001 kg reach X in 2026, and its permit is for 5000"),
        ([Moved(2, 2, 5001, 0)], STORED[1:], "A ships 5001 kg and keeps 0 in 2027-01, more than it has"),
        (MOVED, [*STORED[:2], Stored("supply", 1, 2, 4001)], "A stores 4001 kg over the end of 2026-12"),
        (MOVED, [*STORED, Stored("supply", 0, 2, 0)], "A stores from 2026-11 what A has in 2027-01"),
        (MOVED, STORED[1:], "X would use 5000 kg of 3000 in 2026-11"),
        ([MOVED[1]], STORED, "X would use -2000 kg of 3000 in 2026-11"),
        ([replace(MOVED[0], filing=-1)], STORED[:1], "from A to X across provinces without a filing"),
        ([Moved(0, 0, 5000, 0), Moved(2, 2, 4001, 0)], STORED, "9001 kg go by a filing with 9000 kg left"),
    ],
)
def test_a_planted_fault_is_found(moved: list[Moved], stored: list[Stored], said: str):
    assert any(said in fault for fault in faults(LOTS, LINES, FILED, moved, stored))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"valid_to": date(2026, 11, 29)}, "on a filing that does not hold on 2026-11-30"),
        ({"valid_from": date(2026, 12, 1)}, "on a filing that does not hold on 2026-11-30"),
        ({"recycler": "Y"}, "from A to X by the filing of others"),
        ({"material": "slag"}, "from A to X by the filing of others"),
    ],
)
def test_a_filing_of_others_or_of_another_time_is_found(change: dict[str, object], said: str):
    filed = Filed((replace(FILING, **change),), date(2026, 12, 1))

    assert any(said in fault for fault in faults(LOTS, LINES, filed, MOVED, STORED))


def test_without_filings_provinces_are_not_asked_for():
    assert faults(LOTS, LINES, None, [replace(each, filing=-1) for each in MOVED], STORED) == []


def test_a_plan_that_was_told_no_permit_is_refused_for_it():
    pairs = eligible_pairs(LOTS, STRICT, Terms(max_m=1000, circuity_permille=1000, min_lot_kg=0))

    with pytest.raises(SolverFailed, match="its permit is for 4000"):
        solve(pairs, engine("scipy"))


def test_without_the_check_the_fault_would_not_be_seen(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plans, "faults", lambda *_: [])
    pairs = eligible_pairs(LOTS, STRICT, Terms(max_m=1000, circuity_permille=1000, min_lot_kg=0))

    assert solve(pairs, engine("scipy")).best

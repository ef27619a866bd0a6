"""Filings across provinces by the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.functional.test_match import Desk

SUPPLY = """supply_id,material,lat,lon,tonnes,province_adcode,organization
A1,ash,30,110,5,420000,plant
A2,ash,30,110,5,420500,plant
B,ash,30,110,5,430000,other
"""
DEMAND = """demand_id,material,lat,lon,tonnes,province_adcode,organization
X,ash,30,110,9,430000,works
Y,ash,30,110,9,430100,works
"""
FILINGS = "producer,recycler,material,tonnes_left,valid_from,valid_to\n"


def moved(desk: Desk) -> dict[str, float]:
    """Return the tonnes of each lot."""
    total: dict[str, float] = {}
    for row in desk.plan:
        total[row["supply_id"]] = total.get(row["supply_id"], 0) + float(row["tonnes"])
    return total


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    desk = Desk(tmp_path)
    desk.write(supply=SUPPLY, demand=DEMAND)
    return desk


def match(desk: Desk, filings: str, *options: str) -> str:
    (desk.folder / "filings.csv").write_text(FILINGS + filings, encoding="utf-8")
    done = desk.match("--filings", str(desk.folder / "filings.csv"), "--filings-day", "2027-03-01", *options)
    assert done.exit_code == 0, done.output
    return done.output


def test_without_the_option_provinces_are_not_asked_for(desk: Desk):
    desk.match()

    assert desk.report["matched_t"] == 15.0
    assert "filings" not in desk.report
    assert "kept" not in desk.report["certificate"]


def test_a_filing_that_binds_is_shared_by_all_that_goes_by_it(desk: Desk):
    match(desk, "plant,works,ash,6.5,2027-01-01,2027-12-31\nplant,works,slag,99,,\nelse,works,ash,99,,\n")

    assert moved(desk)["A1"] + moved(desk)["A2"] == 6.5
    assert moved(desk)["B"] == 5.0
    report = desk.report
    assert report["filings"] == [
        {
            "producer": "plant",
            "recycler": "works",
            "material": "ash",
            "valid_from": "2027-01-01",
            "valid_to": "2027-12-31",
            "tonnes_left": 6.5,
            "used_t": 6.5,
        }
    ]
    assert report["unmatched"] == {"kept_by_rules": 3.5}
    assert (report["certificate"]["most_t"], report["certificate"]["kept"]) == (11.5, ["filings"])
    assert report["cross_province_t"] == 6.5


@pytest.mark.parametrize(
    ("filings", "reason"),
    [
        ("", "filing_needed"),
        ("plant,others,ash,9,,\n", "filing_needed"),
        ("plant,works,ash,9,2027-03-02,\n", "filing_expired"),
        ("plant,works,ash,9,,2027-02-28\n", "filing_expired"),
        ("plant,works,ash,0,,\n", "filing_exhausted"),
    ],
)
def test_without_a_filing_a_pair_is_not_joined_and_the_reason_is_told(filings: str, reason: str, desk: Desk):
    match(desk, filings)

    assert moved(desk) == {"B": 5.0}
    assert desk.report["unmatched"] == {reason: 10.0}


def test_of_two_filings_the_one_with_most_left_opens_the_pair(desk: Desk):
    match(desk, "plant,works,ash,3,,2027-06-30\nplant,works,ash,4,2027-02-01,\n")

    assert sum(moved(desk).values()) == 5.0 + 4.0
    assert [filing["used_t"] for filing in desk.report["filings"]] == [4.0]


def test_a_filing_that_cannot_bind_leaves_a_plain_plan(desk: Desk):
    output = match(desk, "plant,works,ash,10,,\n")

    assert output.endswith("proved.\n")
    assert desk.report["certificate"]["searched"] is None


def test_over_months_a_filing_must_hold_on_the_last_day(desk: Desk):
    desk.write(
        supply="supply_id,material,lat,lon,month,tonnes,province\n"
        "A,ash,30,110,2027-05,5,湖北\nA,ash,30,110,2027-06,5,湖北\nA,ash,30,110,2027-07,5,湖北\n",
        demand="demand_id,material,lat,lon,month,tonnes,province\n"
        "X,ash,30,110,2027-05,5,湖南\nX,ash,30,110,2027-06,5,湖南\nX,ash,30,110,2027-07,5,湖南\n",
    )

    match(desk, "A,X,ash,99,2027-05-31,2027-07-30\n")

    assert [(row["month"], row["tonnes"]) for row in desk.plan] == [("2027-05", "5.000"), ("2027-06", "5.000")]
    assert desk.report["unmatched"] == {"filing_expired": 5.0}


@pytest.mark.parametrize(
    ("filings", "said"),
    [
        ("plant,works,ash,x,,\n", "filings.csv, line 2, column tonnes_left: “x” is not a number"),
        ("plant,works,ash,,,\n", "filings.csv, line 2, column tonnes_left: A value is missing."),
        (",works,ash,1,,\n", "filings.csv, line 2, column producer: A value is missing."),
        ("plant,,ash,1,,\n", "filings.csv, line 2, column recycler: A value is missing."),
        ("plant,works,ash,1,2027/01/01,\n", "column valid_from: A day is written as year, month and day"),
        ("plant,works,ash,1,2027-02-01,2027-01-31\n", "column valid_to: The last day is before the first."),
        ("plant,works,ash,1,,\nplant,works,ash,2,,\n", "line 3, column producer: “plant works ash” already stands"),
    ],
)
def test_a_bad_filing_is_named_and_nothing_is_written(filings: str, said: str, desk: Desk):
    (desk.folder / "filings.csv").write_text(FILINGS + filings, encoding="utf-8")

    refused = desk.match("--filings", str(desk.folder / "filings.csv"))

    assert refused.exit_code == 2
    assert said in refused.output
    assert "plan.csv" not in desk.names


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("", "supply.csv, line 3, column province_adcode: With filings each row says in which province it lies"),
        ("Hu", "supply.csv, line 3, column province_adcode: “Hu” is no province and no division code, which has"),
        ("4205", "supply.csv, line 3, column province_adcode: “4205” is no province"),
        ("990000", "supply.csv, line 3, column province_adcode: “990000” is no province"),
    ],
)
def test_with_filings_each_row_says_its_province(wrong: str, said: str, desk: Desk):
    desk.write(supply=SUPPLY.replace("420500", wrong), demand=DEMAND)
    (desk.folder / "filings.csv").write_text(FILINGS, encoding="utf-8")

    refused = desk.match("--filings", str(desk.folder / "filings.csv"))

    assert refused.exit_code == 2
    assert said in refused.output


@pytest.mark.parametrize("name", ["湖北省", "湖北", "Hubei", "420000", "420500"])
def test_a_province_has_a_name_or_a_code_and_all_mean_the_same(name: str, desk: Desk):
    desk.write(supply=SUPPLY.replace("430000", name), demand=DEMAND.replace("430000", "湖北").replace("430100", name))

    match(desk, "")

    assert desk.report["matched_t"] == 15.0


def test_the_file_of_filings_is_not_written_over(desk: Desk):
    (desk.folder / "plan.csv").write_text(FILINGS, encoding="utf-8")

    refused = desk.match("--filings", str(desk.folder / "plan.csv"))

    assert refused.exit_code == 2
    assert "are different files" in refused.output

"""Files whose rows are about months: what they say, and what is wrong with one that cannot be used."""

from __future__ import annotations

import pytest

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.matching.planfiles import Unreadable, read_demand, read_supply
from marketplace.matching.planning import Pairs, Terms, eligible_pairs

LOT = {
    "supply_id": "A",
    "material": "ash",
    "lat": "30",
    "lon": "110",
    "month": "2027-01",
    "tonnes": "9",
    "storage_t": "4",
    "storage_yuan_per_t_month": "1.5",
}
LINE = {**LOT, "demand_id": "X", "closed_months": "12 01", "permit_t_year": "80"}
del LINE["supply_id"]
TERMS = Terms(max_m=1000, circuity_permille=1000, min_lot_kg=0)


def file(row: dict[str, str], *changes: dict[str, str]) -> bytes:
    """Return a file of a row for each set of changes of it; a cell of ``-`` takes its column away."""
    rows = [{**row, **change} for change in changes] or [row]
    columns = [column for column in dict.fromkeys(name for each in rows for name in each) if rows[0].get(column) != "-"]
    return "\n".join([",".join(columns), *(",".join(each.get(c, "") for c in columns) for each in rows)]).encode()


def lots(*changes: dict[str, str], **options: object) -> list[str]:
    """Return the faults of a supply file."""
    with pytest.raises(Unreadable) as refused:
        read_supply(file(LOT, *changes), "s.csv", **options)
    return [str(fault) for fault in refused.value.faults]


def lines(*changes: dict[str, str]) -> list[str]:
    """Return the faults of a demand file."""
    with pytest.raises(Unreadable) as refused:
        read_demand(file(LINE, *changes), "d.csv")
    return [str(fault) for fault in refused.value.faults]


def pairs(supply: bytes, demand: bytes) -> Pairs:
    return eligible_pairs(read_supply(supply, "s.csv"), read_demand(demand, "d.csv"), TERMS)


def test_reads_the_months_of_a_lot_in_their_order():
    first, second = read_supply(file(LOT, {"month": "2027-02", "storage_t": ""}, {}), "s.csv")

    assert (first.id, first.month, first.kg) == ("A", Month(2027, 1), 9000)
    assert (first.storage_kg, first.storage_fen_per_t) == (4000, 150)
    assert (second.month, second.storage_kg, second.organization) == (Month(2027, 2), 0, "A")


def test_reads_what_a_line_says_of_its_months():
    line, _ = read_demand(file(LINE, {}, {"month": "2027-02"}), "d.csv")

    assert (line.month, line.storage_kg, line.storage_fen_per_t) == (Month(2027, 1), 4000, 150)
    assert (line.closed_months, line.closed, line.permit_kg) == (("01", "12"), True, 80_000)


@pytest.mark.parametrize(
    ("closed", "month", "said"),
    [
        ("", "2027-01", False),
        ("1", "2027-01", True),
        ("01", "2028-01", True),
        ("01", "2027-10", False),
        ("2027-01", "2027-01", True),
        ("2027-01", "2028-01", False),
        ("12 2027-01 02", "2027-01", True),
    ],
)
def test_a_line_is_closed_in_a_month_of_every_year_or_of_one(closed: str, month: str, said: bool):
    (line,) = read_demand(file(LINE, {"closed_months": closed, "month": month}), "d.csv")

    assert line.closed is said


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ([{"month": ""}], "line 2, column month: A value is missing."),
        ([{"month": "Jan-27"}], "line 2, column month: A month is written as year and month, such as 2027-03."),
        ([{"month": "2027-13"}], "line 2, column month: A month is written as year and month, such as 2027-03."),
        ([{}, {}], "line 3, column supply_id: “A 2027-01” already stands in line 2."),
        ([{"storage_t": "-1"}], "line 2, column storage_t: Tonnes cannot be less than zero."),
        (
            [{"storage_yuan_per_t_month": "-1"}],
            "line 2, column storage_yuan_per_t_month: To store a tonne for a month costs between 0 and 5000 yuan.",
        ),
        ([{"storage_yuan_per_t_month": "5000.01"}], "To store a tonne for a month costs between 0 and 5000 yuan."),
        ([{"storage_yuan_per_t_month": "0.001"}], "at most two decimals"),
        (
            [{}, {"month": "2027-02", "lat": "31"}],
            "line 3, column lat: “A” says otherwise in line 2, and this is the same in all its months.",
        ),
        ([{"month": "2027-02"}, {"material": "slag"}], "line 2, column material: “A” says otherwise in line 3"),
        ([{}, {"month": "2027-02", "cap_per_buyer_t": "3"}], "line 3, column cap_per_buyer_t: “A” says otherwise"),
        (
            [{"reserved_small_t": "19"}, {"month": "2027-02", "reserved_small_t": "19"}],
            "line 2, column reserved_small_t: More is kept for small works than there is.",
        ),
        (
            [{"tonnes": "-", "tonnes_per_year": "108"}],
            "line 1, column tonnes: Where rows have a month, tonnes are those",
        ),
        ([{"month": "-"}], "line 2, column storage_t: This is about months: give each row its month, such as 2027-03,"),
    ],
)
def test_what_a_lot_cannot_say_of_its_months_is_named(changes: list[dict[str, str]], fault: str):
    assert fault in lots(*changes)[0]
    assert lots(*changes)[0].startswith("s.csv, line ")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        (
            [{"closed_months": "12;01"}],
            "d.csv, line 2, column closed_months: “12;01” is no month. Write 12 01 02 for every year or 2026-12 for one, "
            "with spaces between.",
        ),
        ([{"closed_months": "13"}], "column closed_months: “13” is no month."),
        ([{"closed_months": "00"}], "column closed_months: “00” is no month."),
        ([{"closed_months": "2027-13"}], "column closed_months: “2027-13” is no month."),
        (
            [{}, {"month": "2027-02", "closed_months": "12"}],
            "line 3, column closed_months: “X” says otherwise in line 2",
        ),
        (
            [{}, {"month": "2027-02", "permit_t_year": "8"}],
            "line 3, column permit_t_year: “X” says otherwise in line 2",
        ),
        ([{"permit_t_year": "much"}], "line 2, column permit_t_year: “much” is not a number"),
        (
            [{"month": "-", "storage_t": "", "storage_yuan_per_t_month": ""}],
            "line 2, column closed_months: This is about months",
        ),
    ],
)
def test_what_a_line_cannot_say_of_its_months_is_named(changes: list[dict[str, str]], fault: str):
    assert fault in lines(*changes)[0]


def test_what_is_stored_must_be_alike_in_both_months():
    wet, dry = {"moisture": "30"}, {"moisture": "20", "month": "2027-02"}

    (fault,) = lots(wet, dry, properties=["moisture"])

    assert fault == (
        "s.csv, line 3, column moisture: “A” says otherwise in line 2, and what is stored from that month must be alike: "
        "write the same, or leave storage_t empty there."
    )


def test_what_is_not_stored_may_differ_from_month_to_month():
    wet, dry = {"moisture": "30", "storage_t": ""}, {"moisture": "20", "month": "2027-02"}

    found = read_supply(file(LOT, wet, dry), "s.csv", properties=["moisture"])

    assert [lot.values["moisture"] for lot in found] == [30.0, 20.0]


@pytest.mark.parametrize("column", ["moisture_max", "moisture_min", "moisture_mean_max"])
def test_a_line_that_stores_limits_alike_in_both_months(column: str):
    (fault,) = lines({column: "20"}, {column: "25", "month": "2027-02"})

    assert f"line 3, column {column}: “X” says otherwise in line 2, and what is stored" in fault


def test_months_on_one_side_alone_are_refused():
    yearly = file(LINE, dict.fromkeys(("month", "storage_t", "storage_yuan_per_t_month", "closed_months"), "-"))
    yearly = yearly.replace(b"permit_t_year", b"note")

    with pytest.raises(Invalid, match=r"supply file has a column month and the demand file has none\. Give both one"):
        pairs(file(LOT), yearly)


def test_a_cost_of_storage_is_money_and_needs_prices():
    with pytest.raises(Invalid, match="storage_yuan_per_t_month of “A” is money, and without prices"):
        pairs(file(LOT), file(LINE))


def test_arcs_join_rows_of_one_month_and_storage_leads_to_the_next():
    supply = file(LOT, {"ask_yuan_per_t": "0"}, {"month": "2027-02"}, {"month": "2027-04"})
    demand = file(LINE, {"month": "2027-02", "storage_t": ""}, {"month": "2027-03"}, {"month": "2027-04"})

    problem = pairs(supply, demand).problem

    assert list(zip(problem.lot.tolist(), problem.line.tolist(), strict=True)) == [(1, 0), (2, 2)]
    carry = problem.carry
    assert list(zip(*(each.tolist() for each in (carry.tail, carry.head, carry.most_kg, carry.cost)), strict=True)) == [
        (0, 1, 4000, 150),
        (1, 2, 4000, 300),
        (4, 5, 4000, 150),
    ]
    assert problem.contract is not None
    assert problem.contract.tolist() == [0, 0]


def test_a_file_without_months_has_no_storage_and_no_contracts_over_months():
    bare = dict.fromkeys(("month", "storage_t", "storage_yuan_per_t_month", "closed_months", "permit_t_year"), "-")

    found = pairs(file(LOT, bare), file(LINE, bare))

    assert found.problem.contract is None
    assert found.problem.carry.tail.size == 0
    assert not found.monthly

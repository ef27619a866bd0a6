"""What a file says, and what is wrong with one that cannot be used."""

from __future__ import annotations

import pytest

from marketplace.matching.planfiles import SHOWN, Unreadable, properties_of, read_demand, read_supply

SUPPLY = "supply_id,material,lat,lon,tonnes\nA,fly_ash,30.1,110.2,12.5\n"
DEMAND = "demand_id,material,lat,lon,tonnes\nX,fly_ash,30.1,110.2,12.5\n"


def faults(content: str | bytes, **options: object) -> list[str]:
    with pytest.raises(Unreadable) as refused:
        read_supply(content if isinstance(content, bytes) else content.encode(), "s.csv", **options)
    return [str(fault) for fault in refused.value.faults]


def test_reads_a_lot_exactly():
    content = (
        "supply_id,material,lat,lon,tonnes,province_adcode,ask_yuan_per_t,min_lot_t,moisture,owner\n"
        'A,fly_ash,30.123456,-110.2,"1,200.125",420000,-12.50,5,18.5,"Plant, the first"\n'
    )

    (lot,) = read_supply(content.encode(), "s.csv", properties=["moisture", "sio2"])

    assert (lot.id, lot.material, lot.point, lot.kg) == ("A", "fly_ash", (30_123_456, -110_200_000), 1_200_125)
    assert (lot.ask_fen_per_t, lot.min_lot_kg, lot.province) == (-1250, 5000, "420000")
    assert lot.values == {"moisture": 18.5}


def test_reads_a_line_exactly():
    content = (
        "demand_id,material,lat,lon,tonnes_per_year,max_km,bid_yuan_per_t,moisture_max,sio2_min,sio2_max\n"
        "X,fly_ash | bf_slag|fly_ash,30,110,7,120.5,3,20,40,\n"
    )

    (line,) = read_demand(content.encode(), "d.csv")

    assert (line.materials, line.kg, line.max_m, line.bid_fen_per_t) == (("fly_ash", "bf_slag"), 7000, 120_500, 300)
    assert line.limits == {"moisture": (float("-inf"), 20.0), "sio2": (40.0, float("inf"))}
    assert properties_of([line]) == {"moisture", "sio2"}


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_byte_order_mark_and_either_line_end_are_read(mark: bytes, end: str):
    content = mark + SUPPLY.replace("\n", end).encode()

    assert [lot.id for lot in read_supply(content, "s.csv")] == ["A"]


def test_rows_are_sorted_by_id_and_blank_ones_are_passed_over():
    content = SUPPLY + "\n,,,,\n" + "0,fly_ash,30,110,1\n"

    assert [lot.id for lot in read_supply(content.encode(), "s.csv")] == ["0", "A"]


def test_tonnes_stand_before_tonnes_per_year():
    content = "supply_id,material,lat,lon,tonnes_per_year,tonnes\nA,fly_ash,30,110,900,3\n"

    assert read_supply(content.encode(), "s.csv")[0].kg == 3000


def test_a_file_with_columns_and_no_rows_offers_nothing():
    assert read_supply(SUPPLY.splitlines()[0].encode(), "s.csv") == ()


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        ("tonnes", "NaN", "“NaN” is not a number"),
        ("tonnes", "inf", "“inf” is not a number"),
        ("tonnes", "1e308", "“1e308” is not a number"),
        ("tonnes", "-1", "Tonnes cannot be less than zero"),
        ("tonnes", "0.0001", "at most three decimals"),
        ("tonnes", "2000000000", "more than a thousand million tonnes"),
        ("tonnes", "", "A value is missing"),
        ("lat", "90.1", "between -90 and 90 degrees"),
        ("lat", "", "A value is missing"),
        ("lon", "-181", "between -180 and 180 degrees"),
        ("lon", "nan", "“nan” is not a number"),
        ("material", " ", "A value is missing"),
        ("supply_id", "", "A value is missing"),
        ("supply_id", "A", "“A” already stands in line 2"),
        ("ask_yuan_per_t", "1.001", "at most two decimals"),
        ("ask_yuan_per_t", "9999999", "more than a million yuan"),
        ("min_lot_t", "-3", "Tonnes cannot be less than zero"),
        ("moisture", "wet", "“wet” is not a number"),
        ("moisture", "1" + "0" * 400, "more than any property can be"),
    ],
)
def test_a_bad_cell_is_named_by_line_column_and_reason(column: str, value: str, reason: str):
    row = {
        "supply_id": "B",
        "material": "fly_ash",
        "lat": "30",
        "lon": "110",
        "tonnes": "5",
        "ask_yuan_per_t": "",
        "min_lot_t": "",
        "moisture": "",
        column: value,
    }
    content = "\n".join([",".join(row), "A,fly_ash,30,110,5,,,", ",".join(row.values())])

    (fault,) = faults(content, properties=["moisture"])

    assert fault.startswith(f"s.csv, line 3, column {column}: ")
    assert reason in fault


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"", "s.csv, line 1, column supply_id: The file is empty"),
        (b"\n", "s.csv, line 1, column supply_id: The file is empty"),
        (SUPPLY.replace("lat", "latitude"), "s.csv, line 1, column lat: This column is missing."),
        (SUPPLY.replace("tonnes", "mass"), "s.csv, line 1, column tonnes: This column is missing."),
        (SUPPLY.replace("lat", "lon"), "s.csv, line 1, column lat: This column is missing."),
        (SUPPLY.replace("tonnes", "tonnes,lat"), "s.csv, line 1, column lat: This column stands twice."),
        (SUPPLY + "B,fly_ash,30,110,5,,\n", "s.csv, line 3, column 6: There are more cells"),
        (SUPPLY.encode() + "粉".encode("gb18030"), "s.csv, line 3, column 1: This is not UTF-8"),
        (SUPPLY + 'B,"fly_ash', "s.csv, line 3, column 1: This is not CSV"),
    ],
)
def test_a_file_that_is_no_such_file_is_refused(content: str | bytes, fault: str):
    assert faults(content)[0].startswith(fault)


def test_a_cell_of_two_lines_counts_as_two_lines():
    content = 'supply_id,material,lat,lon,tonnes,note\nA,fly_ash,30,110,5,"one\ntwo"\nB,fly_ash,30,110,x,\n'

    assert faults(content)[0].startswith("s.csv, line 4, column tonnes")


def test_all_faults_are_named_up_to_a_limit():
    content = SUPPLY + "".join(f"B{i},fly_ash,99,110,x\n" for i in range(SHOWN))

    found = faults(content)

    assert len(found) == SHOWN
    assert found[0].startswith("s.csv, line 3, column lat")
    assert found[1].startswith("s.csv, line 3, column tonnes")


@pytest.mark.parametrize(
    ("columns", "values", "fault"),
    [
        ("max_km", "-1", "column max_km: A radius lies between 0 and 20100 km."),
        ("max_km", "99999", "column max_km: A radius lies between 0 and 20100 km."),
        ("moisture_max", "dry", "column moisture_max: “dry” is not a number"),
        ("moisture_min,moisture_max", "9,8", "column moisture_min: The least is more than the most."),
        ("bid_yuan_per_t", "inf", "column bid_yuan_per_t: “inf” is not a number"),
    ],
)
def test_a_bad_limit_is_named(columns: str, values: str, fault: str):
    content = f"demand_id,material,lat,lon,tonnes,{columns}\nX,fly_ash,30,110,5,{values}\n"

    with pytest.raises(Unreadable) as refused:
        read_demand(content.encode(), "d.csv")

    assert str(refused.value.faults[0]).startswith(f"d.csv, line 2, {fault}")


def test_a_material_that_is_missing_between_bars_is_named():
    with pytest.raises(Unreadable) as refused:
        read_demand(DEMAND.replace("fly_ash", "fly_ash||gypsum").encode(), "d.csv")

    assert "column material: Between two" in str(refused.value.faults[0])

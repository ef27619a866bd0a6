"""Any tickets, written as any office might write them, are read as the same tickets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marketplace.adapters import sheets
from marketplace.domain.errors import Invalid
from marketplace.domain.plates import is_plate
from marketplace.domain.sheetrows import Cell, SheetRow
from marketplace.domain.weighbridgefiles import read
from marketplace.domain.weighcells import figure, moment, plate, text, ticket
from marketplace.domain.weighcolumns import ALIASES, MOST_TITLE
from marketplace.domain.weighrules import WeighRow
from tests.unit.domain.weighfile_corpus import CHINA, NOW, sheet_file, text_file

NAMES = st.text("粉煤灰脱硫石膏电厂水泥ABcd（）()·, ;\"'12", max_size=12).map(text)
TITLES = {
    "ticket": ("磅单号", "票号", "Ticket No.", "流 水 号"),
    "plate": ("车牌号", "车号", "Plate"),
    "material": ("货物名称", "品名", "Material"),
    "sender": ("发货单位", "Shipper"),
    "receiver": ("收货单位", "Receiver"),
    "driver": ("司机", "Driver"),
    "weigher": ("过磅员", "司磅员"),
    "note": ("备注", "Remarks"),
    "gross_at": ("过重时间", "毛重时间", "一次过磅"),
    "tare_at": ("过空时间", "皮重时间", "二次过磅时间"),
}
WEIGHTS = {"gross": "毛重", "tare": "皮重", "net": "净重", "deducted": "扣重"}

WRITTEN: tuple[Callable[[datetime], str], ...] = (
    lambda at: at.isoformat(),
    lambda at: f"{at:%Y-%m-%d %H:%M:%S}",
    lambda at: f"{at.year}/{at.month}/{at.day} {at.hour}:{at:%M:%S}",
    lambda at: f"{at.year}年{at.month}月{at.day}日 {at.hour}时{at.minute}分{at.second}秒",
    lambda at: f"{at:%Y%m%d%H%M%S}",
    lambda at: f"{at:%Y%m%d %H%M%S}",
    lambda at: f"{at:%Y.%m.%d} {'下午' if at.hour >= 12 else '上午'} {(at.hour - 1) % 12 + 1}:{at:%M:%S}",
    lambda at: f"{at:%Y-%m-%d %I:%M:%S %p}",
)


@st.composite
def tickets(draw: st.DrawFn) -> tuple[WeighRow, ...]:
    numbers = draw(
        st.lists(st.from_regex(r"[A-Z]{0,3}[1-9][0-9]{0,9}", fullmatch=True), min_size=1, max_size=8, unique=True)
    )
    rows = []
    for line, number in enumerate(numbers, 1):
        tare = draw(st.integers(1000, 60_000))
        gross = draw(st.integers(tare + 1, 200_000))
        at = datetime(2020, 1, 1, tzinfo=CHINA) + timedelta(seconds=draw(st.integers(0, 5 * 365 * 86_400)))
        apart = timedelta(seconds=draw(st.integers(-86_400, 86_400)))
        province, signs = draw(st.sampled_from("晋京蒙")), draw(st.from_regex(r"[A-H][0-9]{5}", fullmatch=True))
        rows.append(
            WeighRow(
                line, number, province + signs, gross, tare,
                deducted_kg=draw(st.integers(0, min(gross - tare - 1, 500))),
                gross_at=at.astimezone(UTC), tare_at=(at + apart).astimezone(UTC), weighed_on=at.date(),
                **{name: draw(NAMES) for name in ("material", "sender", "receiver", "driver", "weigher", "note")},
            )
        )  # fmt: skip
    return tuple(rows)


def _weight(kg: int, unit: str, draw: st.DrawFn, *, typed: bool) -> Any:
    if typed and draw(st.booleans()):
        return kg if unit == "kg" else kg / 1000
    written = draw(st.sampled_from(["{:,}", "{}"])).format(kg) if unit == "kg" else f"{kg / 1000:.3f}"
    if draw(st.booleans()):
        written = "".join(chr(ord(sign) + 0xFEE0) for sign in written)
    return written + (
        draw(st.sampled_from(["", "kg", " 公斤"])) if unit == "kg" else draw(st.sampled_from(["", "吨", " t"]))
    )


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, tuple[WeighRow, ...]]:
    """Draw a file and the rows that it holds, with the lines on which they stand."""
    rows = draw(tickets())
    typed = draw(st.booleans())  # a workbook keeps figures and dates; a text file does not
    unit = draw(st.sampled_from(["kg", "t"]))
    said = draw(st.sampled_from([f"({unit})", f"（{unit}）", f"/{unit}"]))
    titles = {name: draw(st.sampled_from(known)) for name, known in TITLES.items()}
    titles |= {name: title + said for name, title in WEIGHTS.items()}
    order = draw(st.permutations(sorted(titles)))
    write = draw(st.sampled_from(WRITTEN))
    grid: list[Sequence[Any]] = [
        [title] for title in draw(st.lists(st.sampled_from(["过磅明细表", "2025年"]), max_size=3))
    ]
    grid.append([titles[name] for name in order])
    stands = []
    for row in rows:
        grid += [[]] * draw(st.integers(0, 1))
        net = row.net_kg - (row.deducted_kg if draw(st.booleans()) else 0)
        cells: dict[str, Any] = {name: getattr(row, name) for name in TITLES if not name.endswith("_at")}
        for name, kg in (("gross", row.gross_kg), ("tare", row.tare_kg), ("net", net), ("deducted", row.deducted_kg)):
            cells[name] = _weight(kg, unit, draw, typed=typed)
        for name in ("gross_at", "tare_at"):
            at = getattr(row, name).astimezone(CHINA).replace(tzinfo=None)
            cells[name] = at if typed and draw(st.booleans()) else write(at)
        grid.append([cells[name] for name in order])
        stands.append(replace(row, line=len(grid)))
    grid += draw(st.lists(st.sampled_from([["合计"], [], ["小计:"], [titles[name] for name in order]]), max_size=3))
    if typed:
        return sheet_file(grid), tuple(stands)
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "gb18030"]))
    return text_file(grid, encoding, draw(st.sampled_from([",", ";", "\t"]))), tuple(stands)


@settings(max_examples=150, deadline=None)
@given(files())
def test_a_file_in_any_dress_holds_the_same_tickets(drawn: tuple[bytes, tuple[WeighRow, ...]]) -> None:
    content, rows = drawn

    found = read(sheets.read(content).rows, now=NOW)

    assert [(fault.line, str(fault.sentence)) for fault in found.faults] == []
    assert found.rows == rows


CELLS = st.one_of(
    st.none(), st.text(max_size=30), st.integers(), st.decimals(allow_nan=False, allow_infinity=False), st.datetimes()
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(CELLS, max_size=6), max_size=6))
def test_whatever_a_sheet_holds_is_read_or_refused(grid: list[list[Cell]]) -> None:
    header = SheetRow(1, ("磅单号", "车牌号", "毛重(kg)", "皮重(kg)", "毛重时间", "净重"))
    rows = [header, *(SheetRow(at, tuple(cells)) for at, cells in enumerate(grid, 2))]

    try:
        found = read(rows, now=NOW)
    except Invalid:
        found = None

    assert (found is None) == all(row.empty for row in rows[1:])
    assert found is None or all(type(row.gross_kg) is int and row.net_kg > 0 for row in found.rows)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=300))
def test_whatever_bytes_come_are_read_or_refused(content: bytes) -> None:
    with suppress(Invalid):
        read(sheets.read(content).rows, now=NOW)


@pytest.mark.parametrize(
    ("written", "normal", "known"),
    [
        ("晋F12345", "晋F12345", True),
        ("晋f·1234a", "晋F1234A", True),
        ("京Ａ　１２３４５", "京A12345", True),
        ("晋F.2345挂", "晋F2345挂", True),
        ("粤B·D12345", "粤BD12345", True),
        ("蒙K00001D", "蒙K00001D", True),
        ("京A1234警", "京A1234警", True),
        ("晋F1234I", "晋F1234I", False),
        ("晋I12345", "晋I12345", False),
        ("粤BX12345", "粤BX12345", False),
        ("晋F1234", "晋F1234", False),
        ("某F12345", "某F12345", False),
        ("WJ12345", "WJ12345", False),
        ("无", "", False),
    ],
)
def test_plates(written: str, normal: str, known: bool) -> None:
    assert plate(written) == normal
    assert is_plate(normal) is known


@pytest.mark.parametrize(
    ("written", "clock"),
    [
        ("上午12:05", "00:05"), ("下午12:05", "12:05"), ("下午 1点5分", "13:05"), ("凌晨0:05", "00:05"), ("中午12:05", "12:05"),
        ("中午1:05", "13:05"), ("晚上11:05", "23:05"), ("晚11:05", "23:05"), ("13:05", "13:05"), ("1:05 PM", "13:05"), ("8时", "08:00"),
    ],
)  # fmt: skip
def test_times_of_day(written: str, clock: str) -> None:
    day, at = moment(written)

    assert day is None
    assert at is not None
    assert f"{at:%H:%M}" == clock


@pytest.mark.parametrize(
    "written",
    [
        "25-3-1", "3月1日", "2025-13-01", "2025-3-18:40", "2025-02-29", "1999-12-31", "2101-01-01", "2025-03-01 24:00", "2025-03-01 8:",
        "晚上12:05", "明天", "8:60", "99999.5", "2025-03-01 8:40 左右", "20251301",
    ],
)  # fmt: skip
def test_what_is_no_moment(written: str) -> None:
    with pytest.raises(Invalid, match="is no date and time"):
        moment(written)


def test_a_day_alone_has_no_time() -> None:
    assert moment("2025年3月1日") == (date(2025, 3, 1), None)
    assert moment(20250301) == (date(2025, 3, 1), None)


@pytest.mark.parametrize(
    "written", ["约300", "大约300", "≈300", "~300", "300左右", "300上下", "300多", "300余吨", "300吨以上", "估300"]
)
def test_an_estimate_is_no_weight(written: str) -> None:
    with pytest.raises(Invalid, match="is an estimate"):
        figure(written)


@pytest.mark.parametrize("written", ["10²", "1e3", "NaN", "1,2", "33.78吨吨", "斤300", "12/3", "三十吨"])
def test_what_is_no_weight(written: str) -> None:
    with pytest.raises(Invalid, match="is not a number"):
        figure(written)


def test_a_number_of_a_ticket_is_text_whatever_the_cell_is() -> None:
    assert [ticket(cell) for cell in (" ＢＤ１ ", 20250301, None, "—", "0012")] == ["BD1", "20250301", "", "", "0012"]


def test_no_alias_stands_twice_and_each_can_be_found() -> None:
    known = [alias for aliases in ALIASES.values() for alias in aliases]

    assert len(set(known)) == len(known)
    assert all(alias == alias.casefold() and alias.isalnum() and len(alias) <= MOST_TITLE for alias in known)

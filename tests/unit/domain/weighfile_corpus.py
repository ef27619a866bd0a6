"""Weighbridge files as they arrive, built here, each with the tickets that it holds or what is said of it."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

from openpyxl import Workbook

from marketplace.domain.weighrules import WeighRow

Rows = Sequence[Sequence[Any]]
Told = tuple[int, str, str]
"""Line, column, and how the sentence begins."""

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CHINA = timezone(timedelta(hours=8))


@dataclass(frozen=True)
class Case:
    """A file and what is to come of it; ``said`` if it is refused as a whole."""

    name: str
    content: bytes
    rows: tuple[WeighRow, ...] = ()
    said: str = ""
    faults: tuple[Told, ...] = ()
    warnings: tuple[Told, ...] = ()
    unit: str = "kg"
    unit_from: str = "header"


def text_file(rows: Rows, encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    into = io.StringIO()
    csv.writer(into, delimiter=delimiter).writerows(rows)
    return into.getvalue().encode(encoding)


def sheet_file(rows: Rows, *, merged: str = "", hidden: Sequence[int] = ()) -> bytes:
    book = Workbook()
    for row in rows:
        book.active.append(list(row))
    if merged:
        book.active.merge_cells(merged)
    for line in hidden:
        book.active.row_dimensions[line].hidden = True
    into = io.BytesIO()
    book.save(into)
    return into.getvalue()


def china(text: str) -> datetime:
    """Return the instant of a clock in China."""
    return datetime.fromisoformat(text).replace(tzinfo=CHINA).astimezone(UTC)


HEADER = [
    "磅单号", "车牌号", "货物名称", "发货单位", "收货单位", "毛重(kg)", "皮重(kg)", "净重(kg)", "扣重(kg)", "过重时间", "过空时间", "司机", "过磅员",
    "备注",
]  # fmt: skip
ONE = [
    "BD1",
    "晋F12345",
    "粉煤灰",
    "电厂",
    "水泥厂",
    45260,
    15480,
    29780,
    0,
    "2025-03-01 08:12:35",
    "2025-03-01 07:20:11",
    "张三",
    "王磅",
    "",
]
TWO = [
    "BD2",
    "京A98765",
    "脱硫石膏",
    "电厂",
    "石膏厂",
    44900,
    15300,
    29600,
    120,
    "2025-03-01 08:40",
    "2025-03-01 07:55",
    "李四",
    "王磅",
    "扣水分",
]
FIRST = WeighRow(
    line=2, ticket="BD1", plate="晋F12345", gross_kg=45260, tare_kg=15480, material="粉煤灰", sender="电厂", receiver="水泥厂",
    gross_at=china("2025-03-01 08:12:35"), tare_at=china("2025-03-01 07:20:11"), weighed_on=date(2025, 3, 1),
    driver="张三", weigher="王磅",
)  # fmt: skip
SECOND = WeighRow(
    line=3, ticket="BD2", plate="京A98765", gross_kg=44900, tare_kg=15300, material="脱硫石膏", sender="电厂", receiver="石膏厂",
    deducted_kg=120, gross_at=china("2025-03-01 08:40:00"), tare_at=china("2025-03-01 07:55:00"), weighed_on=date(2025, 3, 1),
    driver="李四", weigher="王磅", note="扣水分",
)  # fmt: skip
BOTH = (FIRST, SECOND)


def put(row: Sequence[Any], **cells: Any) -> list[Any]:
    """Return a row with other cells under these titles."""
    titles = {
        "ticket": 0, "plate": 1, "material": 2, "gross": 5, "tare": 6, "net": 7, "off": 8, "gross_at": 9, "tare_at": 10, "note": 13,
    }  # fmt: skip
    changed = list(row)
    for name, cell in cells.items():
        changed[titles[name]] = cell
    return changed


def at_line(line: int, *rows: WeighRow) -> tuple[WeighRow, ...]:
    return tuple(replace(row, line=number) for number, row in enumerate(rows, line))


def _moments(name: str, gross_at: Any, tare_at: Any) -> Case:
    build = text_file if isinstance(gross_at, str) else sheet_file
    row = replace(FIRST, gross_at=china("2025-03-01 08:40"), tare_at=china("2025-03-01 07:55"))
    return Case(f"moments: {name}", build([HEADER, put(ONE, gross_at=gross_at, tare_at=tare_at)]), (row,))


def _figures(name: str, gross: Any, tare: Any, *, titles: Sequence[str] = ("毛重", "皮重"), unit: str, by: str) -> Case:
    build = text_file if isinstance(gross, str) else sheet_file
    header = put(HEADER, gross=titles[0], tare=titles[1])
    bare = [title if title.startswith(tuple(titles)) else title.replace("(kg)", "") for title in header]
    content = build([bare, put(ONE, gross=gross, tare=tare, net="", off="")])
    return Case(f"figures: {name}", content, (FIRST,), unit=unit, unit_from=by)


def _fault(name: str, told: tuple[str, str], **cells: Any) -> Case:
    return Case(f"fault: {name}", text_file([HEADER, put(ONE, **cells), TWO]), (SECOND,), faults=((2, *told),))


SHORT = ["票号", "车号", "毛重", "皮重"]


def _short(*rows: Sequence[Any], titles: Sequence[str] = SHORT) -> bytes:
    return text_file([titles, *rows])


BARE = WeighRow(2, "1", "晋F12345", 45260, 15480)

_EXCEL = 45717 + 31200 / 86400  # 2025-03-01 08:40
_DAY = date(2025, 3, 1)

DRESSES = (
    Case("plain", text_file([HEADER, ONE, TWO]), BOTH),
    Case("utf-8 with a mark", text_file([HEADER, ONE, TWO], "utf-8-sig"), BOTH),
    Case("gb18030", text_file([HEADER, ONE, TWO], "gb18030"), BOTH),
    Case("utf-16, tabs", text_file([HEADER, ONE, TWO], "utf-16", "\t"), BOTH),
    Case("semicolons", text_file([HEADER, ONE, TWO], delimiter=";"), BOTH),
    Case("workbook", sheet_file([HEADER, ONE, TWO]), BOTH),
    Case("title over merged cells", sheet_file([["过磅明细表"], [], ["打印日期：2025-03-02"], HEADER, ONE, TWO], merged="A1:N1"), at_line(5, *BOTH)),
    Case("totals, empty rows, header again", text_file([HEADER, ONE, ["小 计", *[""] * 6, "29780"], [""] * 14, HEADER, TWO, ["合计:2车"], ["制表人：张三"], ["Total"]]), (FIRST, replace(SECOND, line=6))),
    Case("hidden row", sheet_file([HEADER, ONE, TWO], hidden=[3]), BOTH, warnings=((3, "", "Hidden rows are read like the others: 1, the first in line 3."),)),
    Case("english", text_file([["Ticket No.", "Plate", "Material", "Shipper", "Receiver", "Gross (kg)", "Tare (kg)", "Net weight kg", "Deduction (kg)", "Gross time", "Tare time", "Driver", "Operator", "Remarks"], ONE, TWO]), BOTH),
    Case("header of two rows", sheet_file([["磅单号", "车牌号", "称重(kg)", None, "时间"], [None, None, "毛重kg", "皮重kg", None], ["1", "晋F12345", 45260, 15480, "2025-03-01"]]), (replace(BARE, line=3, weighed_on=_DAY),)),
    Case("columns in another order, one unknown", text_file([["皮重（千克）", "序号", "毛重（公斤）", "车 号", "流水号", "颜色"], ["15480", "1", "45260", "晋F12345", "1", "灰"]]), (BARE,)),
    Case("the plainer of two columns counts", text_file([["流水号", "磅单号", "车牌", "毛重kg", "皮重kg"], ["77", "1", "晋F12345", "45260", "15480"]]), (BARE,)),
    Case("dirt and water apart", text_file([[*SHORT, "净重", "扣杂", "扣水"], ["1", "晋F12345", "45260", "15480", "29660", "100", "20"]]), (replace(BARE, deducted_kg=120),), unit_from="figures"),
    Case("contract and moisture", text_file([[*SHORT, "合同号", "水分(%)"], ["1", "晋F12345", "45260", "15480", "HT-7", "12.5"]]), (replace(BARE, contract="HT-7", moisture="12.5"),), unit_from="figures"),
    Case("no times at all", _short(["1", "晋F12345", "45260", "15480"]), (BARE,), unit_from="figures"),
    Case("a share in place of a deduction", text_file([[*SHORT, "扣水(%)"], ["1", "晋F12345", "45260", "15480", "2"]]), (BARE,), unit_from="figures"),
)  # fmt: skip

MOMENTS = (
    _moments("strokes", "2025/3/1 8:40", "2025/3/1 7:55"),
    _moments("Chinese", "2025年3月1日 8:40", "2025年3月1日7时55分"),
    _moments("digits alone", "20250301 0840", "202503010755"),
    _moments("ISO", "2025-03-01T08:40:00", "2025-03-01T07:55:00.000"),
    _moments("ISO with zones", "2025-03-01T00:40:00Z", "2025-03-01T07:55:00+08:00"),
    _moments("halves of the day", "2025/3/1 上午 8:40", "2025-3-1 7:55 AM"),
    _moments("full width and weekday", "２０２５－３－１　８：４０", "2025年3月1日 星期六 7:55:00"),
    _moments("serials as text", "45717.361111", "45717.3298611111"),
    _moments("serials", _EXCEL, 45717 + 28500 / 86400),
    _moments("dates of the sheet", datetime(2025, 3, 1, 8, 40), datetime(2025, 3, 1, 7, 55)),  # noqa: DTZ001
    Case("moments: one day, two times", text_file([[*SHORT, "日期", "毛重时间", "皮重时间"], ["1", "晋F12345", "45260", "15480", "2025.3.1", "8:40", "07:55:00"]]), (replace(BARE, gross_at=china("2025-03-01 08:40"), tare_at=china("2025-03-01 07:55"), weighed_on=_DAY),), unit_from="figures"),
    Case("moments: day and time of each", sheet_file([[*SHORT, "毛重日期", "毛重时间", "皮重日期", "皮重时间"], ["1", "晋F12345", 45260, 15480, _DAY, time(8, 40), _DAY, time(7, 55)]]), (replace(BARE, gross_at=china("2025-03-01 08:40"), tare_at=china("2025-03-01 07:55"), weighed_on=_DAY),), unit_from="figures"),
    Case("moments: one time for both", text_file([[*SHORT, "日期", "时间"], ["1", "晋F12345", "45260", "15480", "2025-03-01", "下午3:05"]]), (replace(BARE, gross_at=china("2025-03-01 15:05"), weighed_on=_DAY),), unit_from="figures"),
)  # fmt: skip

FIGURES = (
    _figures("kilograms by size", "45260", "15480", unit="kg", by="figures"),
    _figures("tonnes by size", "45.26", "15.48", unit="t", by="figures"),
    _figures("tonnes by size, of a sheet", 45.26, 15.48, unit="t", by="figures"),
    _figures("tonnes by title", 45.26, 15.48, titles=("毛重(吨)", "皮重（t）"), unit="t", by="header"),
    _figures("tonnes by stroke", "45.26", "15.480", titles=("毛重/吨", "皮重/吨"), unit="t", by="header"),
    _figures("a unit in each title", "45.26", "15480", titles=("毛重(吨)", "皮重(kg)"), unit="t", by="header"),
    _figures("units in the cells", "45.26吨", "15480 公斤", unit="t", by="cells"),
    _figures("full width, thousands", "４５，２６０ｋｇ", "15,480KG", unit="kg", by="cells"),
)  # fmt: skip

FAULTS = (
    _fault("no number", ("磅单号", "The number of the ticket is missing."), ticket="-"),
    _fault("number cut by a sheet", ("磅单号", "“2.02503E+13” is a long number"), ticket="2.02503E+13"),
    _fault("no plate", ("车牌号", "The plate is missing."), plate=" "),
    _fault("no gross", ("毛重(kg)", "The gross weight is missing."), gross=""),
    _fault("no tare", ("皮重(kg)", "The tare weight is missing."), tare="/"),
    _fault("about", ("毛重(kg)", "“约45260” is an estimate"), gross="约45260"),
    _fault("or so", ("皮重(kg)", "“15480左右” is an estimate"), tare="15480左右"),
    _fault("words", ("毛重(kg)", "“满” is not a number."), gross="满"),
    _fault("swapped", ("毛重(kg)", "The gross weight, 15480 t, is not above the tare weight, 45260 t. Are they swapped?"), gross=15480, tare=45260),
    _fault("empty all the way", ("毛重(kg)", "The gross weight, 15480 t, is not above the tare weight, 15480 t."), gross=15480, net=0),
    _fault("beyond any scale", ("毛重(kg)", "“452600” is more than a weighbridge carries: 200000 t."), gross="452600", net=""),
    _fault("negative", ("皮重(kg)", "A weight cannot be less than zero."), tare="-15480"),
    _fault("zero", ("皮重(kg)", "A weight of zero is no weight."), tare="0"),
    _fault("another net", ("净重(kg)", "The net weight is stated as 29801 t; gross less tare is 29780 t."), net="29801"),
    _fault("another net, and a deduction", ("净重(kg)", "The net weight is stated as 29000 t; gross less tare is 29780 t, and 29280 t after"), net="29000", off="500"),
    _fault("all taken off", ("扣重(kg)", "More is taken off, 29780 t, than was carried, 29780 t."), net="", off="29780"),
    _fault("in the future", ("过重时间", "This lies in the future: 2026-01-01T00:00:01+00:00."), gross_at="2026-01-01 08:00:01", tare_at="2026-01-01 07:00"),
    _fault("a day and more between", ("过空时间", "More than 24 hours lie between the two weighings."), tare_at="2025-02-28 08:12:34"),
    _fault("no such day", ("过重时间", "“2025-02-30 08:00” is no date and time."), gross_at="2025-02-30 08:00"),
    _fault("day or month first", ("过重时间", "“3/1/2025 8:40” is no date and time."), gross_at="3/1/2025 8:40"),
    _fault("too long", ("备注", "This is longer than 200 characters."), note="长" * 201),
    Case("fault: tonnes under kilograms", text_file([HEADER, put(ONE, gross="61.5", tare="16.2", net="45.3"), TWO]), (SECOND,), faults=tuple((2, title, f"“{said}” is no whole number of kilograms.") for title, said in (("净重(kg)", "45.3"), ("毛重(kg)", "61.5"), ("皮重(kg)", "16.2")))),
    Case("fault: whole tonnes under kilograms", text_file([HEADER, put(ONE, gross="61", tare="16", net="45"), TWO]), (SECOND,), faults=((2, "毛重(kg)", "No loaded vehicle weighs as little as 61 t."),)),
    Case("fault: a number twice", text_file([HEADER, ONE, put(TWO, ticket="bd1")]), (FIRST,), faults=((3, "磅单号", "Line 2 has the same number with other figures."),)),
    Case("fault: neither unit", _short(["1", "晋F12345", "45260", "15480"], ["2", "晋F12346", "45.26", "15.48"]), faults=((1, "毛重", "It is not clear whether the weights are in kilograms or in tonnes: of 2 figures, 1 look like kilograms and 1 like tonnes."),), unit_from="figures"),
    Case("fault: digits that a sheet has lost", sheet_file([HEADER, put(ONE, ticket=2025030100000001), TWO]), (SECOND,), faults=((2, "磅单号", "“2025030100000001” is a long number"),)),
)  # fmt: skip

_SOON = put(TWO, plate="晋F12345", tare=15480, net=29420, off=0, gross_at="2025-03-01 08:22:34")
_SOON_ROW = replace(SECOND, plate="晋F12345", tare_kg=15480, deducted_kg=0, gross_at=china("2025-03-01 08:22:34"))
_OTHER_DAY = {"gross_at": "2025-03-02 08:40", "tare_at": "2025-03-02 07:55"}
_LATER = replace(
    SECOND, gross_at=china("2025-03-02 08:40"), tare_at=china("2025-03-02 07:55"), weighed_on=_DAY + timedelta(days=1)
)

WARNINGS = (
    Case("warning: a ticket again", text_file([HEADER, ONE, put(ONE, note="重复行"), TWO]), (FIRST, replace(SECOND, line=4)), warnings=((3, "磅单号", "This is the ticket of line 2 again; it counts once."),)),
    Case("warning: strange plate", text_file([HEADER, put(ONE, plate="晋F123"), TWO]), (replace(FIRST, plate="晋F123"), SECOND), warnings=((2, "车牌号", "“晋F123” is not what plates look like."),)),
    Case("warning: more than the road allows", text_file([HEADER, put(ONE, gross=49001, net=33521), put(TWO, gross=49000, net=33700)]), (replace(FIRST, gross_kg=49001), replace(SECOND, gross_kg=49000)), warnings=((2, "毛重(kg)", "49001 t is more than the 49000 t that a vehicle may weigh on public roads."),)),
    Case("warning: another tare", text_file([HEADER, ONE, put(TWO, plate="晋F12345", tare=13900, net=31000, **_OTHER_DAY)]), (FIRST, replace(_LATER, plate="晋F12345", tare_kg=13900)), warnings=((2, "皮重(kg)", "The tare weight, 15480 t, is more than a tenth off what this vehicle weighs otherwise: 13900 t."), (3, "皮重(kg)", "The tare weight, 13900 t, is more than a tenth off what this vehicle weighs otherwise: 15480 t."))),
    Case("warning: more than a tenth", text_file([HEADER, put(ONE, tare=15401, net=29859), put(TWO, plate="晋F12345", tare=14000, net=30900, **_OTHER_DAY)]), (replace(FIRST, tare_kg=15401), replace(_LATER, plate="晋F12345", tare_kg=14000)), warnings=((2, "皮重(kg)", "The tare weight, 15401 t, is more than a tenth off what this vehicle weighs otherwise: 14000 t."),)),
    Case("warning: one date on both sides of midnight", text_file([[*SHORT, "日期", "毛重时间", "皮重时间"], ["1", "晋F12345", "45260", "15480", "2025-03-01", "0:20", "23:50"]]), (replace(BARE, gross_at=china("2025-03-01 00:20"), tare_at=china("2025-03-01 23:50"), weighed_on=_DAY),), warnings=((2, "皮重时间", "More than 12 hours lie between the two weighings."),), unit_from="figures"),
    Case("no warning: a tenth exactly", text_file([HEADER, put(ONE, tare=15400, net=29860), put(TWO, plate="晋F12345", tare=14000, net=30900, **_OTHER_DAY)]), (replace(FIRST, tare_kg=15400), replace(_LATER, plate="晋F12345", tare_kg=14000))),
    Case("warning: soon again", text_file([HEADER, ONE, _SOON]), (FIRST, _SOON_ROW), warnings=((3, "车牌号", "The same vehicle was weighed less than ten minutes from line 2."),)),
    Case("no warning: ten minutes exactly", text_file([HEADER, ONE, put(_SOON, gross_at="2025-03-01 08:22:35")]), (FIRST, replace(_SOON_ROW, gross_at=china("2025-03-01 08:22:35")))),
    Case("no fault: a net within a division, and one after what is taken off", text_file([HEADER, put(ONE, net=29800), put(TWO, net=29480)]), BOTH),
)  # fmt: skip

REFUSED = (
    Case("refused: nothing", b"", said="The file is empty."),
    Case("refused: no header", text_file([ONE, TWO]), said="No row names the columns that are needed; missing: ('磅单号 / ticket', '车牌号 / plate', '毛重 / gross', '皮重 / tare')."),
    Case("refused: no tare", text_file([["磅单号", "车牌号", "毛重"], ["1", "晋F12345", "45260"]]), said="No row names the columns that are needed; missing: ('皮重 / tare',)."),
    Case("refused: header alone", text_file([HEADER, ["合计"]]), said="There is no row below the header."),
    Case("refused: a column twice", _short(["1", "晋F12345", "45260", "15480", "2"], titles=[*SHORT, "毛重(kg)"]), said="The column “毛重(kg)” stands twice."),
    Case("refused: 万吨", _short(["1", "晋F12345", "4", "1"], titles=["票号", "车号", "毛重(万吨)", "皮重"]), said="The column “毛重(万吨)” is neither in kilograms nor in tonnes."),
    Case("refused: a formula", sheet_file([HEADER, put(ONE, net="=F2-G2")]), said="Cell H2 holds a formula."),
)  # fmt: skip

CORPUS = (*DRESSES, *MOMENTS, *FIGURES, *FAULTS, *WARNINGS, *REFUSED)

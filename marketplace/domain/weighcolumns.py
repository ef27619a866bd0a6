"""The header of a weighbridge file: which row it is, and what each column holds, by how people head them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.sheetrows import SheetRow
from marketplace.domain.weighcells import Unit, text

ALIASES: Final[dict[str, tuple[str, ...]]] = {
    "ticket": (
        "磅单号", "磅单编号", "磅单号码", "过磅单号", "过磅编号", "称重单号", "地磅单号", "榜单号", "ticket", "ticketno", "ticketnumber",
        "weighbridgeticket", "weighbridgeticketno", "票号", "票据号", "单据号", "单据编号", "单号", "流水号", "称重编号", "编号",
        "serialno", "no", "number",
    ),
    "plate": (
        "车牌号", "车牌号码", "车牌", "车号", "车辆号", "车辆号码", "车辆牌照", "车辆", "plate", "plateno", "platenumber",
        "licenseplate", "licenceplate", "vehicle", "vehicleno", "vehiclenumber", "truck", "truckno", "registration",
    ),
    "material": (
        "货物名称", "货名", "品名", "物料", "物料名称", "货物", "物资名称", "材料名称", "产品名称", "货品", "货品名称", "废物名称", "固废名称",
        "名称", "material", "materialname", "goods", "cargo", "product", "commodity", "waste",
    ),
    "sender": (
        "发货单位", "发货方", "发货", "供货单位", "供货方", "供应商", "产废单位", "转出单位", "发货单位名称", "sender", "shipper",
        "supplier", "producer", "from", "consignor",
    ),
    "receiver": (
        "收货单位", "收货方", "收货", "接收单位", "购货单位", "客户", "客户名称", "利用单位", "转入单位", "收货单位名称", "receiver",
        "recycler", "customer", "to", "consignee",
    ),
    "gross": ("毛重", "毛重量", "重车重量", "总重", "车货总重", "gross", "grossweight", "grosswt", "weightgross", "loaded"),
    "tare": ("皮重", "皮重量", "空车重量", "空重", "车皮", "tare", "tareweight", "tarewt", "weighttare", "empty", "emptyweight"),
    "net": (
        "净重", "净重量", "实重", "货物净重", "货重", "结算净重", "结算重量", "net", "netweight", "netwt", "weightnet", "nett", "nettweight",
    ),
    "deducted": ("扣重", "扣重量", "扣吨", "扣除", "扣除重量", "扣减", "扣磅", "deducted", "deduction", "deductions"),
    "deducted_dirt": ("扣杂", "扣杂重", "扣杂质", "杂质扣重", "扣渣", "impurities", "deductedimpurities"),
    "deducted_water": ("扣水", "扣水重", "扣水分", "水分扣重", "deductedwater", "deductedmoisture", "waterdeducted"),
    "gross_at": (
        "过重时间", "毛重时间", "重车时间", "重车过磅时间", "毛重过磅时间", "毛重称重时间", "毛重日期时间", "一次过磅", "一次过磅时间", "首次过磅时间",
        "一次时间", "一磅时间", "grosstime", "grossdatetime", "grossweighedat", "timegross", "grossat", "firstweighing",
    ),
    "tare_at": (
        "过空时间", "皮重时间", "空车时间", "空车过磅时间", "皮重过磅时间", "皮重称重时间", "皮重日期时间", "二次过磅", "二次过磅时间", "二次时间",
        "二磅时间", "taretime", "taredatetime", "tareweighedat", "timetare", "tareat", "secondweighing",
    ),
    "gross_date": ("毛重日期", "过重日期", "重车日期", "一次过磅日期", "grossdate"),
    "tare_date": ("皮重日期", "过空日期", "空车日期", "二次过磅日期", "taredate"),
    "date": ("日期", "过磅日期", "称重日期", "单据日期", "date", "day", "weighingdate", "weighedon"),
    "time": ("过磅时间", "称重时间", "日期时间", "时间", "time", "datetime", "weighingtime", "weighedat"),
    "driver": ("司机", "驾驶员", "司机姓名", "驾驶员姓名", "driver", "drivername"),
    "weigher": (
        "过磅员", "司磅员", "司磅", "磅员", "计量员", "检斤员", "毛重过磅员", "毛重司磅员", "weigher", "weighedby", "operator", "weighman",
    ),
    "note": ("备注", "说明", "备注信息", "note", "notes", "remark", "remarks", "comment", "comments"),
    "contract": ("合同号", "合同编号", "合同", "订单号", "contract", "contractno", "contractnumber"),
    "moisture": ("水分", "含水率", "水份", "含水量", "moisture", "moisturecontent"),
}  # fmt: skip
"""Titles without signs, blanks and units, the plainest first: of two columns for one field the plainer one counts."""

FIELDS: Final = frozenset(ALIASES)
NEEDED: Final = ("ticket", "plate", "gross", "tare")
WEIGHTS: Final = frozenset({"gross", "tare", "net", "deducted", "deducted_dirt", "deducted_water"})

MOST_ROWS_ABOVE: Final = 40
"""Titles, addresses and dates of printing that may stand above the header."""

MOST_TITLE: Final = 40

_KNOWN: Final = {alias: (name, rank) for name, aliases in ALIASES.items() for rank, alias in enumerate(aliases)}
_BRACKETS: Final = re.compile(r"[(\[【{<][^)\]】}>]*[)\]】}>]?")
_BEHIND_A_STROKE: Final = re.compile(r"/\s*(?:kgs?|公斤|千克|吨|t|ton)\s*$")
_TRAILING_UNIT: Final = re.compile(r"(?:kgs?|公斤|千克|吨|t|tons?|tonnes)$")
_KILOGRAMS: Final = re.compile(r"kg|千克|公斤|kilo")
_TONNES: Final = re.compile(r"吨|(?<![a-z])t(?![a-z])|\btons?\b|\btonnes?\b")


@dataclass(frozen=True)
class Column:
    """A column that is understood: ``at`` counted from 0, its title as the file has it, and the unit that the title says."""

    at: int
    title: str
    unit: Unit | None = None


@dataclass(frozen=True)
class Header:
    """The columns by field; the titles that are not understood; how many rows it ends, and how many of these are ``above`` it."""

    columns: Mapping[str, Column]
    unknown: tuple[str, ...]
    titles: tuple[str, ...]
    rows: int
    above: int

    def repeated(self, row: SheetRow) -> bool:
        """Whether a row says the titles again, as printed pages do."""
        same = [self.titles[at] == said for at, said in enumerate(_titles(row)[: len(self.titles)]) if said]
        return len(same) >= 3 and sum(same) * 2 > len(same)


def header(rows: Sequence[SheetRow], mapping: Mapping[str, str]) -> Header:
    """
    Find the header among the first rows of a file.

    ``mapping`` says for a title which field it is, or with an empty text that it is none; it goes before what is
    recognized. Raises Invalid if no row, nor two rows one below the other, names the columns that are needed.
    """
    unknown = sorted(set(mapping.values()) - FIELDS - {""})
    if unknown:
        raise Invalid("There is no such column as “%(name)s”.", field="columns", name=unknown[0][:MOST_TITLE])
    remembered = {_tidy(title): name for title, name in mapping.items()}
    found: list[tuple[bool, int, int, int, tuple[str, ...]]] = []
    for at, row in enumerate(rows):
        above = _titles(row)
        below = _titles(rows[at + 1]) if at + 1 < len(rows) else ()
        both = tuple(
            (below[place] if place < len(below) else "") or (above[place] if place < len(above) else "")
            for place in range(max(len(above), len(below)))
        )
        for ends, titles in ((at + 1, above), (at + 2, both)):
            names = {name for title in titles if (name := _field(title, remembered)[0])}
            found.append((names >= set(NEEDED), len(names), -ends, at, titles))
    if not found:
        raise Invalid("The file is empty.", field="file")
    _, _, ends, number_above, titles = max(found)
    return _header(titles, remembered, -ends, number_above)


def _header(titles: tuple[str, ...], remembered: Mapping[str, str], ends: int, above: int) -> Header:
    ranked: dict[str, tuple[int, int]] = {}
    unknown: list[str] = []
    for at, title in enumerate(titles):
        name, rank = _field(title, remembered)
        if not name:
            if title and remembered.get(_tidy(title)) is None:
                unknown.append(title[:MOST_TITLE])
        elif name in ranked and ranked[name][0] == rank:
            raise Invalid("The column “%(title)s” stands twice.", field="file", title=title[:MOST_TITLE])
        elif name not in ranked or rank < ranked[name][0]:
            ranked[name] = (rank, at)
    missing = [name for name in NEEDED if name not in ranked]
    if missing:
        raise Invalid(
            "No row names the columns that are needed; missing: %(missing)s.",
            field="file",
            missing=tuple(f"{ALIASES[name][0]} / {name}" for name in missing),
        )
    columns = {
        name: Column(at, titles[at][:MOST_TITLE], _unit(titles[at]) if name in WEIGHTS else None)
        for name, (_, at) in ranked.items()
    }
    return Header(columns, tuple(unknown), titles, ends, above)


def _titles(row: SheetRow) -> tuple[str, ...]:
    return tuple(text(cell) for cell in row.cells)


def _tidy(title: str) -> str:
    return unicodedata.normalize("NFKC", title).casefold().strip()


def _field(title: str, remembered: Mapping[str, str]) -> tuple[str, int]:
    """Return which field a title means and how plainly; an empty name if none."""
    if not title or len(title) > MOST_TITLE:
        return "", 0
    tidy = _tidy(title)
    if tidy in remembered:
        return remembered[tidy], -1
    if "%" in tidy and "扣" in tidy:  # a share to be taken off is no weight
        return "", 0
    bare = "".join(sign for sign in _BEHIND_A_STROKE.sub("", _BRACKETS.sub("", tidy)) if sign.isalnum())
    return _KNOWN.get(bare) or _KNOWN.get(_TRAILING_UNIT.sub("", bare)) or ("", 0)


def _unit(title: str) -> Unit | None:
    """Return the unit that a title says. Raises Invalid for one that weighbridges do not print."""
    tidy = _tidy(title)
    for odd in ("万吨", "市斤", "(斤", "/斤", "(g)", "(克"):
        if odd in tidy:
            raise Invalid(
                "The column “%(title)s” is neither in kilograms nor in tonnes. Give one of these.",
                field="file",
                title=title[:MOST_TITLE],
            )
    return "kg" if _KILOGRAMS.search(tidy) else "t" if _TONNES.search(tidy) else None

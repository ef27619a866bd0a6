"""
The one sheet of an XLSX file that is read, taken out of it and put alone into a plain archive.

What reads that archive meets no part that has not been looked through here: the sheet and the texts that its cells share
are copied as they are, all else is written anew, and only as much of it as the values need.
"""

from __future__ import annotations

import io
import posixpath
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

from marketplace.adapters.sheetarchive import Archive, Limits, bomb, broken, walk
from marketplace.domain.errors import Invalid
from marketplace.domain.sheetrows import column_letters

MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main "
RELATION_ID: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships id"

DATE, SPAN, FIGURE = "date", "span", "figure"


@dataclass
class _Relations:
    """Where the parts of a workbook lie."""

    mark: int = 0
    targets: dict[str, str] = field(default_factory=dict)
    kinds: dict[str, str] = field(default_factory=dict)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name.endswith(" Relationship") and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "").replace("\\", "/")
            path = posixpath.normpath(posixpath.join("xl", target) if not target.startswith("/") else target[1:])
            self.targets[attributes.get("Id", "")] = path
            self.kinds.setdefault(attributes.get("Type", "").rpartition("/")[2], path)


@dataclass
class _Workbook:
    """The sheets that are shown, and the day that dates are counted from."""

    mark: int = 0
    sheets: list[tuple[str, str]] = field(default_factory=list)
    from_1904: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        if name == MAIN + "sheet" and attributes.get("state", "visible") == "visible":
            self.sheets.append((attributes.get("name", ""), attributes.get(RELATION_ID, "")))
        elif name == MAIN + "workbookPr":
            self.from_1904 = attributes.get("date1904", "0") in {"1", "true"}


@dataclass
class _Formats:
    """The number format of each cell format."""

    limits: Limits
    mark: int = 0
    codes: dict[int, str] = field(default_factory=dict)
    used: list[int] = field(default_factory=list)
    _inside: bool = False

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.mark = -1  # a list of formats may be long; nothing is built of it
        local = name.removeprefix(MAIN)
        if local == "numFmt":
            self.codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
        elif local in {"cellXfs", "cellStyleXfs"}:
            self._inside = local == "cellXfs"
        elif local == "xf" and self._inside:
            self.used.append(int(attributes.get("numFmtId", "0")))
        if max(len(self.used), len(self.codes)) > self.limits.formats:
            raise bomb()


@dataclass
class _Strings:
    """The texts that cells share."""

    limits: Limits
    mark: int = 0
    count: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        del attributes
        if name == MAIN + "si":
            self.mark = -1
            self.count += 1
            if self.count > self.limits.strings:
                raise bomb()


class _Something(Exception):
    """A sheet holds a value; no more was asked."""


@dataclass
class _Peek:
    mark: int = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        del attributes
        if name == _ROW:
            self.mark = -1
        elif name in {_VALUE, _INLINE}:
            raise _Something


_ROW, _CELL, _VALUE, _INLINE, _FORMULA = (MAIN + name for name in ("row", "c", "v", "is", "f"))


@dataclass
class Extent:
    """How far the values of a sheet reach, and which of its rows are hidden."""

    limits: Limits
    mark: int = 0
    rows: int = 0
    last_row: int = 0
    last_column: int = 0
    hidden: set[int] = field(default_factory=set)
    _tags: int = 0
    _row: int = 0
    _column: int = 0
    _known: dict[str, int] = field(default_factory=dict)

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        """Take an element. Raises Invalid for a formula, and for too many rows or columns."""
        if name == _CELL:
            letters = attributes.get("r", "").rstrip("0123456789")
            if letters:
                self._column = self._known.get(letters) or self._number(letters)
            else:
                self._column += 1
        elif name in {_VALUE, _INLINE}:
            if self._column > self.last_column:
                self.last_column = self._column
                if self._column > self.limits.columns:
                    raise Invalid("The file has more than %(most)s columns.", field="file", most=self.limits.columns)
            if self._row > self.last_row:
                self.last_row = self._row
                self.rows += 1
                if self.rows > self.limits.rows:
                    raise Invalid(
                        "The file has more than %(most)s rows. Split it.", field="file", most=self.limits.rows
                    )
        elif name == _ROW:
            self._begin(attributes)
        elif name == _FORMULA:
            raise Invalid(
                "Cell %(cell)s holds a formula. Copy the columns, paste them as values, and save the file again.",
                field="file",
                cell=f"{column_letters(self._column)}{self._row}",
            )

    def _begin(self, attributes: Mapping[str, str]) -> None:
        self.mark = -1
        self._tags += 1
        number = int(attributes["r"]) if "r" in attributes else self._row + 1
        if self._tags > self.limits.row_tags:
            raise Invalid("The file has more than %(most)s rows. Split it.", field="file", most=self.limits.rows)
        if not self._row < number <= 2**20:
            raise broken()  # a row out of its place would be lost
        self._row, self._column = number, 0
        if attributes.get("hidden") in {"1", "true"}:
            self.hidden.add(number)

    def _number(self, letters: str) -> int:
        if not (len(letters) <= 3 and letters.isascii() and letters.isalpha()):
            raise broken()
        number = 0
        for letter in letters.upper():
            number = number * 26 + ord(letter) - ord("A") + 1
        self._known[letters] = number
        return number


@dataclass(frozen=True)
class Part:
    """The one sheet that is read, alone in a plain archive."""

    name: str
    others: tuple[str, ...]
    archive: io.BytesIO
    extent: Extent


def part(content: bytes, limits: Limits, dated: Callable[[int, str], str]) -> Part:
    """
    Return the first sheet that is shown and holds something.

    ``dated`` says of a number format (its id, its code) whether it shows a ``date``, a ``span`` of time or a figure
    (empty). Raises Invalid.
    """
    inside = Archive(content, limits)
    book, relations, formats = _Workbook(), _Relations(), _Formats(limits)
    if "xl/workbook.xml" not in inside:
        raise Invalid("This file is neither XLSX nor CSV. Save it as XLSX or CSV.", field="file")
    walk(inside, "xl/workbook.xml", book, limits)
    walk(inside, "xl/_rels/workbook.xml.rels", relations, limits)
    if styles := relations.kinds.get("styles"):
        walk(inside, styles, formats, limits)
    kinds = [dated(number, formats.codes.get(number, "")) for number in formats.used]
    paths = [(name, relations.targets.get(key, "")) for name, key in book.sheets]
    shown = [(name, path) for name, path in paths if path in inside and "chartsheet" not in path]
    for at, (name, path) in enumerate(shown):
        packed, extent = io.BytesIO(), Extent(limits)
        with ZipFile(packed, "w", ZIP_DEFLATED, compresslevel=1) as plain:
            with plain.open("xl/worksheets/sheet1.xml", "w") as copy:
                walk(inside, path, extent, limits, into=copy.write)
            if not extent.rows:
                continue
            texts = relations.kinds.get("sharedStrings", "")
            if texts in inside:
                _copy_strings(inside, texts, plain, limits)
            for file, text in _plain_parts(kinds, shared=texts in inside, from_1904=book.from_1904).items():
                plain.writestr(file, text)
        others = tuple(other for other, path in shown[at + 1 :] if _holds_something(inside, path, limits))
        return Part(name, others, packed, extent)
    raise Invalid("The file is empty.", field="file")


def _copy_strings(inside: Archive, name: str, plain: ZipFile, limits: Limits) -> None:
    size = 0
    with plain.open("xl/sharedStrings.xml", "w") as copy:

        def write(piece: bytes) -> None:
            nonlocal size
            size += len(piece)
            if size > limits.string_bytes:
                raise bomb()
            copy.write(piece)

        walk(inside, name, _Strings(limits), limits, into=write)


def _holds_something(inside: Archive, path: str, limits: Limits) -> bool:
    try:
        walk(inside, path, _Peek(), limits)
    except _Something:
        return True
    return False


_XML: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
_OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_FORMAT: Final = {DATE: 22, SPAN: 46, FIGURE: 0}
"""The built-in number formats that stand for all others: date with time, hours beyond a day, general."""


def _plain_parts(kinds: list[str], *, shared: bool, from_1904: bool) -> dict[str, str]:
    """Return all that an archive needs beside the sheet and its texts."""
    parts = {"worksheet": "worksheets/sheet1", "styles": "styles"} | (
        {"sharedStrings": "sharedStrings"} if shared else {}
    )
    overrides = "".join(
        f'<Override PartName="/xl/{path}.xml" ContentType="{_TYPE}.{kind}+xml"/>'
        for kind, path in ({"sheet.main": "workbook"} | parts).items()
    )
    links = "".join(
        f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind}" Target="{path}.xml"/>' for kind, path in parts.items()
    )
    formats = "".join(f'<xf numFmtId="{_FORMAT[kind]}" fontId="0" fillId="0" borderId="0" xfId="0"/>' for kind in kinds)
    main = f'xmlns="{MAIN.strip()}"'
    return {
        "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">{overrides}</Types>',
        "_rels/.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="book"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{links}</Relationships>',
        "xl/workbook.xml": f'{_XML}<workbook {main} xmlns:r="{_OFFICE}"><workbookPr date1904="{int(from_1904)}"/><sheets>'
        '<sheet name="sheet" sheetId="1" r:id="worksheet"/></sheets></workbook>',
        "xl/styles.xml": f"{_XML}<styleSheet {main}><fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border/></borders>"
        '<cellStyleXfs><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
        f"<cellXfs>{formats or '<xf/>'}</cellXfs>"
        '<cellStyles><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
    }

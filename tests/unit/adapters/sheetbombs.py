"""Files that are made to harm whoever opens them, each built around the one guard that stops it."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

MIB = 1024 * 1024
OFF = 10**12

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

GROWS = "This workbook unpacks to more than a list"
BROKEN = "This workbook cannot be read"
ROWS = "The file has more than 60000 rows"
COLUMNS = "The file has more than 100 columns"
LINE = "cannot be read"
LONG = "holds more than 2000 characters"


@dataclass(frozen=True)
class Bomb:
    """A file, what is said of it, the guard, what that guard is when it is off, and other guards that are out of the way."""

    name: str
    build: Callable[[], bytes]
    said: str
    off: Mapping[str, object]
    aside: Mapping[str, object] = field(default_factory=lambda: {"ratio": OFF})


def sheet(rows: str, *, before: str = "", after: str = "") -> str:
    """Return the XML of a worksheet."""
    return f'<worksheet xmlns="{MAIN}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def cell(value: str) -> str:
    return f'<c t="inlineStr"><is><t>{value}</t></is></c>'


def parts(sheets: Mapping[str, str], *, strings: str = "", styles: str = "", book: str = "") -> dict[str, str]:
    """Return the parts of a workbook: the XML of its sheets by name, of its shared texts and of its formats."""
    names = "".join(f'<sheet name="{name}" sheetId="{at}" r:id="s{at}"/>' for at, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="s{at}" Type="{OFFICE}/worksheet" Target="worksheets/sheet{at}.xml"/>'
        for at in range(1, len(sheets) + 1)
    )
    links += f'<Relationship Id="t" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>' if strings else ""
    links += f'<Relationship Id="f" Type="{OFFICE}/styles" Target="/xl/styles.xml"/>' if styles else ""
    found = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "xl/workbook.xml": book or f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>{names}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">{links}</Relationships>',
    }
    found |= {f"xl/worksheets/sheet{at}.xml": xml for at, xml in enumerate(sheets.values(), 1)}
    return (
        found | ({"xl/sharedStrings.xml": strings} if strings else {}) | ({"xl/styles.xml": styles} if styles else {})
    )


def zipped(files: Mapping[str, str | bytes], *, packed: bool = True) -> bytes:
    into = io.BytesIO()
    with ZipFile(into, "w", ZIP_DEFLATED if packed else ZIP_STORED, compresslevel=6 if packed else None) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return into.getvalue()


def workbook(rows: str, *, strings: str = "", styles: str = "", before: str = "", after: str = "") -> bytes:
    return zipped(parts({"one": sheet(rows, before=before, after=after)}, strings=strings, styles=styles))


def _lying() -> bytes:
    """Return a workbook that says its sheet has 1000 bytes; it has 600 MiB."""
    plain = zipped(parts({"one": "x"}) | {"xl/worksheets/sheet1.xml": b" " * (600 * MIB)})
    return plain.replace(struct.pack("<I", 600 * MIB), struct.pack("<I", 1000))


def _central(content: bytes, at: int, value: int) -> bytes:
    """Return a workbook whose directory says something else of its sheet, at so many bytes into the entry."""
    begin = content.rindex(b"PK\x01\x02")
    changed = bytearray(content)
    assert content[begin + 46 :].startswith(b"xl/worksheets/sheet1.xml")
    struct.pack_into("<I", changed, begin + at, value)
    return bytes(changed)


def _many_entries() -> bytes:
    """Return an archive of 20 MiB that is all directory: each entry would become an object of half a kilobyte."""
    central = (
        struct.pack("<4s4B4HL2L5H2L", b"PK\x01\x02", 20, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0) + b"a"
    )
    count = 19 * MIB // len(central)
    plain = zipped({"a": "b"})
    local = plain[: plain.index(b"PK\x01\x02")]
    begin = len(local)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count % 65536, count % 65536, count * len(central), begin, 0)
    return local + central * count + end


def _one_body_for_many() -> bytes:
    """Return an archive of which 900 entries share one body of 10 MiB."""
    content = zipped(parts({"one": sheet("")}) | {"body": b" " * (10 * MIB)})
    at = content.rindex(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    last = content[at:end]
    more = b"".join(last.replace(b"body", f"b{number:03d}".encode()) for number in range(900))
    tail = bytearray(content[end:])
    count, size = struct.unpack_from("<H", tail, 10)[0] + 900, struct.unpack_from("<L", tail, 12)[0] + len(more)
    struct.pack_into("<HHL", tail, 8, count, count, size)
    return content[:end] + more + bytes(tail)


def _entity(target: str) -> Callable[[], bytes]:
    def build() -> bytes:
        declared = '<!DOCTYPE x [<!ENTITY a "expanded">]>'
        say = "&a;"
        sheets = {"one": sheet(f"<row>{cell(say if target == 'sheet' else 'plain')}</row>")}
        strings = f'<sst xmlns="{MAIN}"><si><t>{say}</t></si></sst>' if target == "strings" else ""
        found = parts(sheets, strings=strings)
        part = {"sheet": "xl/worksheets/sheet1.xml", "strings": "xl/sharedStrings.xml", "book": "xl/workbook.xml"}[
            target
        ]
        return zipped(found | {part: declared + found[part]})

    return build


def _laughs() -> bytes:
    lines = "".join(f'<!ENTITY a{at} "{f"&a{at - 1};" * 10}">' for at in range(1, 10))
    xml = f'<!DOCTYPE x [<!ENTITY a0 "ha">{lines}]>' + sheet(f"<row>{cell('&a9;')}</row>")
    return zipped(parts({"one": xml}))


def _external() -> bytes:
    xml = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>' + sheet(f"<row>{cell('&a;')}</row>")
    return zipped(parts({"one": xml}))


def _strings(inside: str) -> bytes:
    texts = f'<sst xmlns="{MAIN}">{inside}</sst>'
    return workbook('<row><c t="s"><v>0</v></c></row>', strings=texts)


def _rows(count: int, row: str) -> bytes:
    return workbook(row * count)


def _formats() -> bytes:
    styles = f'<styleSheet xmlns="{MAIN}"><cellXfs>{"<xf/>" * 50_000}</cellXfs></styleSheet>'
    return workbook(f"<row>{cell('a')}</row>", styles=styles)


VALUE = f"<row>{cell('a')}</row>"
ASIDE = {"ratio": OFF, "span_tags": OFF, "span_bytes": OFF}

BOMBS = (
    Bomb("file too large", lambda: b"a,b\n" * (6 * MIB), "The file is larger than 20 MiB", {"file_bytes": OFF, "row_tags": 50}),
    Bomb("declared 600 MiB", lambda: workbook(VALUE, after=" " * (600 * MIB)), GROWS, {"inflated_bytes": OFF}, ASIDE),
    Bomb("unpacks a thousandfold", lambda: workbook(VALUE, after="<a/>" * (2 * MIB)), GROWS, ASIDE, {}),
    Bomb("all directory", _many_entries, GROWS, {"entries": OFF}),
    Bomb("one body for many entries", _one_body_for_many, GROWS, {"inflated_bytes": OFF}),
    Bomb("entity in the sheet", _entity("sheet"), BROKEN, {"doctype": True}),
    Bomb("entity in the texts", _entity("strings"), BROKEN, {"doctype": True}),
    Bomb("entity in the workbook", _entity("book"), BROKEN, {"doctype": True}),
    Bomb("shared texts without end", lambda: _strings("<si/>" * 500_000), GROWS, {"strings": OFF}),
    Bomb("a shared text of runs", lambda: _strings("<si>" + "<r/>" * 200_000 + "</si>"), GROWS, {"span_tags": OFF}),
    Bomb("a shared text of 15 MiB", lambda: _strings(f"<si><t>{'a' * 15 * MIB}</t></si>"), GROWS, {"span_bytes": OFF}),
    Bomb("shared texts of 40 MiB", lambda: _strings(f"<si><t>{'a' * 1000}</t></si>" * 40_000), GROWS, {"string_bytes": OFF}),
    Bomb("rows with a format alone", lambda: _rows(300_000, '<row ht="9" customHeight="1"/>'), ROWS, {"row_tags": OFF}),
    Bomb("a row of cells", lambda: workbook(VALUE + "<row>" + "<c/>" * 200_000 + "</row>"), GROWS, {"span_tags": OFF}),
    Bomb("a row of 5 MiB", lambda: workbook(f"<row>{cell('a' * 5 * MIB)}</row>"), GROWS, {"span_bytes": OFF}),
    Bomb("an attribute of 8 MiB", lambda: workbook(VALUE, after=f'<a b="{"a" * 8 * MIB}"/>'), GROWS, {"span_bytes": OFF}),
    Bomb("a comment of 8 MiB", lambda: workbook(VALUE, before=f"<!--{'a' * 8 * MIB}-->"), GROWS, {"span_bytes": OFF}),
    Bomb("deeper than deep", lambda: workbook(VALUE, after="<a>" * 100_000 + "</a>" * 100_000), GROWS, {"span_tags": OFF}),
    Bomb("merged cells without end", lambda: workbook(VALUE, after="<mergeCells>" + '<mergeCell ref="A1:B1"/>' * 40_000 + "</mergeCells>"), GROWS, {"span_tags": OFF}),
    Bomb("formats without end", _formats, GROWS, {"formats": OFF}),
    Bomb("a row too many", lambda: _rows(60_001, VALUE), ROWS, {"rows": OFF}),
    Bomb("a column too many", lambda: workbook("<row>" + cell("a") * 101 + "</row>"), COLUMNS, {"columns": OFF}),
    Bomb("the last column of all", lambda: workbook('<row><c r="XFD1"><v>1</v></c></row>'), COLUMNS, {"columns": OFF}),
    Bomb("a cell too long", lambda: workbook(f"<row>{cell('a' * 2001)}</row>"), LONG, {"characters": OFF}),
    Bomb("a cell too long in runs", lambda: workbook('<row><c t="inlineStr"><is>' + "<r><rPr><b/></rPr><t>abc</t></r>" * 700 + "</is></c></row>"), LONG, {"characters": OFF}),
    Bomb("text: a row too many", lambda: b"a,b\n" * 60_001, ROWS, {"rows": OFF}),
    Bomb("text: a column too many", lambda: b"a," * 100 + b"a", COLUMNS, {"columns": OFF}),
    Bomb("text: a cell too long", lambda: b"a," + b"a" * 2001, LONG, {"characters": OFF}),
    Bomb("text: lines without end", lambda: b"a,b" + b"\n" * (19 * MIB), ROWS, {"row_tags": OFF, "rows": 0}),
    Bomb("text: one line of commas", lambda: b"," * (19 * MIB), LINE, {"columns": OFF}),
    Bomb("text: a row that never ends", lambda: b'a,b\n"' + b'\n","' * (4 * MIB), LINE, {"columns": OFF}),
)  # fmt: skip
"""Bombs whose guard is a figure that can be put out of the way."""

ALWAYS = (
    ("says 1000 bytes, has 600 MiB", _lying, GROWS),
    ("says a little less than it has", lambda: _central(workbook(VALUE * 1000), 24, 5000), GROWS),
    ("says a little more than it has", lambda: _central(workbook(VALUE * 1000), 24, 10**6), BROKEN),
    ("another checksum", lambda: _central(workbook(VALUE), 16, 1), BROKEN),
    ("text: a quotation that never ends", lambda: b'a,b\n"' + b"a\n" * (9 * MIB), LINE),
    ("laughs by the billion", _laughs, BROKEN),
    ("an entity from a file", _external, BROKEN),
    ("a row beyond the last", lambda: workbook('<row r="1048577"><c><v>1</v></c></row>'), BROKEN),
    ("a row out of its place", lambda: workbook('<row r="2"><c><v>1</v></c></row><row r="1"><c><v>1</v></c></row>'), BROKEN),
    ("an archive in place of the sheet", lambda: zipped(parts({"one": ""}) | {"xl/worksheets/sheet1.xml": zipped({"a": "b"})}), BROKEN),
    ("two sheets of one name", lambda: zipped(parts({"one": sheet(VALUE)}) | {"XL/worksheets/SHEET1.xml": sheet(VALUE)}), BROKEN),
    ("cut off", lambda: workbook(VALUE)[:-30], BROKEN),
    ("a figure of 5000 digits", lambda: workbook(f"<row><c><v>{'9' * 5000}</v></c></row>"), BROKEN),
    ("a text that is not there", lambda: workbook('<row><c t="s"><v>7</v></c></row>'), BROKEN),
)  # fmt: skip
"""Files that are refused whatever the limits are."""

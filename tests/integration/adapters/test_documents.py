"""Contracts as PDF files: what stands in the file, in which font, the same bytes again; and without libraries or a font."""

from __future__ import annotations

import builtins
import re
import zlib
from pathlib import Path
from typing import Any

import pytest

from marketplace.adapters.documents import NoPrinter, Printer, WeasyPrinter, chinese_font, printer
from marketplace.settings import ROOT

SHEET = ROOT / "static" / "css" / "pdf.css"
PAGE = (
    '<!doctype html><html lang="zh-CN"><head><title>合同 HY-2027-000123</title></head><body><h1>合同 HY-2027-000123</h1>'
    "<p>污染防治 <code>0123456789abcdef</code></p></body></html>"
)


def opened(content: bytes) -> list[bytes]:
    """Return the streams of a PDF, unpacked."""
    streams = []
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL):
        try:
            streams.append(zlib.decompress(found[1]))
        except zlib.error:
            streams.append(found[1])
    return streams


def written(content: bytes) -> str:
    """
    Return the text of a PDF: what its pages show, by what its fonts say that each glyph means.

    Numbers of glyphs are each font's own, so that all is read once by the table of each font, after one another.
    """
    streams = opened(content)
    shown = []
    for table in streams:
        if b"begincmap" in table:
            pairs = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]+)>", table)
            meaning = {glyph: bytes.fromhex(text.decode()).decode("utf-16-be") for glyph, text in pairs}
            shown += [_read(page, meaning) for page in streams]
    return "\n".join(shown)


def _read(page: bytes, meaning: dict[bytes, str]) -> str:
    lines = []
    for line in re.findall(rb"\[(<.*?)\] ?TJ", page):
        glyphs = b"".join(re.findall(rb"<([0-9a-f]*)>", line))
        lines.append("".join(meaning.get(glyphs[at : at + 4], "?") for at in range(0, len(glyphs), 4)))
    return "\n".join(lines)


def usable() -> Printer:
    made = printer(SHEET)
    if made.pdf("<p>1</p>") is None:
        pytest.skip("no Pango or no Chinese font: apt-get install libpango-1.0-0 libpangoft2-1.0-0 fonts-noto-cjk")
    return made


def test_a_page_is_a_file_with_its_chinese_text_and_font_and_the_same_again() -> None:
    made = usable()

    content, again = made.pdf(PAGE), made.pdf(PAGE)

    assert content is not None
    assert content == again
    assert content.startswith(b"%PDF-")
    text = written(content)
    for wanted in ("合同 HY-2027-000123", "污染防治", "0123456789abcdef"):
        assert wanted in text
    font = (chinese_font() or "").replace(" ", "-").encode()
    assert any(b"/FontFile" in each and font in each for each in opened(content))


def test_nothing_outside_the_page_is_fetched(tmp_path: Path) -> None:
    (tmp_path / "secret.css").write_text("h1 { display: none }")
    page = PAGE.replace("</head>", f'<link rel="stylesheet" href="{(tmp_path / "secret.css").as_uri()}"></head>')

    content = usable().pdf(page)

    assert content is not None
    assert "合同 HY-2027-000123" in written(content)


def test_without_a_chinese_font_no_file_is_written(tmp_path: Path) -> None:
    (tmp_path / "DejaVuSans.ttf").write_bytes(b"")

    made = printer(SHEET, [str(tmp_path)])

    assert isinstance(made, NoPrinter)
    assert made.pdf(PAGE) is None
    (tmp_path / "NotoSerifCJK-Regular.ttc").write_bytes(b"")
    (tmp_path / "wqy-zenhei.ttc").write_bytes(b"")
    assert chinese_font([str(tmp_path)]) == "Noto Serif CJK SC"


@pytest.mark.parametrize("fault", [OSError("cannot load library 'libgobject-2.0-0'"), ImportError("no weasyprint")])
def test_without_the_libraries_no_file_is_written(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    load = builtins.__import__

    def missing(name: str, *given: Any, **named: Any) -> Any:
        if name == "weasyprint":
            raise fault
        return load(name, *given, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    made = WeasyPrinter(SHEET, "Noto Sans CJK SC")

    assert made.pdf(PAGE) is None
    monkeypatch.undo()
    assert made.pdf(PAGE) is None  # it is not tried again with every request

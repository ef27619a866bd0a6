"""Pages as PDF by WeasyPrint, with a Chinese font in the file; without its libraries or such a font, nothing is written."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from threading import Lock
from typing import Final, Protocol

log = logging.getLogger("marketplace.documents")

FONT_FOLDERS: Final = (
    "/usr/share/fonts",
    "/usr/local/share/fonts",
    "~/.local/share/fonts",
    "~/.fonts",
    "/Library/Fonts",
)
FONTS: Final = {
    "NotoSansCJK": "Noto Sans CJK SC",
    "NotoSansSC": "Noto Sans SC",
    "SourceHanSans": "Source Han Sans SC",
    "NotoSerifCJK": "Noto Serif CJK SC",
    "wqy-microhei": "WenQuanYi Micro Hei",
    "wqy-zenhei": "WenQuanYi Zen Hei",
}
"""How the files of fonts begin that can write Chinese, the best first, and what each font is called."""


class Printer(Protocol):
    """Writes a page as a PDF."""

    def pdf(self, html: str) -> bytes | None:
        """Return the file; None if this server cannot write one."""


def printer(stylesheet: Path, folders: Iterable[str] = FONT_FOLDERS) -> Printer:
    """Return what writes PDF files here; the null one if a Chinese font is missing. Libraries are looked for when used."""
    font = chinese_font(folders)
    if font is None:
        log.warning("no Chinese font: contracts are offered as pages to print, not as PDF files")
        return NoPrinter()
    return WeasyPrinter(stylesheet, font)


def chinese_font(folders: Iterable[str] = FONT_FOLDERS) -> str | None:
    """Return the name of a font on this machine that can write Chinese; none if there is none."""
    files = {
        path.name
        for folder in folders
        for path in Path(folder).expanduser().rglob("*")
        if path.suffix.lower() in (".ttc", ".otf", ".ttf")
    }
    return next((name for start, name in FONTS.items() if any(each.startswith(start) for each in files)), None)


class NoPrinter:
    """The twin without libraries or font: the page to print must do."""

    def pdf(self, html: str) -> bytes | None:
        """Write nothing."""
        del html
        return None


class WeasyPrinter:
    """WeasyPrint, which fetches nothing: the page and the stylesheet are all it reads. The same page is the same bytes."""

    def __init__(self, stylesheet: Path, font: str) -> None:
        self._stylesheet, self._font = stylesheet, font
        self._lock = Lock()
        self._missing = False

    def pdf(self, html: str) -> bytes | None:
        """Write the file; None if the libraries of WeasyPrint are not there."""
        if self._missing:
            return None
        try:
            import weasyprint  # it loads Pango and may not find it; a server without it serves pages
        except (ImportError, OSError) as missing:
            log.warning("WeasyPrint cannot be used (%s): contracts are offered as pages to print", missing)
            self._missing = True
            return None
        css = self._stylesheet.read_text(encoding="utf-8").replace("FONT", self._font)
        with self._lock:  # one at a time: fontconfig is not made for several
            nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
            sheet = weasyprint.CSS(string=css, url_fetcher=nothing)
            page = weasyprint.HTML(string=html, url_fetcher=nothing)
            return bytes(page.write_pdf(stylesheets=[sheet]))

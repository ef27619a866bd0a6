"""Files that a spreadsheet opens: numbers are numbers, and no text of others becomes a formula."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from decimal import Decimal

from flask import Response


def neutral(text: str) -> str:
    """
    Return a text that no spreadsheet takes for a formula.

    >>> neutral("=1+1"), neutral("粉煤灰")
    ("'=1+1", '粉煤灰')
    """
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"} else text


def csv_file(name: str, rows: Iterable[Sequence[object]]) -> Response:
    """Return a CSV in UTF-8 with the mark by which office programs know it; None is an empty cell."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(value) for value in row])
    answer = Response(text.getvalue().encode("utf-8-sig"), content_type="text/csv; charset=utf-8")
    answer.headers.set("Content-Disposition", "attachment", filename=name)
    return answer


def tonnes_cell(kg: int) -> Decimal:
    """Return kilograms as tonnes for a cell."""
    return Decimal(kg) / 1000


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    return value if isinstance(value, int) else neutral(str(value))

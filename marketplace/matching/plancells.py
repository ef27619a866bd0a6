"""What a row says of its side: which lot or line in which month, its province, a measured value, a cost of storage."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import cache
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.places import divisions
from marketplace.domain.quantities import Month, fen
from marketplace.matching.planrows import Row

_MOST_MEASURED: Final = 10**12
_MOST_STORAGE_FEN: Final = 500_000
_DIVISION: Final = re.compile(r"[1-9]\d{5}")


def identity(row: Row, column: str) -> tuple[str, Month | None]:
    """Return the id, and the month of the row if it has one; together they stand in no earlier row."""
    columns = (column, "month") if row.rows.monthly else (column,)
    return row.unique(*columns)[0], row.month()


def province_of(row: Row, *, needed: bool) -> str:
    """Return the province as the file has it, or where it is needed its code, from a name or any division within it."""
    if not needed:
        return row.cells.get("province_adcode", "")
    column = "province" if row.cells.get("province") else "province_adcode"
    given = row.cells.get(column, "")
    if not given:
        row.refuse(
            column, "With filings each row says in which province it lies, by its division code, such as 420000."
        )
        return ""
    code = _province_code(given)
    if code is None:
        row.refuse(
            column,
            "“%(text)s” is no province and no division code, which has six digits, such as 420000.",
            text=given[:40],
        )
    return code or ""


@cache
def _province_code(given: str) -> str | None:
    provinces = divisions("province")
    if _DIVISION.fullmatch(given):
        return next((each.code for each in provinces if each.code[:2] == given[:2]), None)
    meant = [
        each.code
        for each in provinces
        if len(given) > 1 and (each.name_zh.startswith(given) or each.name_en.casefold() == given.casefold())
    ]
    return meant[0] if len(meant) == 1 else None


def storage_fen(yuan: Decimal) -> int:
    """Return whole fen for a tonne and month; raises Invalid below zero and beyond all sense."""
    if not 0 <= yuan * 100 <= _MOST_STORAGE_FEN:
        raise Invalid("To store a tonne for a month costs between 0 and %(most)s yuan.", most=_MOST_STORAGE_FEN // 100)
    return fen(yuan)


def measured(value: Decimal) -> float:
    """Return a measured value; raises Invalid beyond all sense."""
    if abs(value) > _MOST_MEASURED:
        raise Invalid("That is more than any property can be. Is the unit right?")
    return float(value)

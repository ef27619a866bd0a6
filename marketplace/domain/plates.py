"""Plates of vehicles as they are kept, and what a vehicle may weigh."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from marketplace.domain.errors import Invalid

MOST_GROSS_KG: Final = 200_000
"""No truck scale carries more than two hundred tonnes; what is above is grams, or a typing error."""

LEGAL_GROSS_KG: Final = 49_000
"""
The greatest lawful mass of a six-axle vehicle with its load: GB 1589-2016, table 3. From memory of the standard, to be
confirmed; other vehicles may carry less.
"""

_PROVINCES: Final = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_SIGN: Final = "A-HJ-NP-Z0-9"  # a plate has neither I nor O
_PLATE: Final = re.compile(
    rf"[{_PROVINCES}][A-HJ-Z](?:"
    rf"[{_SIGN}]{{4}}[{_SIGN}挂学警]"  # five signs; the last may say: trailer, driving school, police
    rf"|[A-HJK][{_SIGN}]\d{{4}}|\d{{5}}[A-HJK])"  # six signs: new energy, small and large
)


def normal(text: str) -> str:
    """
    Return a plate in capitals and half-width signs, without dots and blanks.

    >>> normal("晋ｆ·1 2345")
    '晋F12345'
    """
    return re.sub(r"[\s·•・.。\-_]", "", unicodedata.normalize("NFKC", text)).upper()


def is_plate(written: str) -> bool:
    """
    Whether a plate, as `normal` returns it, is one that vehicles of the mainland bear.

    >>> is_plate("晋F12345"), is_plate("蒙K00001D"), is_plate("晋F2345挂"), is_plate("晋F123")
    (True, True, True, False)
    """
    return _PLATE.fullmatch(written) is not None


def plate_of(text: str, *, field: str = "plate") -> str:
    """Return a plate as it is kept. Raises Invalid if it is none."""
    plate = normal(text)
    if not is_plate(plate):
        raise Invalid("This is no plate of a vehicle, such as 晋F12345.", field=field)
    return plate

"""Waste codes, the materials that people speak of, and what counts as bulk waste."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.reference import decimal, rows, several
from marketplace.domain.wording import Sentence

CODE_VERSION: Final = "MEE-2024-4"
"""The catalogue of solid waste, announcement 4 of 2024; codes of the scheme before it mean other things."""

CATEGORIES: Final = (
    "SW01", "SW02", "SW03", "SW04", "SW05", "SW06", "SW07", "SW09", "SW10", "SW11", "SW12", "SW13", "SW14", "SW15",
    "SW16", "SW17", "SW59",
)  # fmt: skip
"""The industrial categories, in the order of their codes; there is no SW08."""

LEGAL_STATUSES: Final = ("solid_waste", "by_product", "secondary_raw_material")
"""Only tonnes of solid waste enter the statutory figures."""

BULK_VERSION: Final = "industrial-2018"
"""The class list that the national goal for bulk industrial solid waste is read with."""

_GENERAL = re.compile(r"\d{3}-0(0[1-9]|[1-9]\d)-S(0[1-79]|[1-9]\d)|SW(0[1-79]|[1-9]\d)")


@dataclass(frozen=True)
class WasteCode:
    """
    A code of the catalogue of solid waste, or a category of it such as SW05 where the item code is not known.

    ``confidence`` is high or medium: how sure it is that code and name are those of the catalogue. Codes that are not
    ``industrial`` may be named, but are not handled here.
    """

    code: str
    category: str
    name_zh: str
    name_en: str
    confidence: str
    industrial: bool


@dataclass(frozen=True)
class Material:
    """
    What is offered and asked for, in the words of the trade: finer than a waste code in some places, coarser in others.

    ``moisture`` is a typical water content in percent of the wet mass, for estimates alone; ``is_powder`` says that it
    travels in a tanker.
    """

    code: str
    category: str
    waste_code: str
    name_zh: str
    name_en: str
    synonyms: tuple[str, ...]
    color: str
    is_powder: bool
    moisture: Decimal | None


def waste_code(code: str, *, field: str | None = None) -> WasteCode:
    """
    Return the entry of a waste code, written as people write it: full-width, lower case, other dashes.

    Raises Invalid for a code that is not in the catalogue as loaded here.
    """
    plain = _plain_code(code)
    found = _codes().get(plain)
    if found is None and _GENERAL.fullmatch(plain):
        raise Invalid(
            "The code %(code)s is not in the catalogue as loaded here. Choose its category, such as SW05.",
            field=field,
            code=plain,
        )
    if found is None:
        raise Invalid(
            "“%(code)s” is not a code of general solid waste, which is written like 900-001-S02.",
            field=field,
            code=code[:40],
        )
    return found


def waste_codes() -> tuple[WasteCode, ...]:
    """Return all codes, categories first."""
    return tuple(_codes().values())


def materials() -> tuple[Material, ...]:
    """Return all materials in the order in which a person is offered them."""
    return tuple(_materials().values())


def material(code: str, *, field: str | None = None) -> Material:
    """Return the material of that code; raises Invalid if there is none."""
    try:
        return _materials()[code]
    except KeyError as unknown:
        raise Invalid("There is no material “%(code)s”.", field=field, code=code[:40]) from unknown


def find_material(text: str) -> tuple[Material, ...]:
    """
    Return the materials that a person may mean, the likeliest first: by name, synonym, code or a part of them.

    A word that is exactly a name or synonym settles it; see `ambiguity` for words that mean two things.
    """
    wanted = _folded(text)
    if not wanted:
        return ()
    exact = tuple(each for each in materials() if wanted in _words(each))
    if exact:
        return exact
    within = [each for each in materials() if any(wanted in word for word in _words(each))]
    about = [(len(word), each) for each in materials() for word in _words(each) if len(word) > 1 and word in wanted]
    longest = [each for _, each in sorted(about, key=lambda hit: -hit[0])]
    return tuple(dict.fromkeys([*within, *longest]))


def ambiguity(text: str) -> Sentence | None:
    """Return what a person must be told about a word that also names something else; none for most words."""
    wanted = _folded(text)
    return next((note for word, note in _AMBIGUOUS if _folded(word) == wanted), None)


def bulk_versions() -> tuple[str, ...]:
    """Return the versions of the class list of bulk waste."""
    return tuple(dict.fromkeys(row["version"] for row in rows("bulk_sets")))


def bulk_categories(version: str = BULK_VERSION) -> frozenset[str]:
    """Return the categories that count as bulk waste in a version of the class list; raises Invalid."""
    found = frozenset(row["category"] for row in rows("bulk_sets") if row["version"] == version)
    if not found:
        raise Invalid("There is no class list of bulk waste “%(version)s”.", version=version)
    return found


def is_bulk(category: str, version: str = BULK_VERSION) -> bool:
    """Say whether a category counts as bulk waste in a version of the class list; raises Invalid for no version."""
    return category in bulk_categories(version)


_AMBIGUOUS: Final = (
    (
        "飞灰",
        Sentence(
            "飞灰 is also the ash of waste incineration, which is hazardous (772-002-18). Only coal fly ash is traded here."
        ),
    ),
    (
        "炉渣",
        Sentence("炉渣 is the bottom ash of a boiler. For the slag of a blast furnace choose 高炉渣."),
    ),
    (
        "脱硫灰",
        Sentence("脱硫灰 comes from dry or semi-dry desulfurization and is not gypsum."),
    ),
)


@cache
def _codes() -> dict[str, WasteCode]:
    return {
        row["code"]: WasteCode(
            code=row["code"],
            category=row["category"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            confidence=row["confidence"],
            industrial=row["category"] in CATEGORIES,
        )
        for row in rows("waste_codes")
    }


@cache
def _materials() -> dict[str, Material]:
    return {
        row["code"]: Material(
            code=row["code"],
            category=row["category"],
            waste_code=row["waste_code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            synonyms=several(row["synonyms"]),
            color=row["color"],
            is_powder=row["form"] == "powder",
            moisture=decimal(row["moisture_pct"]),
        )
        for row in rows("materials")
    }


@cache
def _words(each: Material) -> frozenset[str]:
    return frozenset(_folded(word) for word in (each.code, each.name_zh, each.name_en, *each.synonyms))


def _plain_code(code: str) -> str:
    plain = unicodedata.normalize("NFKC", code).strip().upper()
    return re.sub(r"[‐-―−]", "-", plain)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())

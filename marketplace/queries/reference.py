"""Reads: the tables of the field, to be looked up and searched; each row with its source, date and confidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from marketplace.domain import wastes
from marketplace.domain.errors import Invalid
from marketplace.domain.grades import property_of
from marketplace.domain.reference import rows, several

TABLES: Final = ("waste_codes", "materials", "grades", "routes", "freight", "factors")
SURE: Final = "high"
PAGE: Final = 100


@dataclass(frozen=True)
class ReferencePage:
    """A page of one table of the field, or of what a search finds in it."""

    table: str
    query: str
    rows: tuple[Mapping[str, str], ...]
    uncertain: int
    """How many of what was found are defaults to be confirmed."""
    number: int
    pages: int
    total: int


def reference_page(name: str, query: str, number: int) -> ReferencePage:
    """Return a table, searched by code, name, synonym and material; the first table where there is none of that name."""
    shown = name if name in TABLES else TABLES[0]
    words = query.casefold().split()[:6]
    found = [row for row in rows(shown) if _fits(words, _said(row))]
    pages = max(1, -(-len(found) // PAGE))
    at = min(max(1, number), pages)
    uncertain = sum(row["confidence"] != SURE for row in found)
    return ReferencePage(shown, query, tuple(found[(at - 1) * PAGE : at * PAGE]), uncertain, at, pages, len(found))


def _fits(words: list[str], texts: Iterable[str]) -> bool:
    """Return whether each word of a search stands in one of the texts."""
    if not words:
        return True
    known = [text.casefold() for text in texts]
    return all(any(word in text for text in known) for word in words)


def _said(row: Mapping[str, str]) -> Iterable[str]:
    for column in ("code", "name_zh", "name_en", "standard", "kind", "unit"):
        yield row.get(column, "")
    yield from several(row.get("synonyms", ""))
    for code in (row.get("material", ""), *several(row.get("materials", ""))):
        yield from _material(code)
    if "property" in row:
        found = property_of(row["property"])
        yield from (found.name_zh, found.name_en)


def _material(code: str) -> Iterable[str]:
    try:
        found = wastes.material(code)
    except Invalid:
        return
    yield from (found.name_zh, found.name_en, *found.synonyms)

"""The clauses of contracts: templates by version, in both languages, each clause with its source and date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final, Literal, TypeAlias

from marketplace.domain.reference import rows

Confidence: TypeAlias = Literal["high", "medium", "low", "agreed"]

LATEST: Final = "1"
"""The version of the template that new contracts are made from; those of before keep the text that was signed."""


@dataclass(frozen=True, kw_only=True)
class Clause:
    """
    A clause as it is signed, in both languages.

    ``date`` is since when its source is in force or from when it is; of the confidence in the source `agreed` says that there
    is none but the parties.
    """

    code: str
    title_zh: str
    title_en: str
    text_zh: str
    text_en: str
    source_zh: str
    source_en: str
    date: str
    confidence: Confidence


@cache
def template(version: str = LATEST, *, waste: bool, crossing: bool) -> tuple[Clause, ...]:
    """
    Return the clauses of a version, in their order: those for every deal, for ``waste``, and for what leaves its province.

    >>> [each.code for each in template("1", waste=False, crossing=False)]
    ['pollution_control', 'carrier', 'records', 'changes', 'ending']
    """
    applies = {"always": True, "waste": waste, "crossing": waste and crossing}
    return tuple(
        Clause(**{name: row[name] for name in Clause.__dataclass_fields__})  # type: ignore[arg-type]
        for row in rows("clauses")
        if row["version"] == version and applies[row["applies"]]
    )

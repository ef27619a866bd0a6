"""Where room is missing, said once for months in a row that say the same."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, sentence

MOST: Final = 10
"""More would not be read."""

_MONTH: Final = "short_month"


def by_span(shortages: Iterable[Mapping[str, object]]) -> list[Sentence]:
    """Return the sentences in their order, those that differ by nothing but following months as one."""
    spans: list[tuple[Sentence, list[Month]]] = []
    for each in sorted(map(sentence, shortages), key=_month_of):
        month = _month_of(each)
        for first, months in spans:
            own_span = "last_month" in (each.values or {})  # storage joins its months already
            if not own_span and months[-1].plus(1) == month and _but_month(first) == _but_month(each):
                months.append(month)
                break
        else:
            spans.append((each, [month]))
    return [_over(each, months) for each, months in spans[:MOST]]


def _month_of(each: Sentence) -> Month:
    return Month.parse(str((each.values or {})[_MONTH]))


def _but_month(each: Sentence) -> tuple[str, dict[str, object]]:
    return each.text, {name: value for name, value in (each.values or {}).items() if name != _MONTH}


def _over(each: Sentence, months: list[Month]) -> Sentence:
    if len(months) == 1:
        return each
    span = Sentence("%(first_month)s to %(last_month)s", {"first_month": str(months[0]), "last_month": str(months[-1])})
    return Sentence(each.text, {**(each.values or {}), _MONTH: span})

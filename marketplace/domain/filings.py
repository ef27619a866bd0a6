"""Filings across provinces over several months: none crosses a calendar year, so that each opens months of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from marketplace.domain.fit import Accepting, Filing, Fit, Offered, check, filing_needed
from marketplace.domain.haulage import CIRCUITY_PERMILLE
from marketplace.domain.quantities import Month

_ENDLESS: Final = Filing(remaining_kg=1, valid_from=date.min, valid_to=date.max)


def fit_under(filings: Sequence[Filing], fit_with: Callable[[Filing | None], Fit]) -> tuple[Fit, dict[Month, int]]:
    """
    Hold a pair that needs a filing against each that it has, oldest first.

    Return the fit over all of them, and the place of the filing by which each open month is open: in force on its last
    day, then with most left, then the older. If no month is open, the reasons are those of the filing that comes nearest.
    """
    if not filings:
        return fit_with(None), {}
    by: dict[Month, int] = {}
    found = []
    for place in sorted(range(len(filings)), key=lambda place: (-filings[place].remaining_kg, place)):
        fit = fit_with(filings[place])
        found.append((fit, filings[place].valid_to))
        for month in fit.months:
            by.setdefault(month, place)
    return _over(found, tuple(sorted(by))), by


def months_unfiled(offered: Offered, accepting: Accepting, fit: Fit, months: Sequence[Month]) -> tuple[Month, ...]:
    """Return the months that are not open, of those asked about, in which nothing but a filing stands in the way."""
    if not filing_needed(offered, accepting):
        return ()
    filed = check(offered, accepting, months=months, circuity_permille=CIRCUITY_PERMILLE, filing=_ENDLESS)
    return tuple(month for month in filed.months if month not in fit.months)


def _over(found: Sequence[tuple[Fit, date]], months: tuple[Month, ...]) -> Fit:
    best = max(found, key=lambda each: (*_nearness(each[0]), each[1]))[0]
    return replace(best, months=months)


def _nearness(fit: Fit) -> tuple[int, bool, int]:
    in_force = any(reason.code == "filing_exhausted" for reason in fit.reasons)
    return len(fit.months), in_force, -len(fit.reasons)

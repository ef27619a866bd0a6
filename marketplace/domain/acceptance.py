"""The values of a waste held against the acceptance limits of a line: refused, missing, taken at a deduction, to be balanced."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from marketplace.domain.deductions import Judgment, Limit, judge
from marketplace.domain.grades import property_of
from marketplace.domain.wording import Sentence


@dataclass(frozen=True)
class Reason:
    """
    A filter that fails.

    ``by`` is how far, in the unit of the filter: the property's unit, meters, kilograms or fen per tonne;
    ``by_permille`` the same against the figure that was passed. ``subject`` is the property that it is about, if any, and
    ``against`` the value of it that would just do.
    """

    code: str
    sentence: Sentence
    by: Decimal | int | None = None
    by_permille: int | None = None
    subject: str | None = None
    against: Decimal | None = None


@dataclass(frozen=True)
class Deduction:
    """What a value beyond its limit takes off the price of a tonne."""

    property: str
    value: Decimal
    limit: Decimal
    fen_per_t: int


@dataclass(frozen=True)
class Balanced:
    """A value beyond a limit that the mean of a month keeps: it may come as far as what else arrives balances it."""

    code: str
    value: Decimal
    limit: Decimal

    @property
    def sentence(self) -> Sentence:
        """What it means for a load of that value."""
        values = {
            "mean_property": self.code,
            "value": measured(self.code, self.value),
            "limit": measured(self.code, self.limit),
        }
        if self.value > self.limit:
            return Sentence(
                "%(mean_property)s is %(value)s; the line takes at most %(limit)s in the mean of a month, so that other"
                " loads have to balance it.",
                values,
            )
        return Sentence(
            "%(mean_property)s is %(value)s; the line asks at least %(limit)s in the mean of a month, so that other loads"
            " have to balance it.",
            values,
        )


def measured(code: str, value: Decimal) -> str:
    """Write a value with the unit of its property, as a sentence needs it: “8.2 %”."""
    unit = property_of(code).unit
    text = format(value.normalize(), "f")
    return f"{text} {unit}" if unit else text


def by_limits(
    material: str, properties: Mapping[str, Decimal], limits: Iterable[Limit]
) -> tuple[tuple[Reason, ...], tuple[Deduction, ...], tuple[Balanced, ...]]:
    """Return what the limits refuse, what is missing (after that), what is taken off, what a month's mean must balance."""
    refused, missing, deductions, balanced = [], [], [], []
    for limit in limits:
        if not limit.holds_for(material):
            continue
        found = judge(limit, properties.get(limit.property))
        if found.outcome == "missing":
            missing.append(_missing(limit.property))
        elif found.outcome == "deducted" and found.value is not None and found.against is not None:
            deductions.append(Deduction(limit.property, found.value, found.against, found.deduction_fen_per_t))
        elif found.outcome in {"limit", "stop"}:
            refused.append(_refused(limit.property, found))
        if limit.monthly_mean and found.outcome in {"deducted", "balanced"} and found.value is not None:
            balanced.append(Balanced(limit.property, found.value, found.against or Decimal(0)))
    return (*refused, *missing), tuple(deductions), tuple(balanced)


def _missing(code: str) -> Reason:
    return Reason(
        "missing_value",
        Sentence(
            "No value for %(missing_property)s: a test is needed before the line can take it.",
            {"missing_property": code},
        ),
        subject=code,
    )


def _refused(code: str, found: Judgment) -> Reason:
    value, against, by = found.value or Decimal(0), found.against or Decimal(0), found.by or Decimal(0)
    values = {
        "limit_property": code,
        "value": measured(code, value),
        "limit": measured(code, against),
        "by": measured(code, by),
    }
    if value > against:
        sentence = Sentence(
            "%(limit_property)s is %(value)s; the line takes at most %(limit)s: %(by)s too much.", values
        )
    else:
        sentence = Sentence(
            "%(limit_property)s is %(value)s; the line asks at least %(limit)s: %(by)s too little.", values
        )
    return Reason("limit", sentence, by, found.by_permille, code, against)

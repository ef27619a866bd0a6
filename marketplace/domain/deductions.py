"""What a recycler's acceptance limits mean for a measured value: taken, taken at a deduction, or refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, Literal, TypeAlias

from marketplace.domain.canonical import LATER
from marketplace.domain.errors import Invalid

Outcome: TypeAlias = Literal["met", "deducted", "balanced", "missing", "limit", "stop"]

MOST_DEDUCTION_FEN_PER_UNIT: Final = 10**7
"""A hundred thousand yuan per tonne for one unit over; what is above is a typing error."""


@dataclass(frozen=True, kw_only=True)
class Limit:
    """
    What an intake line asks of one property.

    A value beyond ``minimum`` or ``maximum`` is refused, unless a deduction is stated: then each unit beyond the limit
    takes ``deduction_fen_per_unit`` off the price per tonne, up to and with the stop value, if there is one. A limit
    with ``material`` holds for that material only.

    With ``monthly_mean`` the limit is one of the mean, by kilograms, of all that arrives at the line in a month: a value
    beyond it is taken, with its own deduction if one is stated, as long as what else arrives balances it. The stop value is
    asked of each load all the same.

    Raises Invalid where the figures contradict each other.
    """

    property: str
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    deduction_fen_per_unit: int | None = None
    stop_minimum: Decimal | None = None
    stop_maximum: Decimal | None = None
    material: str | None = None
    monthly_mean: bool = field(default=False, metadata=LATER)

    def __post_init__(self) -> None:
        """Refuse a limit that says nothing or contradicts itself."""
        bounds = (self.minimum, self.maximum, self.stop_minimum, self.stop_maximum)
        if all(bound is None for bound in bounds):
            raise Invalid("Give a least value, a greatest value or both.", field="maximum")
        if any(bound is not None and not bound.is_finite() for bound in bounds):
            raise Invalid("A limit is a number.", field="maximum")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise Invalid("The least value is above the greatest value.", field="minimum")
        if self.stop_maximum is not None and self.maximum is not None and self.stop_maximum < self.maximum:
            raise Invalid("The stop value lies inside the limit: it is where taking ends altogether.", field="stop")
        if self.stop_minimum is not None and self.minimum is not None and self.stop_minimum > self.minimum:
            raise Invalid("The stop value lies inside the limit: it is where taking ends altogether.", field="stop")
        deduction = self.deduction_fen_per_unit
        if deduction is not None and not 0 <= deduction <= MOST_DEDUCTION_FEN_PER_UNIT:
            raise Invalid("A deduction is between 0 and 100,000 yuan per tonne and unit.", field="deduction")

    def holds_for(self, material: str) -> bool:
        """Return whether the limit is about this material."""
        return self.material is None or self.material == material


@dataclass(frozen=True)
class Judgment:
    """
    A value against a limit.

    ``against`` is the figure that was passed, ``by`` how far; both None when the value is met or missing.
    """

    outcome: Outcome
    value: Decimal | None
    against: Decimal | None = None
    by: Decimal | None = None
    deduction_fen_per_t: int = 0

    @property
    def by_permille(self) -> int:
        """How far beyond the figure, in thousandths of it; the whole figure where that is zero."""
        if self.by is None or self.against is None:
            return 0
        return int(self.by * 1000 / abs(self.against)) if self.against else 1000


def judge(limit: Limit, value: Decimal | None) -> Judgment:
    """
    Hold a value against a limit.

    >>> moisture = Limit(property="moisture", maximum=Decimal("1.0"), deduction_fen_per_unit=300)
    >>> judge(moisture, Decimal("1.4")).deduction_fen_per_t
    120
    """
    if value is None:
        return Judgment("missing", None)
    over = _beyond(limit, value, +1, limit.maximum, limit.stop_maximum)
    under = _beyond(limit, value, -1, limit.minimum, limit.stop_minimum)
    return over or under or Judgment("met", value)


def _beyond(limit: Limit, value: Decimal, sign: int, edge: Decimal | None, stop: Decimal | None) -> Judgment | None:
    """Judge one side: ``sign`` +1 asks whether the value is above, -1 whether it is below."""
    if stop is not None and (value - stop) * sign > 0:
        return Judgment("stop", value, stop, (value - stop) * sign)
    if edge is None or (value - edge) * sign <= 0:
        return None
    by = (value - edge) * sign
    if limit.deduction_fen_per_unit is None:
        return Judgment("balanced" if limit.monthly_mean else "limit", value, edge, by)
    deduction = int((by * limit.deduction_fen_per_unit).quantize(Decimal(1), rounding=ROUND_HALF_EVEN))
    return Judgment("deducted", value, edge, by, deduction)

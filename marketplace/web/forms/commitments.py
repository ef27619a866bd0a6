"""The form in which a park states that a line may take in less."""

from __future__ import annotations

from marketplace.domain.capacities import MOST_REASON, LoweredCapacity
from marketplace.web.forms.base import AreaField, MarketForm, TonnesField, at_most, required
from marketplace.web.i18n import lazy_gettext as lazy


class LowerForm(MarketForm):
    """What a line may take in from this month on, and why."""

    capacity_kg_per_month = TonnesField(lazy("At most in a month"), [required()])
    capacity_kg_per_year = TonnesField(lazy("At most in a year"), [required()])
    because = AreaField(lazy("Reason"), [required(), at_most(MOST_REASON)])

    def command(self) -> LoweredCapacity:
        """Return what was entered. Raises Invalid."""
        return LoweredCapacity(
            capacity_kg_per_month=self.capacity_kg_per_month.data or 0,
            capacity_kg_per_year=self.capacity_kg_per_year.data or 0,
            because=" ".join(self.because.data.split()),
        )

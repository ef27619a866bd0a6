"""The form of a hold at a fixed price."""

from __future__ import annotations

from wtforms import HiddenField

from marketplace.domain.holds import NewHold
from marketplace.queries.holds import HoldPage
from marketplace.web.forms.base import MarketForm, TonnesField, YuanField, required
from marketplace.web.forms.listings import given
from marketplace.web.i18n import lazy_gettext as lazy


class HoldForm(MarketForm):
    """How much a recycler holds, under the rules that it has read; the price is shown and not asked."""

    kg_per_month = TonnesField(lazy("Quantity per month"), [required()])
    price = YuanField(lazy("Price"), render_kw={"readonly": True})
    rules = HiddenField()

    def fill(self, page: HoldPage) -> None:
        """Begin with all that is free, at the price, under the rules that are shown."""
        self.kg_per_month.data = page.most_kg or None
        self.show_price(page)
        self.rules.data = page.listing.rules_sha256

    def show_price(self, page: HoldPage) -> None:
        """Show the price as it is, whatever was sent."""
        self.price.raw_data = None
        self.price.data = page.card.asking_fen_per_t
        self.price.flags.required = True  # nobody leaves it out: it cannot be changed

    def command(self, listing_id: int, line_id: int) -> NewHold:
        """Return the hold. Raises Invalid."""
        return NewHold(
            listing_id=listing_id,
            line_id=line_id,
            kg_per_month=given(self.kg_per_month, self.kg_per_month.data),
            rules_sha256=self.rules.data or "",
        )

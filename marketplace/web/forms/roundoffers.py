"""The forms in which a recycler offers for a round, and a producer names a reserve."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField

from marketplace.domain.roundoffers import LineOffer, ListingReserve
from marketplace.web.filters import material
from marketplace.web.forms.base import MarketForm, TonnesField, YuanField, required
from marketplace.web.i18n import lazy_gettext as lazy


class OfferForm(MarketForm):
    """What a line pays for each material, delivered, and how much it takes; the prices are added by `offer_form`."""

    kg_per_month = TonnesField(lazy("At most in a month"), [required()])
    confirmed = BooleanField(lazy("Yes, this price is meant, in yuan per tonne"))

    @property
    def prices(self) -> list[tuple[str, Any]]:
        """The material and the field of each price."""
        return [
            (name.removeprefix("price_"), field) for name, field in self._fields.items() if name.startswith("price_")
        ]

    def command(self) -> LineOffer:
        """Return what was entered; a price that is left empty says that the material is not taken. Raises Invalid."""
        prices = tuple((code, field.data) for code, field in self.prices if field.data is not None)
        return LineOffer(prices=prices, kg_per_month=self.kg_per_month.data or 0)


class ReserveForm(MarketForm):
    """The least that the producer nets for a tonne in this round."""

    reserve = YuanField(lazy("Reserve in this round"), [required()])

    def command(self) -> ListingReserve:
        """Return what was entered. Raises Invalid."""
        return ListingReserve(reserve_fen_per_t=self.reserve.data or 0)


def offer_form(materials: Iterable[str], **data: object) -> OfferForm:
    """Return the form of a line that takes these materials."""
    prices = {f"price_{code}": YuanField(material(code)) for code in materials}
    form: OfferForm = type("OfferForm", (OfferForm,), prices)(**data)
    return form

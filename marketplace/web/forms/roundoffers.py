"""The forms in which a recycler offers for a round, and a producer names a reserve."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from wtforms import BooleanField

from marketplace.domain.errors import Invalid
from marketplace.domain.pricesteps import PriceStep
from marketplace.domain.roundoffers import LineOffer, ListingReserve
from marketplace.web.filters import material
from marketplace.web.forms.base import MarketForm, TonnesField, YuanField, required
from marketplace.web.i18n import lazy_gettext as lazy


class OfferForm(MarketForm):
    """What a line pays for each material, delivered, and how much it takes; the prices are added by `offer_form`."""

    kg_per_month = TonnesField(lazy("At most in a month"), [required()])
    beyond_2 = TonnesField(lazy("Second price: beyond, in a month"))
    less_2 = YuanField(lazy("Second price: so much less"))
    beyond_3 = TonnesField(lazy("Third price: beyond, in a month"))
    less_3 = YuanField(lazy("Third price: so much less"))
    confirmed = BooleanField(lazy("Yes, this price is meant, in yuan per tonne"))

    @property
    def prices(self) -> list[tuple[str, Any]]:
        """The material and the field of each price."""
        return [
            (name.removeprefix("price_"), field) for name, field in self._fields.items() if name.startswith("price_")
        ]

    @property
    def steps(self) -> list[tuple[Any, Any]]:
        """The two fields of each price step."""
        return [(self.beyond_2, self.less_2), (self.beyond_3, self.less_3)]

    @property
    def stepped(self) -> bool:
        """Whether anything was entered for a step, or is to be mended there."""
        return any((field.raw_data and any(field.raw_data)) or field.errors for step in self.steps for field in step)

    def command(self) -> LineOffer:
        """
        Return what was entered; a price that is left empty says that the material is not taken, as does a step.

        Raises Invalid.
        """
        prices = tuple((code, field.data) for code, field in self.prices if field.data is not None)
        return LineOffer(prices=prices, kg_per_month=self.kg_per_month.data or 0, steps=tuple(self._steps()))

    def _steps(self) -> Iterator[PriceStep]:
        filled = [(beyond, less) for beyond, less in self.steps if beyond.data is not None or less.data is not None]
        for (beyond, less), place in zip(filled, self.steps, strict=False):
            empty = next((field for field in (*place, beyond, less) if field.data is None), None)
            if empty is not None:
                raise Invalid("A further price needs both figures, and a third one the second.", field=empty.name)
            yield PriceStep(beyond_kg=beyond.data, less_fen_per_t=less.data)


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

"""The form of a bid."""

from __future__ import annotations

from wtforms import BooleanField, HiddenField, RadioField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.bids import NewBid
from marketplace.queries.bidding import BidFormPage
from marketplace.web.forms.base import (
    MOST_NOTE,
    MarketForm,
    TextField,
    TonnesField,
    YuanField,
    at_most,
    chosen,
    required,
)
from marketplace.web.forms.listings import given
from marketplace.web.i18n import lazy_gettext as lazy


class BidForm(MarketForm):
    """What a recycler bids for a listing, for one line."""

    price = YuanField(lazy("Price"), [required()])
    kg_per_month = TonnesField(lazy("Quantity per month"), [required()])
    transport = RadioField(
        lazy("Who carries it"),
        [chosen()],
        choices=[
            SelectChoice("recycler", lazy("We fetch it: the price holds at the seller's gate")),
            SelectChoice("producer", lazy("The seller brings it: the price holds at our gate")),
        ],
        default="recycler",
    )
    note = TextField(lazy("Note to the seller"), [at_most(MOST_NOTE)])
    confirmed = BooleanField(lazy("Yes, this price is meant, in yuan per tonne"))
    line = HiddenField()
    rules = HiddenField()

    def fill(self, page: BidFormPage) -> None:
        """Begin with what is offered, under the rules that are shown; a bid that stands does not show if it is sealed."""
        self.rules.data = page.listing.rules_sha256
        self.kg_per_month.data = page.kg_per_month
        stands = page.live.terms if page.live is not None else None
        if stands is not None:
            self.price.data = stands.price_fen_per_t
            self.kg_per_month.data = stands.kg_per_month
            self.transport.data = stands.transport
            self.note.data = stands.note

    def command(self, listing_id: int, line_id: int) -> NewBid:
        """Return the bid. Raises Invalid."""
        return NewBid(
            listing_id=listing_id,
            line_id=line_id,
            price_fen_per_t=given(self.price, self.price.data),
            kg_per_month=given(self.kg_per_month, self.kg_per_month.data),
            transport=self.transport.data,
            note=self.note.data or "",
            confirmed=bool(self.confirmed.data),
            rules_sha256=self.rules.data or "",
        )

"""The form of a filing across provinces."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from marketplace.domain.errors import Invalid
from marketplace.domain.lines import NewFiling
from marketplace.queries.filings import ReceivingSite, StreamChoice
from marketplace.web.filters import pick, place
from marketplace.web.forms.base import (
    DayField,
    MarketForm,
    TextField,
    TonnesField,
    WholeField,
    at_most,
    chosen,
    required,
)
from marketplace.web.forms.rows import Choice, RadioChoice, whole
from marketplace.web.i18n import lazy_gettext as lazy


class FilingForm(MarketForm):
    """A filing: which stream, to whom, how much, from when to when."""

    stream_id = Choice(lazy("Waste stream"), [chosen()], coerce=whole)
    credit_code = TextField(lazy("Credit code of the receiver"), [required(), at_most(40)])
    receiving_site_id = RadioChoice(lazy("Receiving site"), coerce=whole)
    filing_no = TextField(lazy("Number of the filing"), [required(), at_most(80)])
    filed_kg = TonnesField(lazy("Filed tonnes"), [required()])
    filed_trips = WholeField(lazy("Filed trips"), [required()])
    valid_from = DayField(lazy("Valid from"), [required()])
    valid_to = DayField(lazy("Valid until"), [required()])

    def set_up(self, streams: Sequence[StreamChoice]) -> None:
        """Offer the streams."""
        self.stream_id.offer([(each.id, pick(each.name, each.name_en)) for each in streams])
        if len(streams) == 1 and not self.stream_id.data:
            self.stream_id.data = streams[0].id

    def offer(self, sites: Sequence[ReceivingSite]) -> None:
        """Offer the sites of the receiver; the only one is chosen."""
        self.receiving_site_id.offer(
            [
                (
                    each.id,
                    f"{pick(each.organization_zh, each.organization_en)} · {pick(each.name, each.name_en)} · {place(each.division_code)}",
                )
                for each in sites
            ]
        )
        if len(sites) == 1 and not self.receiving_site_id.data:
            self.receiving_site_id.data = sites[0].id

    def command(self) -> NewFiling:
        """Return what is asked for. Raises Invalid."""
        offered = {each.value for each in self.receiving_site_id.choices or ()}
        if self.receiving_site_id.data not in offered:
            raise Invalid("Find the receiver by its credit code and choose its site.", field="receiving_site_id")
        if not isinstance(self.valid_from.data, date) or not isinstance(self.valid_to.data, date):
            raise Invalid("A day is written as year, month and day, such as 2027-03-15.", field="valid_from")
        return NewFiling(
            stream_id=self.stream_id.data or 0,
            receiving_site_id=self.receiving_site_id.data,
            filing_no=self.filing_no.data or "",
            filed_kg=self.filed_kg.data or 0,
            filed_trips=self.filed_trips.data or 0,
            valid_from=self.valid_from.data,
            valid_to=self.valid_to.data,
        )

"""Forms of shipments: plan a vehicle, weigh it, and say what came of it."""

from __future__ import annotations

from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from wtforms import BooleanField, HiddenField, StringField
from wtforms.validators import Length

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.domain.shipments import MODES, MOST_NAME, NewShipment
from marketplace.domain.tickets import MOST_TEXT, NewTicket
from marketplace.queries.shipments import TicketRow
from marketplace.web.context import parts
from marketplace.web.forms.base import (
    AreaField,
    DayField,
    MarketForm,
    MonthField,
    TextField,
    TonnesField,
    WholeField,
    at_most,
    required,
)
from marketplace.web.forms.rows import RadioChoice
from marketplace.web.i18n import lazy_gettext as lazy

MODE_LABELS = {"road": lazy("by road"), "rail": lazy("by rail"), "water": lazy("by water")}


class InstantField(StringField):  # type: ignore[misc]  # WTForms has no types
    """A day and time in the site's time zone, as a browser's own field writes it; the data is an instant."""

    data: datetime | None

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read ``YYYY-MM-DDTHH:MM``."""
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            return
        try:
            local = datetime.fromisoformat(typed)
        except ValueError as unreadable:
            raise ValueError(lazy("A time is written such as 2027-03-15 08:40.")) from unreadable
        self.data = local.replace(tzinfo=ZoneInfo(parts().settings.timezone)) if local.tzinfo is None else local

    def _value(self) -> str:
        if isinstance(self.data, datetime):
            return self.data.astimezone(ZoneInfo(parts().settings.timezone)).strftime("%Y-%m-%dT%H:%M")
        return self.raw_data[0] if self.raw_data else ""


class PlanForm(MarketForm):
    """A vehicle that is to fetch so much on a day."""

    day = DayField(lazy("Day"), [required()])
    planned_kg = TonnesField(lazy("Planned load"), [required()])
    mode = RadioChoice(lazy("How it travels"), choices=[(each, MODE_LABELS[each]) for each in MODES], default="road")
    plate = TextField(lazy("Plate"), [required(), at_most(MOST_NAME)])
    driver = TextField(lazy("Driver"), [required(), at_most(MOST_NAME)])
    driver_phone = TextField(lazy("Driver's telephone"), [at_most(MOST_NAME)])
    carrier = TextField(lazy("Carrier"), [at_most(MOST_NAME)])
    from_stock = BooleanField(lazy("It comes from the stock of earlier years"))

    def command(self, contract_id: int) -> NewShipment:
        """Return the shipment. Raises Invalid."""
        if self.day.data is None:
            raise Invalid("This is needed.", field="day")
        return NewShipment(
            contract_id=contract_id,
            day=self.day.data,
            planned_kg=self.planned_kg.data or 0,
            plate=self.plate.data or "",
            driver=self.driver.data or "",
            driver_phone=self.driver_phone.data or "",
            carrier=self.carrier.data or "",
            mode=self.mode.data or "",
            from_stock=bool(self.from_stock.data),
        )


class TicketForm(MarketForm):
    """A ticket of a scale, in kilograms as scales print them; net is shown and not asked."""

    number = TextField(lazy("Ticket number"), [required(), at_most(MOST_TEXT)])
    scale = TextField(lazy("Scale"), [required(), at_most(MOST_TEXT)], default="1")
    gross_kg = WholeField(lazy("Gross"), [required()])
    gross_at = InstantField(lazy("Weighed gross at"), [required()])
    tare_kg = WholeField(lazy("Tare"), [required()])
    tare_at = InstantField(lazy("Weighed tare at"), [required()])
    reason = AreaField(lazy("Reason for the correction"), [at_most(500)])
    key = HiddenField(validators=[Length(min=8, max=64)])

    def fill(self, stands: TicketRow | None, now: datetime) -> None:
        """Begin with what stands, or with the time; the key is new with each page."""
        self.key.data = str(uuid4())
        for name in ("number", "scale", "gross_kg", "tare_kg", "gross_at", "tare_at") if stands else ():
            self[name].data = getattr(stands, name)
        if stands is None:
            self.gross_at.data = self.tare_at.data = now

    def command(self) -> NewTicket:
        """Return the ticket. Raises Invalid."""
        if self.gross_at.data is None or self.tare_at.data is None:
            raise Invalid("This is needed.", field="gross_at")
        return NewTicket(
            number=self.number.data or "",
            scale=self.scale.data or "",
            gross_kg=self.gross_kg.data or 0,
            tare_kg=self.tare_kg.data or 0,
            gross_at=self.gross_at.data,
            tare_at=self.tare_at.data,
            key=self.key.data or "",
            reason=self.reason.data or "",
        )


class ReasonForm(MarketForm):
    """Why something is cancelled or rejected."""

    reason = AreaField(lazy("Reason"), [required(), at_most(500)])


class WeightForm(MarketForm):
    """The weight that one side proposes where two scales differ."""

    kg = TonnesField(lazy("Weight that is to count"), [required()])


class UseForm(MarketForm):
    """In which month it was used."""

    month = MonthField(lazy("Month of use"), [required()])

    def command(self) -> Month:
        """Return the month. Raises Invalid."""
        if self.month.data is None:
            raise Invalid("This is needed.", field="month")
        return self.month.data

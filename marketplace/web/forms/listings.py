"""The form of a listing: five fields to publish, the others on demand."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from marketplace.domain.ascending import LEAST_STEP_FEN, SOFT_MINUTES
from marketplace.domain.errors import Invalid
from marketplace.domain.holds import HOLD_HOURS, USUAL_HOURS
from marketplace.domain.listings import CLOSING_HOUR, NewListing
from marketplace.web.context import parts
from marketplace.web.forms.base import (
    MOST_NOTE,
    VOIDS,
    DayField,
    MarketForm,
    MonthField,
    TextField,
    TonnesField,
    WholeField,
    YuanField,
    at_most,
    chosen,
    required,
)
from marketplace.web.i18n import lazy_gettext as lazy

EXTRA = (
    "reserve",
    "least_lot",
    "cap_per_buyer",
    "small_works_share",
    "storage",
    "storage_cost",
    "loading_mode",
    "loading_hours",
    "note",
    "inspect_from",
    "inspect_until",
    "inspect_how",
)


Data = TypeVar("Data")


def given(field: Any, data: Data | None) -> Data:
    """Return what stands in a field that is needed. Raises Invalid if it holds nothing but spaces."""
    if data is None:
        raise Invalid("This is needed.", field=field.name)
    return data


class ListingForm(MarketForm):
    """What a producer says of a listing."""

    kg_per_month = TonnesField(lazy("Quantity per month"), [required()])
    first_month = MonthField(lazy("First month"), [required()])
    last_month = MonthField(lazy("Last month"), [required()])
    asking = YuanField(lazy("Asking price at your gate"), [required()])
    bids_close_on = DayField(lazy("Bids until"), [Optional()])
    sale_kind = RadioField(
        lazy("How bids are made"),
        [chosen()],
        choices=[
            SelectChoice("sealed", lazy("Sealed")),
            SelectChoice("ascending", lazy("Open, ascending")),
            SelectChoice("fixed", lazy("Not at all: a fixed price")),
        ],
        default="sealed",
    )
    least_step = YuanField(lazy("Least step"), [Optional()])
    soft_close = SelectField(
        lazy("Left after each late bid"),
        choices=[SelectChoice(minutes, lazy("%(minutes)s minutes", minutes=minutes)) for minutes in SOFT_MINUTES],
        coerce=int,
        default=5,
    )
    hold_hours = SelectField(
        lazy("A hold lasts"),
        choices=[SelectChoice(hours, lazy("%(hours)s hours", hours=hours)) for hours in HOLD_HOURS],
        coerce=int,
        default=USUAL_HOURS,
    )
    disclosure = RadioField(
        lazy("Who reads your name"),
        [chosen()],
        choices=[
            SelectChoice("open", lazy("Everybody")),
            SelectChoice("members", lazy("Verified organizations")),
            SelectChoice("masked", lazy("Nobody before an award")),
        ],
        default="members",
    )
    reserve = YuanField(lazy("Reserve price"), [Optional()])
    least_lot = TonnesField(lazy("Least lot"), [Optional()])
    cap_per_buyer = TonnesField(lazy("Cap per buyer"), [Optional()])
    small_works_share = WholeField(lazy("Share for small works"), [Optional()])
    storage = TonnesField(lazy("May wait in your yard"), [Optional()])
    storage_cost = YuanField(lazy("Cost of waiting"), [Optional()])
    loading_mode = SelectField(
        lazy("Loading"),
        choices=[
            SelectChoice("", lazy("not stated")),
            SelectChoice("silo", lazy("from a silo, into tankers")),
            SelectChoice("loader", lazy("by wheel loader")),
            SelectChoice("belt", lazy("by conveyor belt")),
            SelectChoice("crane", lazy("by crane or grab")),
            SelectChoice("bags", lazy("in bags")),
        ],
        default="",
    )
    loading_hours = TextField(lazy("Loading hours"), [at_most()])
    note = TextField(lazy("Note to bidders"), [at_most(MOST_NOTE)])
    inspect_from = DayField(lazy("Inspection from"), [Optional()])
    inspect_until = DayField(lazy("Inspection until"), [Optional()])
    inspect_how = TextField(lazy("Where to inspect, and whom to ask"), [at_most(MOST_NOTE)])
    confirmed = BooleanField(VOIDS)

    def fill(self, terms: NewListing) -> None:
        """Show what a listing says now."""
        self.kg_per_month.data = terms.kg_per_month
        self.first_month.data = terms.first_month
        self.last_month.data = terms.last_month
        self.asking.data = terms.asking_fen_per_t
        self.disclosure.data = terms.disclosure
        self.sale_kind.data = terms.sale_kind
        self.least_step.data = terms.least_step_fen_per_t
        self.soft_close.data = terms.soft_close_minutes
        self.hold_hours.data = terms.hold_hours
        self.reserve.data = terms.reserve_fen_per_t
        self.least_lot.data = terms.least_lot_kg or None
        self.cap_per_buyer.data = terms.cap_per_buyer_kg
        self.small_works_share.data = terms.small_works_share_percent or None
        self.storage.data = terms.storage_kg or None
        self.storage_cost.data = terms.storage_fen_per_t or None
        self.loading_mode.data = terms.loading_mode
        self.loading_hours.data = terms.loading_hours
        self.note.data = terms.note
        self.inspect_from.data = terms.inspect_from
        self.inspect_until.data = terms.inspect_until
        self.inspect_how.data = terms.inspect_how
        if terms.bids_close_at is not None:
            self.bids_close_on.data = terms.bids_close_at.astimezone(_zone()).date()

    def command(self, before: NewListing | None = None) -> NewListing:
        """Return what was asked for; the hour of a deadline that is not changed stays. Raises Invalid."""
        return NewListing(
            first_month=given(self.first_month, self.first_month.data),
            last_month=given(self.last_month, self.last_month.data),
            kg_per_month=given(self.kg_per_month, self.kg_per_month.data),
            asking_fen_per_t=given(self.asking, self.asking.data),
            reserve_fen_per_t=self.reserve.data,
            least_lot_kg=self.least_lot.data or 0,
            cap_per_buyer_kg=self.cap_per_buyer.data,
            small_works_share_percent=self.small_works_share.data or 0,
            storage_kg=self.storage.data or 0,
            storage_fen_per_t=self.storage_cost.data or 0,
            disclosure=self.disclosure.data,
            loading_hours=self.loading_hours.data or "",
            loading_mode=self.loading_mode.data,
            note=self.note.data or "",
            bids_close_at=self._bids_close_at(before),
            sale_kind=self.sale_kind.data,
            least_step_fen_per_t=LEAST_STEP_FEN if self.least_step.data is None else self.least_step.data,
            soft_close_minutes=self.soft_close.data,
            hold_hours=self.hold_hours.data,
            inspect_from=self.inspect_from.data,
            inspect_until=self.inspect_until.data,
            inspect_how=self.inspect_how.data or "",
        )

    def _bids_close_at(self, before: NewListing | None) -> datetime | None:
        day = self.bids_close_on.data
        if day is None:
            return None
        known = before.bids_close_at if before is not None else None
        if known is not None and known.astimezone(_zone()).date() == day:
            return known
        return datetime.combine(day, time(CLOSING_HOUR), _zone()).astimezone(UTC)

    @property
    def more(self) -> bool:
        """Whether one of the further fields is filled or wrong."""
        return any(self[name].data or self[name].errors for name in EXTRA)


class EndForm(MarketForm):
    """Why the bidding is ended."""

    reason = TextField(lazy("What the others are told"), [at_most(500)])


class AwardForm(MarketForm):
    """How much of a bid is awarded."""

    kg_per_month = TonnesField(lazy("Tonnes per month"), [required()])


def _zone() -> ZoneInfo:
    return ZoneInfo(parts().settings.timezone)

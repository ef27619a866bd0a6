"""Forms of rounds: open one, make one void."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from wtforms import BooleanField, RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.errors import Invalid
from marketplace.domain.haulage import default_tariff
from marketplace.domain.rounds import NewRound
from marketplace.web.filters import pick
from marketplace.web.forms.base import (
    AreaField,
    DayField,
    MarketForm,
    MonthField,
    NumberField,
    TonnesField,
    WholeField,
    YuanField,
    at_most,
    chosen,
    end_of,
    required,
)
from marketplace.web.i18n import lazy_gettext as lazy


class NewRoundForm(MarketForm):
    """A round: of which months, until when, how far."""

    park_id = SelectField(lazy("Park"), coerce=int, validators=[chosen()])
    kind = RadioField(
        lazy("What it is for"),
        choices=[SelectChoice("market", lazy("Market round")), SelectChoice("planning", lazy("Planning round"))],
        default="market",
        validators=[chosen()],
    )
    objective = RadioField(
        lazy("What it is solved for"),
        choices=[
            SelectChoice("utilization", lazy("The most tonnes")),
            SelectChoice("surplus", lazy("The greatest surplus")),
        ],
        default="utilization",
        validators=[chosen()],
    )
    first_month = MonthField(lazy("First month"), validators=[required()])
    last_month = MonthField(lazy("Last month"), validators=[required()])
    closes_at = DayField(lazy("Collects until the end of"), validators=[required()])
    answers_until = DayField(lazy("Answers until the end of"), validators=[required()])
    max_km = WholeField(lazy("Greatest distance in a straight line"), validators=[required()])
    circuity = NumberField(lazy("Road over straight line"), validators=[required()])
    subsidy = YuanField(lazy("Subsidy for each tonne that counts towards the rate"))
    contract_fee = YuanField(lazy("Cost of one contract"))
    whole_trucks = BooleanField(lazy("Only whole truckloads move"))
    truckload = TonnesField(lazy("Load of a truck"))

    def offer(self, parks: Sequence[tuple[int, str, str]]) -> None:
        """Say which parks can be chosen."""
        self.park_id.choices = [SelectChoice(park_id, pick(chinese, english)) for park_id, chinese, english in parks]

    def command(self, *, now: datetime) -> NewRound:
        """Return the round as asked for. Raises Invalid."""
        given: dict[str, Any] = self.data
        if self.circuity.data is not None and not self.circuity.data.is_finite():
            raise Invalid("Road over straight line is between 1.0 and 2.0.", field="circuity")
        return NewRound(
            park_id=given["park_id"],
            kind=given["kind"],
            objective=given["objective"],
            first_month=given["first_month"],
            last_month=given["last_month"],
            opens_at=now,
            closes_at=end_of(given["closes_at"]),
            answers_until=end_of(given["answers_until"]),
            max_km=given["max_km"],
            circuity=given["circuity"],
            subsidy_fen_per_t=given["subsidy"] or 0,
            contract_fee_fen=given["contract_fee"] or 0,
            truckload_kg=self._truckload_kg(),
        )

    def _truckload_kg(self) -> int | None:
        """Return the load, that of the tariff if none is named; None where any mass may move."""
        if not self.whole_trucks.data:
            return None
        load: int | None = self.truckload.data
        return default_tariff().payload_kg if load is None else load


class VoidForm(MarketForm):
    """Why a round is made void."""

    cause = AreaField(lazy("Why"), validators=[required(), at_most(500)])

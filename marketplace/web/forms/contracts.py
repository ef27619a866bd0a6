"""Forms of contracts: propose a version, sign it, decline it, or end the contract with a cause."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import HiddenField, PasswordField
from wtforms.validators import InputRequired, Length

from marketplace.domain.amendments import NewAmendment, NewTermination
from marketplace.domain.quantities import Month
from marketplace.web.filters import month as in_words
from marketplace.web.forms.auth import MOST_TYPED
from marketplace.web.forms.base import AreaField, MarketForm, TonnesField, YuanField, at_most, required
from marketplace.web.forms.rows import RadioChoice
from marketplace.web.i18n import lazy_gettext as lazy

CAUSE_LABELS = {
    "not_delivered": lazy("The producer does not deliver as planned"),
    "not_taken": lazy("The recycler does not take in as planned"),
    "quality": lazy("The goods keep breaking the limits"),
    "unpaid": lazy("What is due is not paid"),
    "permit": lazy("A permit or filing has lapsed or was withdrawn"),
    "stopped": lazy("The own plant or line stops"),
    "force_majeure": lazy("Force majeure"),
    "agreed": lazy("Both sides have agreed to end it"),
    "other": lazy("Another cause"),
}


class AmendForm(MarketForm):
    """A price and a reason; the months come from `amend_form`."""

    price_fen_per_t = YuanField(lazy("Price at the producer's gate"), [required()])
    reason = AreaField(lazy("Reason for the change"), [required(), at_most(500)])

    def command(self, months: Iterable[Month]) -> NewAmendment:
        """Return what is proposed."""
        plan = {month: self[name_of(month)].data or 0 for month in months}
        return NewAmendment(self.price_fen_per_t.data or 0, plan, self.reason.data or "")


def name_of(month: Month) -> str:
    """Return the name of the field of a month."""
    return f"kg-{month}"


def amend_form(months: Iterable[tuple[Month, int, int]], price_fen_per_t: int) -> Any:
    """Return the form with a field for each month that may be planned anew, filled with what is planned."""
    fields = {
        name_of(month): TonnesField(in_words(month), [required()], default=planned) for month, planned, _ in months
    }
    return type("AmendForm", (AmendForm,), fields)(price_fen_per_t=price_fen_per_t)


class SignForm(MarketForm):
    """The hash of the text that the signatory read, and the password, afresh."""

    terms_sha256 = HiddenField(validators=[Length(min=64, max=64)])
    password = PasswordField(lazy("Your password, to sign"), [required(), at_most(MOST_TYPED)])


class DeclineForm(MarketForm):
    """Why a proposed version is declined."""

    reason = AreaField(lazy("Why"), validators=[required(), at_most(500)])


class TerminateForm(SignForm):
    """The cause, in the own words, what was delivered this month, and the password."""

    cause = RadioChoice(lazy("Cause"), [InputRequired(lazy("Choose one."))], choices=CAUSE_LABELS.items())
    reason = AreaField(lazy("In your own words; the other side reads it"), [required(), at_most(500)])
    delivered_kg = TonnesField(lazy("Delivered this month so far"), [required()])

    def command(self) -> NewTermination:
        """Return what is stated. Raises Invalid."""
        return NewTermination(self.cause.data or "", self.reason.data or "", self.delivered_kg.data or 0)

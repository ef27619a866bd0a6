"""The form with which a person says of what they want mail."""

from __future__ import annotations

from wtforms import SelectMultipleField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.notices import SUBJECTS
from marketplace.web.forms.base import MarketForm
from marketplace.web.i18n import lazy_gettext as lazy

SUBJECT_LABELS = {
    "deals": lazy("Awards and contracts"),
    "shipments": lazy("Shipments: scales that differ, loads that are rejected"),
    "rounds": lazy("Results of matching rounds"),
    "bids": lazy("My bids: outbid, void, lost"),
    "questions": lazy("Questions and answers on listings"),
    "searches": lazy("New listings in my saved searches, once a day"),
    "organization": lazy("My organization and its lines: verification, suspension, capacity"),
}


class MailForm(MarketForm):
    """Of which subjects mail is wanted."""

    wanted = SelectMultipleField(
        lazy("By mail"), choices=[SelectChoice(subject, SUBJECT_LABELS[subject]) for subject in SUBJECTS]
    )

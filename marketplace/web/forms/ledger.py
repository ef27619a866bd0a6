"""Forms of the ledger: one month of a stream, its opening stock, and a file of past months."""

from __future__ import annotations

from typing import Any

from flask_wtf.file import FileField
from wtforms import HiddenField, TextAreaField

from marketplace.domain import monthfiles
from marketplace.domain.errors import Invalid
from marketplace.domain.ledger import Figures, MonthFigures, NewOpeningStock
from marketplace.domain.quantities import Month
from marketplace.web.forms.base import MarketForm, MonthField, TextField, TonnesField, at_most, required
from marketplace.web.i18n import lazy_gettext as lazy


class StatementForm(MarketForm):
    """The figures of one month; what is left empty is nothing."""

    generated_kg = TonnesField(lazy("Generated"), [required()])
    utilized_kg = TonnesField(lazy("Utilized"))
    utilized_from_stock_kg = TonnesField(lazy("of which from stock of earlier periods"))
    stored_kg = TonnesField(lazy("Stored"))
    disposed_kg = TonnesField(lazy("Disposed of"))
    disposed_from_stock_kg = TonnesField(lazy("of which from stock of earlier periods"))
    discarded_kg = TonnesField(lazy("Discarded"))
    reason = TextField(lazy("Reason for the correction"), [at_most()])

    def command(self, stream_id: int, month: Month) -> MonthFigures:
        """Return what is stated. Raises Invalid where it does not add up."""
        figures = Figures.named({name: self[name].data or 0 for name in monthfiles.FIGURES})
        return MonthFigures(stream_id=stream_id, month=month, figures=figures, reason=self.reason.data or "")


class OpeningStockForm(MarketForm):
    """What lay in store before the first month."""

    month = MonthField(lazy("First month of the ledger"), [required()])
    kg = TonnesField(lazy("In store before that month"), [required()])

    def command(self, stream_id: int) -> NewOpeningStock:
        """Return what is stated. Raises Invalid."""
        month, kg = self.month.data, self.kg.data
        if month is None or kg is None:
            raise Invalid("This is needed.")
        return NewOpeningStock(stream_id=stream_id, month=month, kg=kg)


class ImportForm(MarketForm):
    """A file of months, chosen or pasted; checked first and written when its reader says so."""

    organization = HiddenField()
    file = FileField(lazy("File"))
    text = TextAreaField(lazy("or its cells, pasted"))
    reason = TextField(lazy("Reason for corrections"), [at_most()])

    def content(self) -> str:
        """Return the text of the file, or what was pasted. Raises Invalid for what is no text."""
        chosen: Any = self.file.data
        if chosen and chosen.filename:
            self.text.data = monthfiles.decode(chosen.read())
        return str(self.text.data or "")

"""What all forms share: fields that read what people type, and refusals shown beside the field."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, Field, StringField
from wtforms.validators import DataRequired, InputRequired, Length, StopValidation, ValidationError
from wtforms.widgets import TextArea, TextInput

from marketplace.domain import quantities
from marketplace.domain.errors import Invalid, MarketplaceError
from marketplace.domain.quantities import Month
from marketplace.web.context import parts
from marketplace.web.filters import say, tonnes_exact, yuan_exact
from marketplace.web.i18n import lazy_gettext as lazy

MOST_TEXT = 200
MOST_NOTE = 2000
MOST_TYPED = 100
"""Characters of a figure or a month; what is longer is none."""

VOIDS = lazy("Yes, change it: any bids made so far become void, and the bidders are told")
"""What is confirmed where bidders rely on what is changed, whether there are bids or not."""

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2100, 12, 30)
"""Days that this market can mean; a day later its end can still be said in every time zone."""


class _Filled(InputRequired):  # type: ignore[misc]  # WTForms has no types
    def __call__(self, form: Any, field: Any) -> None:
        typed = field.raw_data[0] if field.raw_data else None
        if isinstance(typed, str) and not typed.strip():
            field.errors = []
            raise StopValidation(self.message)
        super().__call__(form, field)


def required() -> InputRequired:
    """Return the rule that a field must be filled in, and not with spaces alone."""
    return _Filled(lazy("This is needed."))


def chosen() -> DataRequired:
    """Return the rule that something must be chosen."""
    return DataRequired(lazy("Choose one."))


def at_most(length: int = MOST_TEXT) -> Length:
    """Return the rule that a text is not too long."""
    return Length(max=length, message=lazy("At most %(max)d characters."))


class MarketForm(FlaskForm):  # type: ignore[misc]  # WTForms has no types
    """A form of ours. `form_errors` are refusals that no single field is to blame for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.form_errors: list[str] = []
        self._status = 200
        super().__init__(*args, **kwargs)

    @property
    def status(self) -> int:
        """The status to answer with: 422 where something must be mended, or what a shown refusal set."""
        return self._status if self._status != 200 else 422 if self.errors else 200

    def show(self, refusal: MarketplaceError, status: int = 422) -> None:
        """Show a refusal beside the field it names, or at the top."""
        self._status = status
        text = say(refusal.sentence)
        name = refusal.field if isinstance(refusal, Invalid) else None
        if name and name in self._fields:
            field = self._fields[name]
            field.errors = [*field.errors, text]
        else:
            self.form_errors.append(text)

    @property
    def errors(self) -> dict[Any, Any]:
        """Errors by field, and those of the form itself under None, as WTForms has them."""
        found: dict[Any, Any] = {name: field.errors for name, field in self._fields.items() if field.errors}
        if self.form_errors:
            found[None] = self.form_errors
        return found


class _TypedField(Field):  # type: ignore[misc]  # WTForms has no types
    """A field that keeps what was typed and reads it by a rule of the domain."""

    widget = TextInput()

    def __init__(self, label: Any = None, validators: Sequence[Any] | None = None, **kwargs: Any) -> None:
        self.typed: str | None = None
        super().__init__(label, validators, **kwargs)

    def _value(self) -> str:
        return self.typed if self.typed is not None else "" if self.data is None else self.write(self.data)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read; raises ValueError with the refusal's text, which WTForms shows beside the field."""
        typed = valuelist[0] if valuelist else ""
        self.typed = typed[:MOST_TYPED]
        if not typed.strip():
            self.data = None
            return
        try:
            self.data = self.read(typed[: MOST_TYPED + 1])
        except Invalid as refusal:
            self.data = None
            raise ValueError(say(refusal.sentence)) from refusal

    def read(self, typed: str) -> Any:
        """Return what was meant. Raises Invalid."""
        raise NotImplementedError

    def write(self, data: Any) -> str:
        """Return what stands in the field for a value."""
        return str(data)


def _number(typed: str) -> Decimal:
    """Read a number. Raises Invalid, also for one that is longer than any figure: cut off it would be another."""
    return quantities.number(typed if len(typed) <= MOST_TYPED else f"{typed[:40]}…")


class NumberField(_TypedField):
    """A decimal number."""

    data: Decimal | None

    def read(self, typed: str) -> Decimal:
        """Read the number."""
        return _number(typed)

    def write(self, data: Decimal) -> str:
        """Write it without trailing zeros."""
        return f"{Decimal(data).normalize():f}"


class WholeField(_TypedField):
    """A whole number."""

    data: int | None

    def read(self, typed: str) -> int:
        """Read the number."""
        number = _number(typed)
        if number != number.to_integral_value() or abs(number) > 10**12:
            raise Invalid("A whole number is needed here.")
        return int(number)


class TonnesField(_TypedField):
    """Tonnes as typed, kilograms as data."""

    data: int | None

    def read(self, typed: str) -> int:
        """Read tonnes into kilograms."""
        return quantities.kilograms(_number(typed))

    def write(self, data: int) -> str:
        """Write kilograms as tonnes."""
        return tonnes_exact(data)


class YuanField(_TypedField):
    """Yuan as typed, fen as data; may be negative."""

    data: int | None

    def read(self, typed: str) -> int:
        """Read yuan into fen."""
        return quantities.fen(_number(typed))

    def write(self, data: int) -> str:
        """Write fen as yuan."""
        return yuan_exact(data)


class MonthField(_TypedField):
    """A month."""

    data: Month | None

    def read(self, typed: str) -> Month:
        """Read ``YYYY-MM``."""
        return Month.parse(typed)


class DayField(DateField):  # type: ignore[misc]  # WTForms has no types
    """A day; empty is None."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read ``YYYY-MM-DD``."""
        if not valuelist or not valuelist[0].strip():
            self.data = None
            return
        try:
            self.data = date.fromisoformat(valuelist[0].strip())
        except ValueError as unreadable:
            self.data = None
            raise ValueError(lazy("A day is written as year, month and day, such as 2027-03-15.")) from unreadable
        if not FIRST_DAY <= self.data <= LAST_DAY:
            self.data = None
            raise ValueError(lazy("This day is far away. Is the year right?"))


class TextField(StringField):  # type: ignore[misc]  # WTForms has no types
    """A text without spaces around it and without characters that turn its direction or hide."""

    def process_formdata(self, valuelist: list[str]) -> None:
        """Read the text."""
        text = valuelist[0].strip() if valuelist else ""
        self.data = text
        if any(sign in text for sign in _HIDDEN) or any(ord(sign) < 32 and sign not in "\r\n\t" for sign in text):
            raise ValidationError(lazy("This text holds characters that cannot be seen. Type it again."))


class AreaField(TextField):
    """A text of several lines."""

    widget = TextArea()


_HIDDEN = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u200b\ufeff\u0000"


def end_of(day: date) -> datetime:
    """Return the last instant of a day in the site's time zone: until the end of the day means all of it."""
    zone = ZoneInfo(parts().settings.timezone)
    return datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(seconds=1)

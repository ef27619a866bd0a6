"""Rows of fields that work without JavaScript, and refusals shown in the row that they are about."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from wtforms import FieldList, RadioField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.errors import Invalid, MarketplaceError
from marketplace.web.filters import say
from marketplace.web.forms.base import MarketForm

Pairs: TypeAlias = "Iterable[tuple[Any, Any]]"

MOST_ROWS = 40


class Rows(FieldList):  # type: ignore[misc]  # WTForms has no types
    """Rows of one kind; numbers in the names of what is sent are read with care."""

    def __init__(self, field: Any, **kwargs: Any) -> None:
        super().__init__(field, max_entries=MOST_ROWS, **kwargs)

    def _extract_indices(self, prefix: str, formdata: Any) -> Iterator[int]:
        """Yield the numbers of the rows from the first to the last that was sent, without gaps."""
        numbers = (name[len(prefix) + 1 :].partition("-")[0] for name in formdata if name.startswith(f"{prefix}-"))
        read = [int(number) for number in numbers if number.isascii() and number.isdecimal() and len(number) < 4]
        yield from range(min(max(read, default=-1) + 1, MOST_ROWS))

    def more(self, count: int) -> None:
        """Add empty rows, as many as there is room for."""
        for _ in range(min(count, MOST_ROWS - len(self.entries))):
            self.append_entry()


class _Offers:
    """A choice whose value the command judges, so that one refusal has one wording; offered as pairs of value and name."""

    def __init__(self, label: Any = None, validators: Any = None, *, choices: Pairs = (), **kwargs: Any) -> None:
        super().__init__(label, validators, choices=[], validate_choice=False, **kwargs)  # type: ignore[call-arg]
        self.offer(choices)

    def offer(self, pairs: Pairs) -> None:
        """Offer these; where no way out is offered, something is always chosen."""
        self.choices = [SelectChoice(value, name) for value, name in pairs]
        if self.choices and not isinstance(self, MultipleChoice) and all(each.value != "" for each in self.choices):
            self.flags.required = True  # type: ignore[attr-defined]


class Choice(_Offers, SelectField):  # type: ignore[misc]  # WTForms has no types
    """One of a list."""


class RadioChoice(_Offers, RadioField):  # type: ignore[misc]  # WTForms has no types
    """One of a few, all of them seen."""


class MultipleChoice(_Offers, SelectMultipleField):  # type: ignore[misc]  # WTForms has no types
    """Any number of a few."""


def whole(text: Any) -> int:
    """Read the id of a choice; 0, which is nobody's, for anything else."""
    plain = str(text or "")
    return int(plain) if plain.isascii() and plain.isdecimal() and len(plain) < 10 else 0


class RowsForm(MarketForm):
    """A form with rows: a refusal that names ``limits-3-maximum`` is shown in that cell."""

    def show(self, refusal: MarketplaceError, status: int = 422) -> None:
        """Show a refusal beside the field or cell that it names, or at the top."""
        name = refusal.field if isinstance(refusal, Invalid) else None
        cell = self._cell(name) if name and "-" in name else None
        if cell is None:
            super().show(refusal, status)
            return
        self._status = status
        cell.errors = [*cell.errors, say(refusal.sentence)]

    def _cell(self, name: str) -> Any:
        rows, _, rest = name.partition("-")
        number, _, column = rest.partition("-")
        entries = getattr(self._fields.get(rows), "entries", [])
        entry = next((each for each in entries if each.name == f"{rows}-{number}"), None)
        return entry.form._fields.get(column) if entry is not None else None

"""The form of an intake line: materials and limits are rows, and empty rows count for nothing."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

from wtforms import Form, FormField

from marketplace.domain.errors import Invalid
from marketplace.domain.grades import properties
from marketplace.domain.lines import NewLimit, NewLine
from marketplace.domain.routes import routes, suggested_limits
from marketplace.domain.wastes import materials
from marketplace.queries.lines import LinePage
from marketplace.queries.sites import SiteChoice
from marketplace.web.filters import named, pick
from marketplace.web.forms.base import (
    DayField,
    NumberField,
    TextField,
    TonnesField,
    YuanField,
    at_most,
    chosen,
    required,
)
from marketplace.web.forms.rows import Choice, MultipleChoice, Rows, RowsForm, whole
from marketplace.web.i18n import gettext
from marketplace.web.i18n import lazy_gettext as lazy

SPARE: Final = 2
"""Empty rows that stand below the filled ones."""

MORE: Final = 5
"""Rows that the button adds."""

MEAN: Final = "mean"
"""The choice by which a limit holds for the mean of a month, not for each truck."""


class MaterialRow(Form):  # type: ignore[misc]  # WTForms has no types
    """A material and its price."""

    material = Choice(lazy("Material"))
    price = YuanField(lazy("Price delivered"))

    @staticmethod
    def is_empty(row: Any) -> bool:
        """Whether nothing was entered."""
        return not row.material.data and not row.price.typed and row.price.data is None


class LimitRow(Form):  # type: ignore[misc]  # WTForms has no types
    """An acceptance limit."""

    property = Choice(lazy("Property"))
    material = Choice(lazy("For"))
    minimum = NumberField(lazy("At least"))
    maximum = NumberField(lazy("At most"))
    deduction = YuanField(lazy("Deduction"))
    stop_value = NumberField(lazy("Stop value"))
    counts = Choice(lazy("Holds for"))

    @staticmethod
    def is_empty(row: Any) -> bool:
        """Whether nothing was entered."""
        figures = (row.minimum, row.maximum, row.deduction, row.stop_value)
        return not row.property.data and all(each.data is None and not each.typed for each in figures)


class LineForm(RowsForm):
    """An intake line."""

    site_id = Choice(lazy("Site"), [chosen()], coerce=whole)
    name = TextField(lazy("Name"), [required(), at_most()])
    name_en = TextField(lazy("English name"), [at_most()])
    route = Choice(lazy("Utilization route"), [chosen()])
    materials = Rows(FormField(MaterialRow), label=lazy("Materials"), min_entries=SPARE)
    limits = Rows(FormField(LimitRow), label=lazy("Acceptance limits"), min_entries=SPARE)
    capacity_kg_per_month = TonnesField(lazy("Capacity per month"), [required()])
    capacity_kg_per_year = TonnesField(lazy("Approved capacity per year"), [required()])
    closed_months = MultipleChoice(lazy("Stands still in"), coerce=whole)
    radius_km = NumberField(lazy("Radius"))
    least_lot_kg = TonnesField(lazy("Least lot"))
    storage = TonnesField(lazy("May wait in front of the line"))
    storage_cost = YuanField(lazy("Cost of waiting"))
    unloading_hours = TextField(lazy("Unloading hours"), [at_most()])
    permit_no = TextField(lazy("Permit number"), [at_most(80)])
    permit_valid_until = DayField(lazy("Permit valid until"))

    def set_up(self, sites: Sequence[SiteChoice]) -> None:
        """Offer sites, routes, materials, properties and months."""
        self.site_id.offer([(each.id, pick(each.name, each.name_en)) for each in sites])
        if len(sites) == 1 and not self.site_id.data:
            self.site_id.data = sites[0].id
        self.route.offer([("", "—"), *((each.code, named(each)) for each in routes())])
        self.closed_months.offer([(number, gettext("month %(number)s", number=number)) for number in range(1, 13)])
        self.offer()

    def offer(self) -> None:
        """Offer materials and properties in every row, those that were added too."""
        known = [("", "—"), *((each.code, named(each)) for each in materials())]
        measured = [("", "—"), *((each.code, _with_unit(each)) for each in properties())]
        for entry in self.materials.entries:
            entry.form.material.offer(known)
        for entry in self.limits.entries:
            entry.form.property.offer(measured)
            entry.form.material.offer([("", gettext("every material")), *known[1:]])
            entry.form.counts.offer([("", gettext("truck")), (MEAN, gettext("mean"))])

    def fill(self, page: LinePage, *, copy: bool = False) -> None:
        """Show a line as it is kept; a copy leaves out its name and its permit, which are its own."""
        for name in ("route", "capacity_kg_per_month", "capacity_kg_per_year", "least_lot_kg", "unloading_hours"):
            self._fields[name].data = getattr(page, name)
        self.storage.data, self.storage_cost.data = page.storage_kg or None, page.storage_fen_per_t or None
        self.closed_months.data = sorted(page.closed)
        self.radius_km.data = None if page.radius_m is None else Decimal(page.radius_m) / 1000
        self.site_id.data = page.site_id
        if copy:
            self.name.data = gettext("%(name)s (copy)", name=page.name)
        else:
            self.name.data, self.name_en.data = page.name, page.name_en
            self.permit_no.data, self.permit_valid_until.data = page.permit_no, page.permit_valid_until
        self._replace(self.materials, [{"material": each.material, "price": each.fen_per_t} for each in page.materials])
        self._replace(
            self.limits,
            [
                {
                    "property": each.property,
                    "material": each.material,
                    "minimum": each.minimum,
                    "maximum": each.maximum,
                    "deduction": each.deduction_fen_per_unit,
                    "stop_value": each.stop_value,
                    "counts": MEAN if each.monthly_mean else "",
                }
                for each in page.limits
            ],
        )
        self.offer()

    def add_rows(self) -> None:
        """Add empty rows of both kinds."""
        self.materials.more(MORE)
        self.limits.more(MORE)
        self.offer()

    def suggest(self) -> int:
        """Fill in the limits that are usual for the route and its materials, and return how many were new."""
        rows = [entry.form for entry in self.limits.entries]
        known = {(row.property.data, row.material.data or "") for row in rows}
        kept = [
            {
                name: row._fields[name].data
                for name in ("property", "material", "minimum", "maximum", "deduction", "stop_value", "counts")
            }
            for row in rows
            if not LimitRow.is_empty(row)
        ]
        new = [
            {"property": each.property, "material": each.material, "minimum": each.least, "maximum": each.most}
            for code in dict.fromkeys(entry.form.material.data for entry in self.materials.entries)
            for each in suggested_limits(self.route.data or "", code or "")
            if (each.property, each.material) not in known and (each.property, "") not in known
        ]
        if new:
            self._replace(self.limits, [*kept, *new])
            self.offer()
        return len(new)

    def command(self) -> NewLine:
        """Return what is asked for. Raises Invalid, which names the row."""
        prices, places = [], []
        for entry in self.materials.entries:
            row, place = entry.form, _number(entry)
            if MaterialRow.is_empty(row):
                continue
            if not row.material.data:
                raise Invalid("Choose the material of this price.", field=f"materials-{place}-material")
            if row.price.data is None:
                raise Invalid(
                    "Say what a tonne fetches delivered: above zero you pay, below zero you are paid.",
                    field=f"materials-{place}-price",
                )
            prices.append((row.material.data, row.price.data))
            places.append(place)
        limits, limit_places = [], []
        for entry in self.limits.entries:
            place = _number(entry)
            if not LimitRow.is_empty(entry.form):
                limits.append(_limit(entry.form, place))
                limit_places.append(place)
        radius = self.radius_km.data
        if radius is not None and (radius * 1000 != (radius * 1000).to_integral_value() or abs(radius) > 10**6):
            raise Invalid("The radius is above 0 and at most 5,000 km.", field="radius_km")
        try:
            return NewLine(
                site_id=self.site_id.data or 0,
                name=self.name.data or "",
                name_en=self.name_en.data or "",
                route=self.route.data or "",
                materials=tuple(prices),
                limits=tuple(limits),
                capacity_kg_per_month=self.capacity_kg_per_month.data or 0,
                capacity_kg_per_year=self.capacity_kg_per_year.data or 0,
                closed_months=frozenset(self.closed_months.data or ()),
                radius_m=None if radius is None else int(radius * 1000),
                least_lot_kg=self.least_lot_kg.data or 0,
                storage_kg=self.storage.data or 0,
                storage_fen_per_t=self.storage_cost.data or 0,
                unloading_hours=self.unloading_hours.data or "",
                permit_no=self.permit_no.data or "",
                permit_valid_until=self.permit_valid_until.data,
            )
        except Invalid as refusal:
            raise _in_its_row(refusal, {"materials": places, "limits": limit_places}) from refusal

    @staticmethod
    def _replace(rows: Rows, data: Sequence[dict[str, Any]]) -> None:
        while rows.entries:
            rows.pop_entry()
        for each in data:
            rows.append_entry(each)
        rows.more(SPARE)


def _limit(row: Any, place: int) -> NewLimit:
    if not row.property.data:
        raise Invalid("Choose the property of this limit.", field=f"limits-{place}-property")
    if row.counts.data not in (None, "", MEAN):
        raise Invalid("A limit holds for each truck or for the mean of a month.", field=f"limits-{place}-counts")
    try:
        return NewLimit(
            property=row.property.data,
            material=row.material.data or "",
            minimum=row.minimum.data,
            maximum=row.maximum.data,
            deduction_fen_per_unit=row.deduction.data,
            stop_value=row.stop_value.data,
            monthly_mean=row.counts.data == MEAN,
        )
    except Invalid as refusal:
        raise Invalid(
            refusal.sentence.text,
            field=f"limits-{place}-{refusal.field or 'maximum'}",
            **(refusal.sentence.values or {}),
        ) from refusal


def _number(entry: Any) -> int:
    """Return the number of a row in the names of its fields; there may be gaps in what is sent."""
    return int(entry.name.rpartition("-")[2])


def _in_its_row(refusal: Invalid, places: dict[str, list[int]]) -> Invalid:
    """Turn the number of a row among the filled ones into its number on the page."""
    rows, _, rest = (refusal.field or "").partition("-")
    number, _, column = rest.partition("-")
    if rows in places and number.isdecimal() and int(number) < len(places[rows]):
        field = f"{rows}-{places[rows][int(number)]}-{column}"
        return Invalid(refusal.sentence.text, field=field, **(refusal.sentence.values or {}))
    return refusal


def _with_unit(each: Any) -> str:
    return f"{named(each)} ({each.unit})" if each.unit else named(each)

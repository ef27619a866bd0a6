"""The forms of waste streams and of lab sheets: what they ask depends on the material."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from wtforms import BooleanField, Field

from marketplace.domain.errors import Invalid
from marketplace.domain.grades import Property, graded_properties, properties
from marketplace.domain.hazards import Question, questions
from marketplace.domain.routes import routes_for, suggested_limits
from marketplace.domain.streams import MOISTURE, NewSheet, NewStream, NewValue
from marketplace.domain.wastes import material
from marketplace.queries.sites import SiteChoice
from marketplace.queries.streams import StreamPage
from marketplace.web.filters import pick, say
from marketplace.web.forms.base import (
    VOIDS,
    DayField,
    MarketForm,
    NumberField,
    TextField,
    TonnesField,
    at_most,
    chosen,
    required,
)
from marketplace.web.forms.rows import Choice, RadioChoice, whole
from marketplace.web.i18n import lazy_gettext as lazy

BASIS_KINDS = frozenset({"general", "chemistry", "energy"})


class StreamForm(MarketForm):
    """A waste stream; `stream_form` adds the questions about its origin."""

    material_code = ""
    asked: tuple[Question, ...] = ()

    site_id = Choice(lazy("Site"), [chosen()], coerce=whole)
    name = TextField(lazy("Name"), [required(), at_most()])
    name_en = TextField(lazy("English name"), [at_most()])
    waste_code = TextField(lazy("Waste code"), [required(), at_most(40)])
    legal_status = Choice(
        lazy("Legal status"),
        choices=[
            ("solid_waste", lazy("solid waste")),
            ("by_product", lazy("by-product")),
            ("secondary_raw_material", lazy("secondary raw material")),
        ],
        default="solid_waste",
    )
    generation_kg_per_month = TonnesField(lazy("Generation per month"), [required()])
    stock_kg = TonnesField(lazy("Stock now"))
    storage_limit_kg = TonnesField(lazy("Storage holds at most"))
    origin_process = TextField(lazy("Process that it comes from"), [at_most()])
    form = Choice(
        lazy("How it comes"),
        choices=[
            ("", "—"),
            ("powder", lazy("dry powder")),
            ("granules", lazy("granules")),
            ("lumps", lazy("lumps")),
            ("cake", lazy("filter cake")),
            ("slurry", lazy("slurry")),
            ("pieces", lazy("pieces")),
        ],
    )
    boiler = Choice(
        lazy("Boiler"),
        choices=[
            ("", lazy("not known")),
            ("pulverized", lazy("pulverized coal")),
            ("cfb", lazy("circulating fluidized bed")),
            ("co_firing", lazy("burns other waste beside coal")),
        ],
    )
    ash_class = Choice(
        lazy("Class of the ash"),
        choices=[
            ("", lazy("from calcium oxide on the sheet")),
            ("F", lazy("class F (hard coal)")),
            ("C", lazy("class C (lignite, CaO of 10 % or more)")),
        ],
    )
    mixed_with_hazardous = RadioChoice(
        lazy("Was it mixed with hazardous waste, or stored together with it?"),
        [chosen()],
        choices=[("no", lazy("No")), ("yes", lazy("Yes"))],
    )
    confirmed = BooleanField(VOIDS)

    @property
    def question_fields(self) -> list[Field]:
        """The questions about the origin, in their order."""
        return [self._fields[question.code] for question in self.asked]

    def set_up(self, sites: Sequence[SiteChoice]) -> None:
        """Offer the sites, and what is usual for the material where nothing was typed."""
        self.site_id.offer([(each.id, pick(each.name, each.name_en)) for each in sites])
        if len(sites) == 1 and not self.site_id.data:
            self.site_id.data = sites[0].id
        if self.waste_code.data is None:
            self.waste_code.data = material(self.material_code).waste_code

    def fill(self, page: StreamPage) -> None:
        """Show a stream as it is kept."""
        for name in (
            "site_id", "name", "name_en", "waste_code", "legal_status", "generation_kg_per_month", "stock_kg",
            "storage_limit_kg", "origin_process", "form", "boiler", "ash_class",
        ):  # fmt: skip
            self._fields[name].data = getattr(page, name)
        self.mixed_with_hazardous.data = "yes" if page.mixed_with_hazardous else "no"
        for question in self.asked:
            if question.code in page.origin_answers:
                self._fields[question.code].data = "yes" if page.origin_answers[question.code] else "no"

    def command(self) -> NewStream:
        """Return what is asked for. Raises Invalid."""
        answers = {
            question.code: self._fields[question.code].data == "yes"
            for question in self.asked
            if self._fields[question.code].data in {"yes", "no"}
        }
        return NewStream(
            site_id=self.site_id.data or 0,
            name=self.name.data or "",
            name_en=self.name_en.data or "",
            material=self.material_code,
            waste_code=self.waste_code.data or "",
            legal_status=self.legal_status.data or "",
            origin_process=self.origin_process.data or "",
            boiler=self.boiler.data or "",
            ash_class=self.ash_class.data or "",
            form=self.form.data or "",
            generation_kg_per_month=self.generation_kg_per_month.data or 0,
            stock_kg=self.stock_kg.data or 0,
            storage_limit_kg=self.storage_limit_kg.data,
            origin_answers=answers,
            mixed_with_hazardous=self.mixed_with_hazardous.data == "yes",
        )


def stream_form(code: str) -> StreamForm:
    """Return the form for streams of a material, with the questions that tell it from hazardous waste."""
    asked = questions(code)
    fields: dict[str, object] = {
        question.code: RadioChoice(say(question.text), [chosen()], choices=[("no", lazy("No")), ("yes", lazy("Yes"))])
        for question in asked
    }
    form: StreamForm = type("StreamFormOf", (StreamForm,), {**fields, "material_code": code, "asked": asked})()
    return form


@dataclass(frozen=True)
class ValueRow:
    """The fields of one property; no basis where it makes no difference."""

    property: Property
    value: Field
    method: Field
    basis: Field | None


class SheetForm(MarketForm):
    """A lab sheet; `sheet_form` adds a row for each property."""

    usual: tuple[str, ...] = ()

    sheet_no = TextField(lazy("Number of the sheet"), [required(), at_most(80)])
    laboratory = TextField(lazy("Laboratory"), [required(), at_most()])
    accredited = BooleanField(lazy("The laboratory is accredited (CMA mark on the sheet)"))
    sampled_on = DayField(lazy("Sampled on"), [required()])
    reported_on = DayField(lazy("Reported on"), [required()])
    confirmed = BooleanField(VOIDS)

    @property
    def usual_rows(self) -> list[ValueRow]:
        """The rows that matter for the material."""
        by_code = {each.code: each for each in properties()}
        return [self._row(by_code[code]) for code in self.usual]

    @property
    def other_rows(self) -> list[tuple[str, list[ValueRow]]]:
        """All other rows, by their kind."""
        rows: dict[str, list[ValueRow]] = {}
        for each in properties():
            if each.code not in self.usual:
                rows.setdefault(each.kind, []).append(self._row(each))
        return list(rows.items())

    def command(self, stream_id: int) -> NewSheet:
        """Return what is asked for. Raises Invalid."""
        values = tuple(
            NewValue(
                property=row.property.code,
                value=row.value.data,
                basis=(row.basis.data or "") if row.basis is not None else "",
                method=row.method.data or "",
            )
            for row in (self._row(each) for each in properties())
            if row.value.data is not None
        )
        if not isinstance(self.sampled_on.data, date) or not isinstance(self.reported_on.data, date):
            raise Invalid("A day is written as year, month and day, such as 2027-03-15.", field="sampled_on")
        return NewSheet(
            stream_id=stream_id,
            sheet_no=self.sheet_no.data or "",
            laboratory=self.laboratory.data or "",
            accredited=bool(self.accredited.data),
            sampled_on=self.sampled_on.data,
            reported_on=self.reported_on.data,
            values=values,
        )

    def _row(self, each: Property) -> ValueRow:
        fields = self._fields
        return ValueRow(each, fields[each.code], fields[f"method_{each.code}"], fields.get(f"basis_{each.code}"))


def sheet_form(code: str) -> SheetForm:
    """Return the form for sheets of a material: what its grade and its usual routes ask for comes first."""
    suggested = (limit.property for route in routes_for(code) for limit in suggested_limits(route.code, code))
    usual = tuple(dict.fromkeys((MOISTURE, *graded_properties(code), *suggested)))
    fields: dict[str, object] = {"usual": usual}
    for each in properties():
        fields[each.code] = NumberField(pick(each.name_zh, each.name_en))
        fields[f"method_{each.code}"] = TextField(lazy("Method"), [at_most(80)])
        if each.unit and each.kind in BASIS_KINDS:
            fields[f"basis_{each.code}"] = Choice(
                lazy("Basis"),
                choices=[("", "—"), ("as_received", lazy("as received")), ("dry", lazy("dry mass"))],
            )
    form: SheetForm = type("SheetFormOf", (SheetForm,), fields)()
    return form

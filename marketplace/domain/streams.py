"""Waste streams and lab sheets as they are declared, and when they make sense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.grades import ASH_CLASSES, BOILERS, checked_value, property_of
from marketplace.domain.hazards import questions, refuse_hazardous, refuse_hazardous_code
from marketplace.domain.wastes import LEGAL_STATUSES, material, waste_code

FORMS: Final = ("powder", "granules", "lumps", "cake", "slurry", "pieces")
"""How a waste comes: dry powder, granules, lumps, filter cake, slurry, pieces of scrap."""

BASES: Final = ("as_received", "dry")

MOISTURE: Final = "moisture"

_ASHES: Final = frozenset({"fly_ash", "bottom_ash"})
_GRADED_ASH: Final = "fly_ash"
_OTHER: Final = "SW59"
_MILLIONTH: Final = Decimal("0.000001")


def asks_for_boiler(code: str) -> bool:
    """Return whether it matters for a material in which boiler it arises."""
    return code in _ASHES


def asks_for_ash_class(code: str) -> bool:
    """Return whether the standard of a material tells class F from class C."""
    return code == _GRADED_ASH


@dataclass(frozen=True, kw_only=True)
class NewStream:
    """
    A waste of constant origin and composition to be kept, with the answers about its origin.

    Raises Invalid if it makes no sense, or if one of the gates of code, origin and mixture says that it is hazardous;
    the gate of test values is asked where the values are known.
    """

    site_id: int
    name: str
    name_en: str = ""
    material: str
    waste_code: str
    legal_status: str = "solid_waste"
    origin_process: str = ""
    boiler: str = ""
    ash_class: str = ""
    form: str = ""
    generation_kg_per_month: int
    stock_kg: int = 0
    storage_limit_kg: int | None = None
    origin_answers: Mapping[str, bool] = field(default_factory=dict)
    mixed_with_hazardous: bool = False

    def __post_init__(self) -> None:
        """Refuse what makes no sense; keep the code as the catalogue writes it and the answers that are asked."""
        if not self.name.strip():
            raise Invalid("A waste stream needs a name by which you know it.", field="name")
        refuse_hazardous_code(self.waste_code, field="waste_code")
        object.__setattr__(self, "waste_code", _code_for(self.material, self.waste_code))
        asked = {question.code for question in questions(self.material)}
        answers = {code: answer for code, answer in self.origin_answers.items() if code in asked}
        object.__setattr__(self, "origin_answers", answers)
        if not asks_for_boiler(self.material):
            object.__setattr__(self, "boiler", "")
        if not asks_for_ash_class(self.material):
            object.__setattr__(self, "ash_class", "")
        if self.legal_status not in LEGAL_STATUSES:
            raise Invalid("Choose what the material is by law.", field="legal_status")
        if self.boiler not in {"", *BOILERS}:
            raise Invalid("Choose the boiler that it comes from.", field="boiler")
        if self.ash_class not in {"", *ASH_CLASSES}:
            raise Invalid("Fly ash is of class F or of class C.", field="ash_class")
        if self.form not in {"", *FORMS}:
            raise Invalid("Choose how it comes.", field="form")
        if self.storage_limit_kg is not None and self.storage_limit_kg <= 0:
            raise Invalid(
                "The storage holds more than nothing; leave it empty if there is none.", field="storage_limit_kg"
            )
        if self.storage_limit_kg is not None and self.stock_kg > self.storage_limit_kg:
            raise Invalid(
                "The stock of %(stock_kg)s t is more than the storage holds (%(limit_kg)s t). Correct one of the two.",
                field="stock_kg",
                stock_kg=self.stock_kg,
                limit_kg=self.storage_limit_kg,
            )
        self.refuse_hazardous({})

    def refuse_hazardous(self, values: Mapping[str, Decimal]) -> None:
        """Ask all four gates, with these test values; raises Invalid."""
        refuse_hazardous(
            code_text=self.waste_code,
            material=self.material,
            origin_answers=self.origin_answers,
            mixed_with_hazardous=self.mixed_with_hazardous,
            values=values,
        )


@dataclass(frozen=True, kw_only=True)
class NewValue:
    """
    A measured value as it stands on the sheet.

    Moisture may be given against the dry mass, as soil laboratories do; it is kept against the wet mass, as all else
    here reads it: ``value`` is then converted, ``entered`` stays. Raises Invalid if no laboratory can have found it.
    """

    property: str
    value: Decimal
    basis: str = ""
    method: str = ""
    entered: Decimal = field(init=False)
    is_converted: bool = field(init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant; turn moisture to the wet mass."""
        property_of(self.property)
        if self.basis not in {"", *BASES}:
            raise Invalid("A value is as received or on the dry mass.", field=self.property)
        refuse_too_fine(self.value, field=self.property)
        object.__setattr__(self, "entered", self.value)
        object.__setattr__(self, "is_converted", self.property == MOISTURE and self.basis == "dry")
        if self.is_converted:
            if not 0 <= self.value <= 1000:
                raise Invalid("Water over dry mass lies between 0 and 1,000 %%.", field=self.property)
            wet = (self.value * 100 / (100 + self.value)).quantize(_MILLIONTH, rounding=ROUND_HALF_EVEN)
            object.__setattr__(self, "value", wet.normalize() + 0)
            object.__setattr__(self, "basis", "as_received")
        checked_value(self.property, self.value, field=self.property)


@dataclass(frozen=True, kw_only=True)
class NewSheet:
    """What a laboratory found in one sample of a stream. Raises Invalid if it makes no sense."""

    stream_id: int
    sheet_no: str
    laboratory: str
    accredited: bool = False
    sampled_on: date
    reported_on: date
    values: tuple[NewValue, ...]

    def __post_init__(self) -> None:
        """Refuse a sheet without number, laboratory or values, and days in the wrong order."""
        if not self.sheet_no.strip():
            raise Invalid("Give the number that stands on the sheet.", field="sheet_no")
        if not self.laboratory.strip():
            raise Invalid("Give the laboratory that made the test.", field="laboratory")
        if self.sampled_on > self.reported_on:
            raise Invalid("The sample was taken before it was reported on, or on the same day.", field="reported_on")
        if self.sampled_on.year < 2000:
            raise Invalid("This day is long past. Is the year right?", field="sampled_on")
        if not self.values:
            raise Invalid("Give at least one value.")
        named = [value.property for value in self.values]
        twice = next((code for code in named if named.count(code) > 1), None)
        if twice:
            raise Invalid("%(twice_property)s stands twice on this sheet.", field=twice, twice_property=twice)

    @property
    def by_property(self) -> dict[str, Decimal]:
        """The values by property, as they are judged."""
        return {value.property: value.value for value in self.values}

    def refuse_future(self, now: datetime) -> None:
        """Raise Invalid if the sheet was reported on a day that has begun nowhere yet."""
        if self.reported_on > (now + timedelta(hours=14)).date():
            raise Invalid("This day has not come yet.", field="reported_on")


def refuse_too_fine(value: Decimal, *, field: str) -> None:
    """Raise Invalid if a value has more than the six decimals that are kept."""
    if value != value.quantize(_MILLIONTH) if abs(value) < 10**15 else True:
        raise Invalid("A measured value has at most six decimals.", field=field)


def _code_for(material_code: str, text: str) -> str:
    """Return the waste code as the catalogue writes it; raises Invalid if it is of another kind than the material."""
    meant = material(material_code, field="material")
    code = waste_code(text, field="waste_code")
    if not code.industrial:
        raise Invalid("%(code)s is no code of industrial waste.", field="waste_code", code=code.code)
    if code.category != meant.category and _OTHER not in {code.category, meant.category}:
        raise Invalid(
            "%(code)s is of the category %(category)s; %(meant_material)s is of %(right)s, usually %(usual)s.",
            field="waste_code",
            code=code.code,
            category=code.category,
            meant_material=material_code,
            right=meant.category,
            usual=meant.waste_code,
        )
    return code.code

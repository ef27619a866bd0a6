"""Measured properties, and the grade that a standard gives to a set of values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Final, Literal, TypeAlias

from marketplace.domain.errors import Invalid
from marketplace.domain.reference import decimal, rows
from marketplace.domain.wording import Sentence, Value

Outcome: TypeAlias = Literal["met", "failed", "not_determinable", "out_of_scope"]

ASH_CLASSES: Final = ("F", "C")
"""Class F from hard coal, class C from lignite with calcium oxide of 10 % or more (GB/T 1596)."""

BOILERS: Final = ("pulverized", "cfb", "co_firing")
"""Pulverized coal; circulating fluidized bed; burning other waste beside coal."""

_GRADED_BOILER: Final = "pulverized"
_CLASS_C_CAO: Final = Decimal(10)
_EVERY_MATERIAL: Final = "*"


@dataclass(frozen=True)
class Property:
    """
    What a laboratory measures, in one unit. ``least`` and ``most`` bound what can be meant at all.

    ``decimals`` are those that a figure is shown with; ``kind`` groups properties on a form.
    """

    code: str
    unit: str
    name_zh: str
    name_en: str
    least: Decimal
    most: Decimal
    decimals: int
    kind: str


@dataclass(frozen=True)
class Requirement:
    """
    One line of a grade: a property within its bounds, which count as within unless ``exclusive`` names them.

    ``is_required`` is false where the standard asks for the property in some cases only: it is then judged if given.
    """

    property: str
    least: Decimal | None
    most: Decimal | None
    exclusive: str
    is_required: bool

    def failure(self, value: Decimal) -> Failure | None:
        """Return by which limit the value fails; none if it is within."""
        if self.least is not None and (
            value < self.least or (value == self.least and self.exclusive in {"min", "both"})
        ):
            return Failure(self.property, value, self.least, "min")
        if self.most is not None and (value > self.most or (value == self.most and self.exclusive in {"max", "both"})):
            return Failure(self.property, value, self.most, "max")
        return None


@dataclass(frozen=True)
class Failure:
    """A value that is beyond a limit: below it if ``bound`` is ``min``, above it if ``max``."""

    property: str
    value: Decimal
    limit: Decimal
    bound: Literal["min", "max"]


@dataclass(frozen=True)
class Grade:
    """A grade of a standard for one use of a material."""

    material: str
    use: str
    rank: int
    code: str
    ash_class: str
    name_zh: str
    name_en: str
    standard: str
    confidence: str
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True)
class Grading:
    """
    What a standard says about a set of values.

    ``grade`` is the best for which every property has a value and passes. ``failed`` says why not a better one, or why
    none at all; ``missing`` are the properties without which it, or a better one, cannot be determined.
    """

    material: str
    use: str
    standard: str
    outcome: Outcome
    grade: str | None
    name_zh: str | None
    name_en: str | None
    failed: tuple[Failure, ...]
    missing: tuple[str, ...]
    text: Sentence
    confidence: str


def properties() -> tuple[Property, ...]:
    """Return all properties in the order of a form."""
    return tuple(_properties().values())


def property_of(code: str, *, field: str | None = None) -> Property:
    """Return the property of that code; raises Invalid if there is none."""
    try:
        return _properties()[code]
    except KeyError as unknown:
        raise Invalid("There is no property “%(code)s”.", field=field, code=code[:40]) from unknown


def checked_value(code: str, value: Decimal, *, field: str | None = None) -> Decimal:
    """Return the value if a property can have it; raises Invalid if it is beyond all sense."""
    measured = property_of(code, field=field)
    if not (value.is_finite() and measured.least <= value <= measured.most):
        raise Invalid(
            "%(measured_property)s lies between %(least)s and %(most)s %(unit)s. Is the unit right?",
            field=field,
            measured_property=code,
            least=str(measured.least),
            most=str(measured.most),
            unit=measured.unit,
        )
    return value


def grade_of(
    material: str,
    values: Mapping[str, Decimal],
    *,
    ash_class: str | None = None,
    boiler: str | None = None,
) -> Grading | None:
    """
    Return the grade for the main use of a material; none if no standard is loaded for it.

    ``ash_class`` none means class C if calcium oxide is given and 10 % or more, class F otherwise. ``boiler`` none
    means that it is not known; only ash from pulverized coal has a grade, and the text then says so.
    """
    return next(iter(gradings(material, values, ash_class=ash_class, boiler=boiler)), None)


def gradings(
    material: str,
    values: Mapping[str, Decimal],
    *,
    ash_class: str | None = None,
    boiler: str | None = None,
) -> tuple[Grading, ...]:
    """
    Return what the standards say for each use of a material, its main use first; see `grade_of`.

    Raises Invalid for an ash class or boiler that is not in `ASH_CLASSES` or `BOILERS`.
    """
    if ash_class not in {None, *ASH_CLASSES}:
        raise Invalid("Fly ash is of class F or of class C.")
    if boiler not in {None, *BOILERS}:
        raise Invalid("The boiler burns pulverized coal, is a fluidized bed, or burns other waste beside coal.")
    kind = ash_class or ("C" if values.get("cao", Decimal(0)) >= _CLASS_C_CAO else "F")
    uses = dict.fromkeys(grade.use for grade in grades(material))
    return tuple(_grading(material, use, values, kind, boiler) for use in uses)


def general_gradings(values: Mapping[str, Decimal]) -> tuple[Grading, ...]:
    """Return what holds for every material: radioactivity of building materials, storage class of general waste."""
    return gradings(_EVERY_MATERIAL, values)


def graded_properties(material: str) -> tuple[str, ...]:
    """Return the properties that the main use of a material is graded by, for a form."""
    main = next((grade.use for grade in grades(material)), None)
    found = (line.property for grade in grades(material) if grade.use == main for line in grade.requirements)
    return tuple(dict.fromkeys(found))


@cache
def grades(material: str) -> tuple[Grade, ...]:
    """Return the grades of a material by use, the best of a use first."""
    return tuple(_read(material))


def _grading(material: str, use: str, values: Mapping[str, Decimal], ash_class: str, boiler: str | None) -> Grading:
    ladder = [grade for grade in grades(material) if grade.use == use and grade.ash_class in {"", ash_class}]
    standard, confidence = ladder[0].standard, ladder[0].confidence
    is_ash = bool(ladder[0].ash_class)
    if is_ash and boiler not in {None, _GRADED_BOILER}:
        text = Sentence(
            "%(standard)s is for ash from pulverized coal alone; ash of this boiler has no grade by it.",
            {"standard": standard},
        )
        return Grading(material, use, standard, "out_of_scope", None, None, None, (), (), text, confidence)

    failed: tuple[Failure, ...] = ()
    missing: tuple[str, ...] = ()
    for grade in ladder:
        beyond = _failures(grade, values)
        if beyond:
            failed = beyond  # of the grade next above the one that is met, or of the lowest
            continue
        lacking = tuple(
            line.property for line in grade.requirements if line.is_required and line.property not in values
        )
        if lacking:
            missing = missing or lacking
            continue
        text = _met(grade, is_known=not is_ash or boiler is not None)
        names = (grade.code, grade.name_zh, grade.name_en)
        return Grading(material, use, standard, "met", *names, failed, missing, text, confidence)
    if missing:
        text = Sentence("%(standard)s: not determinable, values are missing.", {"standard": standard})
        return Grading(material, use, standard, "not_determinable", None, None, None, failed, missing, text, confidence)
    text = Sentence("%(standard)s: no grade is met.", {"standard": standard})
    return Grading(material, use, standard, "failed", None, None, None, failed, (), text, confidence)


def _failures(grade: Grade, values: Mapping[str, Decimal]) -> tuple[Failure, ...]:
    judged = (line.failure(values[line.property]) for line in grade.requirements if line.property in values)
    return tuple(failure for failure in judged if failure)


def _met(grade: Grade, *, is_known: bool) -> Sentence:
    values: dict[str, Value] = {
        "standard": grade.standard,
        "grade": Sentence(grade.name_en),
    }  # its Chinese stands in the table too
    if is_known:
        return Sentence("%(standard)s: %(grade)s.", values)
    return Sentence("%(standard)s: %(grade)s, provided that the boiler burns pulverized coal.", values)


def _read(material: str) -> Iterator[Grade]:
    own = [row for row in rows("grades") if row["material"] == material]
    for use, rank, ash_class in dict.fromkeys((row["use"], row["rank"], row["ash_class"]) for row in own):
        lines = [row for row in own if (row["use"], row["rank"], row["ash_class"]) == (use, rank, ash_class)]
        yield Grade(
            material=material,
            use=use,
            rank=int(rank),
            code=lines[0]["grade"],
            ash_class=ash_class,
            name_zh=lines[0]["name_zh"],
            name_en=lines[0]["name_en"],
            standard=lines[0]["standard"],
            confidence=min((row["confidence"] for row in lines), key=("low", "medium", "high").index),
            requirements=tuple(
                Requirement(
                    row["property"],
                    decimal(row["min"]),
                    decimal(row["max"]),
                    row["exclusive"],
                    row["required"] == "yes",
                )
                for row in lines
            ),
        )


@cache
def _properties() -> dict[str, Property]:
    return {
        row["code"]: Property(
            code=row["code"],
            unit=row["unit"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            least=Decimal(row["least"]),
            most=Decimal(row["most"]),
            decimals=int(row["decimals"]),
            kind=row["kind"],
        )
        for row in rows("properties")
    }

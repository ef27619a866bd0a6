"""Intake lines and filings across provinces as they are declared, and when they make sense."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from marketplace.domain.deductions import MOST_DEDUCTION_FEN_PER_UNIT
from marketplace.domain.errors import Invalid
from marketplace.domain.grades import checked_value
from marketplace.domain.places import province_of
from marketplace.domain.routes import route
from marketplace.domain.streams import refuse_too_fine
from marketplace.domain.waiting import refuse_storage
from marketplace.domain.wastes import material

MOST_RADIUS_M: Final = 5_000_000
"""Farther than China is wide."""

MOST_TRIPS: Final = 1_000_000


@dataclass(frozen=True, kw_only=True)
class NewLimit:
    """
    What a line asks of one property, for one material or, with an empty one, for all.

    Without a deduction it is hard. With one, each unit beyond it takes so much off the price of a tonne, up to the stop
    value. With ``monthly_mean`` it is kept by the mean of all that arrives in a month, and the stop value by each load.
    Raises Invalid if the figures contradict each other.
    """

    property: str
    material: str = ""
    minimum: Decimal | None = None
    maximum: Decimal | None = None
    deduction_fen_per_unit: int | None = None
    stop_value: Decimal | None = None
    monthly_mean: bool = False

    def __post_init__(self) -> None:
        """Refuse what limits nothing or contradicts itself."""
        if self.minimum is None and self.maximum is None:
            raise Invalid("Give a least value, a greatest value or both.", field="maximum")
        for name, value in (("minimum", self.minimum), ("maximum", self.maximum), ("stop_value", self.stop_value)):
            if value is not None:
                refuse_too_fine(value, field=name)
                checked_value(self.property, value, field=name)
        if self.material:
            material(self.material, field="material")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise Invalid("The least value is above the greatest value.", field="minimum")
        if self.deduction_fen_per_unit is not None and not (
            0 < self.deduction_fen_per_unit <= MOST_DEDUCTION_FEN_PER_UNIT
        ):
            raise Invalid(
                "A deduction is above 0 and at most 100,000 yuan per tonne and unit; leave it empty for a hard limit.",
                field="deduction",
            )
        if self.stop_value is None:
            return
        if self.deduction_fen_per_unit is None and not self.monthly_mean:
            raise Invalid(
                "A stop value needs a deduction; without one the limit itself is the end.", field="stop_value"
            )
        below = self.minimum is not None and self.stop_value <= self.minimum
        above = self.maximum is not None and self.stop_value >= self.maximum
        if not (below or above):
            raise Invalid(
                "The stop value lies inside the limit: it is where taking ends altogether.", field="stop_value"
            )


@dataclass(frozen=True, kw_only=True)
class NewLine:
    """
    An intake line to be kept: route, materials with what a tonne fetches delivered, limits, capacity, permit.

    A price above zero is paid by the line, below zero by the producer. ``storage_kg`` may wait in front of it over the end of a
    month, which costs the recycler ``storage_fen_per_t`` for each tonne and month. Raises Invalid if it makes no sense.
    """

    site_id: int
    name: str
    name_en: str = ""
    route: str
    materials: tuple[tuple[str, int], ...]
    limits: tuple[NewLimit, ...] = ()
    capacity_kg_per_month: int
    capacity_kg_per_year: int
    closed_months: frozenset[int] = frozenset()
    radius_m: int | None = None
    least_lot_kg: int = 0
    storage_kg: int = 0
    storage_fen_per_t: int = 0
    unloading_hours: str = ""
    permit_no: str = ""
    permit_valid_until: date | None = None

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.name.strip():
            raise Invalid("An intake line needs a name by which you know it.", field="name")
        route(self.route, field="route")
        self._refuse_materials()
        self._refuse_limits()
        if self.capacity_kg_per_month <= 0:
            raise Invalid("The capacity of a month is above zero.", field="capacity_kg_per_month")
        if self.capacity_kg_per_year < self.capacity_kg_per_month:
            raise Invalid("A year holds at least as much as one month.", field="capacity_kg_per_year")
        if not self.closed_months <= set(range(1, 13)):
            raise Invalid("A month is a number from 1 to 12.", field="closed_months")
        if len(self.closed_months) == 12:
            raise Invalid("A line that stands still all year takes nothing; retire it instead.", field="closed_months")
        if self.radius_m is not None and not 0 < self.radius_m <= MOST_RADIUS_M:
            raise Invalid("The radius is above 0 and at most 5,000 km.", field="radius_km")
        if self.least_lot_kg > self.capacity_kg_per_month:
            raise Invalid("The least lot is more than the line takes in a month.", field="least_lot_kg")
        refuse_storage(self.storage_kg, self.storage_fen_per_t)
        if self.permit_valid_until is not None and not self.permit_no.strip():
            raise Invalid("Give the number of the permit.", field="permit_no")
        if self.permit_no.strip() and self.permit_valid_until is None:
            raise Invalid("Say until when the permit holds.", field="permit_valid_until")

    @property
    def closed_text(self) -> str:
        """The closed months as they are kept: ``1,2,12``."""
        return ",".join(str(month) for month in sorted(self.closed_months))

    def _refuse_materials(self) -> None:
        if not self.materials:
            raise Invalid("Name at least one material that the line takes.", field="materials-0-material")
        for place, (code, _) in enumerate(self.materials):
            field = f"materials-{place}-material"
            material(code, field=field)
            if code in [other for other, _ in self.materials[:place]]:
                raise Invalid("%(twice_material)s stands here twice.", field=field, twice_material=code)

    def _refuse_limits(self) -> None:
        taken = {code for code, _ in self.materials}
        for place, limit in enumerate(self.limits):
            if limit.material and limit.material not in taken:
                raise Invalid(
                    "The line does not take %(limit_material)s; take this limit out or the material in.",
                    field=f"limits-{place}-material",
                    limit_material=limit.material,
                )
            known = [(other.property, other.material) for other in self.limits[:place]]
            if (limit.property, limit.material) in known:
                raise Invalid(
                    "There are two limits of %(twice_property)s for the same material.",
                    field=f"limits-{place}-property",
                    twice_property=limit.property,
                )


@dataclass(frozen=True, kw_only=True)
class NewFiling:
    """
    A filing for utilization in another province, as the authority confirmed it.

    Raises Invalid if it makes no sense; a filing does not cross the end of a calendar year.
    """

    stream_id: int
    receiving_site_id: int
    filing_no: str
    filed_kg: int
    filed_trips: int
    valid_from: date
    valid_to: date

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.filing_no.strip():
            raise Invalid("Give the number of the filing.", field="filing_no")
        if self.filed_kg <= 0:
            raise Invalid("The filed tonnes are above zero.", field="filed_kg")
        if not 0 < self.filed_trips <= MOST_TRIPS:
            raise Invalid("The filed trips are a number above zero.", field="filed_trips")
        if self.valid_from > self.valid_to:
            raise Invalid("The last day lies before the first.", field="valid_to")
        if self.valid_from.year != self.valid_to.year:
            raise Invalid(
                "A filing does not cross the end of a calendar year; file each year by itself.", field="valid_to"
            )
        if not 2000 <= self.valid_from.year <= 2100:
            raise Invalid("This day is far away. Is the year right?", field="valid_from")

    @staticmethod
    def refuse_same_province(from_division: str, to_division: str) -> None:
        """Raise Invalid if both sites lie in one province: nothing is filed there."""
        if province_of(from_division) == province_of(to_division):
            raise Invalid(
                "Both sites lie in %(common_place)s: within a province nothing is filed.",
                field="receiving_site_id",
                common_place=province_of(from_division),
            )

"""A site as it is declared: the division counts, and the point must not contradict it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final

from marketplace.domain.errors import Invalid
from marketplace.domain.places import Division, Point, division, great_circle_m, nearest_division

FARTHEST_M: Final = 60_000
"""How far a site may lie from the point of its division before that needs a second look."""

POINT_ORIGINS: Final = ("division", "coordinates", "pin", "geocoder")


@dataclass(frozen=True, kw_only=True)
class NewSite:
    """
    A site to be kept; ``lat`` and ``lon`` are as entered in ``datum``, both empty for the point of the division.

    Raises Invalid if it has no name, its division is unknown, or its point lies outside China or elsewhere than in
    the declared division: more than 60 km from the division's point and nearer to a place outside the division.
    """

    organization_id: int
    name: str
    name_en: str = ""
    division_code: str
    address: str = ""
    in_park: bool = True
    lat: str = ""
    lon: str = ""
    datum: str = "wgs84"
    origin: str = "coordinates"

    def __post_init__(self) -> None:
        """Refuse what makes no sense."""
        if not self.name.strip():
            raise Invalid("A site needs a name, such as the plant's.", field="name")
        if self.origin not in POINT_ORIGINS:
            raise Invalid("This is no way to say where a site lies.", field="lat")
        declared = self.division
        if bool(self.lat.strip()) is not bool(self.lon.strip()):
            raise Invalid(
                "Give latitude and longitude, or neither: then the site is shown at its division's point.",
                field="lon" if self.lat.strip() else "lat",
            )
        refuse_contradiction(declared, self.point)

    @property
    def division(self) -> Division:
        """The declared division."""
        return division(self.division_code, field="division_code")

    @cached_property
    def point(self) -> Point:
        """The point in WGS-84."""
        if not self.has_coordinates:
            return self.division.point
        return Point.of_degrees(self.lat.strip(), self.lon.strip(), datum=self.datum, field="lat")

    @property
    def has_coordinates(self) -> bool:
        """Whether a point was given."""
        return bool(self.lat.strip())

    @property
    def entered_point(self) -> str:
        """What was entered, to be kept as it was; empty if nothing was."""
        return f"{self.lat.strip()}, {self.lon.strip()}" if self.has_coordinates else ""

    @property
    def point_origin(self) -> str:
        """How the point is known."""
        return self.origin if self.has_coordinates else "division"


def refuse_contradiction(declared: Division, point: Point) -> None:
    """
    Raise Invalid if a point lies elsewhere than in the division that was declared.

    Large counties reach farther than 60 km from their seat, so a point whose nearest known place still belongs to the
    declared division is taken.
    """
    far_m = great_circle_m(declared.point, point)
    if far_m <= FARTHEST_M:
        return
    nearest = nearest_division(point)
    if declared.code in {nearest.code, nearest.prefecture_code}:
        return
    if declared.level == "province" and declared.code == nearest.province_code:
        return
    raise Invalid(
        "The point lies %(far_m)s km from %(declared_place)s, near %(nearest_place)s. Correct the coordinates or their "
        "system, or declare the division that the site lies in.",
        field="lat",
        far_m=far_m,
        declared_place=declared.code,
        nearest_place=nearest.code,
    )

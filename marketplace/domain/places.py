"""Points in WGS-84, the distance between them, and the administrative divisions of China."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import asin, cos, radians, sin, sqrt
from typing import Final

from marketplace.domain import datums
from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import number
from marketplace.domain.reference import rows

EARTH_RADIUS_M: Final = 6_371_008.8
"""The mean radius of the Earth (IUGG); the solver uses the same, so both say the same distance."""

LEVELS: Final = ("province", "prefecture", "county")

_SOUTH, _NORTH, _WEST, _EAST = 3.4, 53.7, 73.4, 135.2
_MICRO: Final = 1_000_000


@dataclass(frozen=True, order=True)
class Point:
    """A point in WGS-84, in millionths of a degree: about a tenth of a meter."""

    lat_udeg: int
    lon_udeg: int

    def __post_init__(self) -> None:
        """Refuse what is no point of the Earth."""
        if not (abs(self.lat_udeg) <= 90 * _MICRO and abs(self.lon_udeg) <= 180 * _MICRO):
            raise Invalid("A latitude lies between -90 and 90 degrees, a longitude between -180 and 180.")

    @classmethod
    def of_degrees(
        cls,
        lat: Decimal | str | float,
        lon: Decimal | str | float,
        *,
        datum: str = "wgs84",
        field: str | None = None,
    ) -> Point:
        """
        Read a point as a person, a map or a device gives it, and turn it into WGS-84.

        Raises Invalid if it cannot be read, if ``datum`` is none of wgs84, gcj02, bd09, or if it lies outside the
        provinces that the gazetteer covers.
        """
        if datum not in datums.DATUMS:
            raise Invalid("Coordinates are given in WGS-84, GCJ-02 or BD-09.", field=field)
        given = (_degrees(lat, field), _degrees(lon, field))
        if not (abs(given[0]) <= 90 and abs(given[1]) <= 180):
            raise Invalid("A latitude lies between -90 and 90 degrees, a longitude between -180 and 180.", field=field)
        if not _in_rectangle(given) and _in_rectangle((given[1], given[0])):
            raise Invalid(
                "Latitude and longitude seem to be exchanged: in China the latitude is the lesser.", field=field
            )
        if not _in_rectangle(given):
            raise Invalid("This point lies outside the provinces of China that the platform covers.", field=field)
        found = datums.to_wgs84(given, datum)
        point = cls(round(found[0] * _MICRO), round(found[1] * _MICRO))
        if great_circle_m(point, nearest_division(point).point) > _farthest_m(point):
            raise Invalid("This point lies outside the provinces of China that the platform covers.", field=field)
        return point

    @property
    def lat(self) -> float:
        """Latitude in degrees."""
        return self.lat_udeg / _MICRO

    @property
    def lon(self) -> float:
        """Longitude in degrees."""
        return self.lon_udeg / _MICRO

    def in_datum(self, datum: str) -> tuple[float, float]:
        """Return latitude and longitude in degrees, as a map of that datum wants them."""
        return datums.from_wgs84((self.lat, self.lon), datum)


def great_circle_m(a: Point, b: Point) -> int:
    """Return the distance over a sphere of `EARTH_RADIUS_M`, by the haversine, in whole meters."""
    lat_a, lat_b = radians(a.lat), radians(b.lat)
    half_lat, half_lon = (lat_b - lat_a) / 2.0, radians(b.lon - a.lon) / 2.0
    haversine = sin(half_lat) ** 2 + cos(lat_a) * cos(lat_b) * sin(half_lon) ** 2
    return round(2.0 * EARTH_RADIUS_M * asin(sqrt(min(1.0, haversine))))


@dataclass(frozen=True)
class Division:
    """
    A province, prefecture or county with its code of GB/T 2260 and a point.

    ``prefecture_code`` is none for provinces and for counties that stand under their province without a prefecture.
    ``precision`` is ``own`` if the point is of this division, ``prefecture`` if its prefecture's seat stands in for
    it, ``province`` if the capital does; only the first may be shown without saying that it is approximate.
    """

    code: str
    level: str
    name_zh: str
    name_en: str
    pinyin: str
    province_code: str
    prefecture_code: str | None
    point: Point
    precision: str

    @property
    def full_name_zh(self) -> str:
        """The name with those of the divisions above it: 山西省朔州市平鲁区."""
        return "".join(division(code).name_zh for code in self._lineage)

    @property
    def full_name_en(self) -> str:
        """The name with those of the divisions above it: Pinglu, Shuozhou, Shanxi."""
        return ", ".join(division(code).name_en for code in reversed(self._lineage))

    @property
    def _lineage(self) -> tuple[str, ...]:
        above = (self.province_code, self.prefecture_code, self.code)
        return tuple(dict.fromkeys(code for code in above if code))


def division(code: str, *, field: str | None = None) -> Division:
    """Return the division of that code; raises Invalid if the gazetteer has none."""
    try:
        return _by_code()[unicodedata.normalize("NFKC", code).strip()]
    except KeyError as unknown:
        raise Invalid("There is no division with the code %(code)s.", field=field, code=code[:20]) from unknown


def divisions(level: str | None = None) -> tuple[Division, ...]:
    """Return the divisions of a level, or all, in the order of their codes."""
    return tuple(found for found in _by_code().values() if level is None or found.level == level)


def find_divisions(text: str, limit: int = 10) -> tuple[Division, ...]:
    """
    Return the divisions that a person may mean by a Chinese name, pinyin or the beginning of a code.

    The nearer the name to what was typed the earlier; of equals the larger division first, then by code. Names of
    higher divisions may stand before: 山西朔州 finds 朔州市.
    """
    wanted = _folded(text)
    if not wanted or limit < 1:
        return ()
    found = ((rank, LEVELS.index(each.level), code, each) for code, each, rank in _ranked(wanted) if rank is not None)
    return tuple(each for *_, each in sorted(found, key=lambda hit: hit[:3])[:limit])


def province_of(code: str) -> str:
    """Return the code of the province that a division lies in: its first two digits; raises Invalid."""
    if not (len(code) == 6 and code.isascii() and code.isdigit()):
        raise Invalid("The code of a division has six digits.")
    return code[:2] + "0000"


def nearest_division(point: Point) -> Division:
    """Return the division with a point of its own that is nearest; counties and prefectures alone."""
    narrow = cos(radians(point.lat))
    return min(
        _located(),
        key=lambda each: (
            (each.point.lat_udeg - point.lat_udeg) ** 2 + (narrow * (each.point.lon_udeg - point.lon_udeg)) ** 2,
            each.code,
        ),
    )


@cache
def _by_code() -> dict[str, Division]:
    return {
        row["code"]: Division(
            code=row["code"],
            level=row["level"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            pinyin=row["pinyin"],
            province_code=row["province_code"],
            prefecture_code=row["prefecture_code"] or None,
            point=Point(int(row["lat_udeg"]), int(row["lon_udeg"])),
            precision=row["precision"],
        )
        for row in rows("gazetteer")
    }


@cache
def _located() -> tuple[Division, ...]:
    own = [each for each in _by_code().values() if each.precision == "own" and each.level != "province"]
    # A prefecture and its seat share a point; the county says more.
    return tuple({each.point: each for each in own}.values())


@cache
def _names() -> tuple[tuple[str, Division, tuple[str, ...], str], ...]:
    return tuple((code, each, _called(each), _folded(each.full_name_zh)) for code, each in _by_code().items())


def _called(each: Division) -> tuple[str, ...]:
    """Return the names that a person may type; ü is typed as v, u or ü."""
    pinyin = _folded(each.pinyin)
    return tuple(
        dict.fromkeys(
            (_folded(each.name_zh), _folded(each.name_en), pinyin, pinyin.replace("ü", "v"), pinyin.replace("ü", "u"))
        )
    )


def _ranked(wanted: str) -> Iterable[tuple[str, Division, int | None]]:
    for code, each, names, full in _names():
        yield code, each, _rank(wanted, code, names, full)


def _rank(wanted: str, code: str, names: tuple[str, ...], full: str) -> int | None:
    """Return how far a division is from what was typed, 0 the nearest; none if it is not meant at all."""
    if wanted == code or wanted in names:
        return 0
    if any(name.startswith(wanted) for name in names) or (wanted.isdigit() and code.startswith(wanted)):
        return 1
    if len(wanted) > 1 and any(wanted in name for name in names):
        return 2
    if _follows(wanted, full, names[0]):
        return 3
    return None


def _follows(wanted: str, full: str, own: str) -> bool:
    """Say whether what was typed is the full name with parts left out, ending within the own name."""
    place = 0
    for character in wanted:
        place = full.find(character, place) + 1
        if place == 0:
            return False
    return len(wanted) > 2 and place > len(full) - len(own) and wanted[0] == full[0]


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(character for character in plain if character.isalnum())


def _degrees(value: Decimal | str | float, field: str | None) -> float:
    read = number(value, field=field) if isinstance(value, str) else Decimal(value)
    if not read.is_finite():
        raise Invalid("A coordinate is a number of degrees, such as 39.9042.", field=field)
    return float(read)


def _farthest_m(point: Point) -> int:
    """Return how far from the nearest known point a place in China can be; what is farther lies abroad or at sea."""
    if point.lat >= 27 and point.lon < 107:
        return 430_000  # the deserts and the high plateau of the west
    return 150_000 if point.lon < 130 else 180_000


def _in_rectangle(point: datums.Degrees) -> bool:
    return _SOUTH <= point[0] <= _NORTH and _WEST <= point[1] <= _EAST

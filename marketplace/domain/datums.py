"""The shifted coordinate systems of Chinese maps, and the way back to WGS-84."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import atan2, cos, hypot, pi, radians, sin, sqrt
from typing import Final, TypeAlias

Degrees: TypeAlias = "tuple[float, float]"
"""Latitude and longitude, in this order, as everywhere here."""

DATUMS: Final = ("wgs84", "gcj02", "bd09")

# Krasovsky 1940, in meters, which GCJ-02 uses for its shift whatever the ellipsoid of the point.
_AXIS: Final = 6378245.0
_ECCENTRICITY_SQUARED: Final = 0.00669342162296594323

_BD_TURN: Final = pi * 3000.0 / 180.0

# Where GCJ-02 shifts at all: the rectangle of the published method, south, north, west, east.
_SHIFTED: Final = (0.8293, 55.8271, 72.004, 137.8347)

_EXACT_DEGREES: Final = 1e-9  # a tenth of a millimeter
_ROUNDS: Final = 30  # the shift changes by less than a thousandth of the way, so three or four are enough

# Outlines, coarse to about a kilometer, in which maps are not shifted. (Latitude, longitude).
_HONG_KONG: Final = (
    (22.10, 113.80), (22.40, 113.84), (22.455, 113.95), (22.500, 114.02), (22.513, 114.06), (22.527, 114.09),
    (22.531, 114.115), (22.543, 114.145), (22.560, 114.165), (22.555, 114.19), (22.545, 114.23), (22.565, 114.32),
    (22.56, 114.50), (22.10, 114.50),
)  # fmt: skip
_MACAO: Final = (
    (22.105, 113.545), (22.160, 113.551), (22.185, 113.528), (22.214, 113.535), (22.216, 113.565), (22.180, 113.610),
    (22.105, 113.610),
)  # fmt: skip
_TAIWAN: Final = ((21.70, 119.95), (23.00, 119.20), (24.00, 119.30), (25.50, 121.00), (25.50, 122.30), (21.70, 122.30))
_UNSHIFTED: Final = (_HONG_KONG, _MACAO, _TAIWAN)


def to_wgs84(point: Degrees, datum: str) -> Degrees:
    """Return a point of ``datum``, one of `DATUMS`, in WGS-84."""
    if datum == "bd09":
        return gcj02_to_wgs84(bd09_to_gcj02(point))
    return gcj02_to_wgs84(point) if datum == "gcj02" else point


def from_wgs84(point: Degrees, datum: str) -> Degrees:
    """Return a point of WGS-84 in ``datum``, one of `DATUMS`."""
    if datum == "bd09":
        return gcj02_to_bd09(wgs84_to_gcj02(point))
    return wgs84_to_gcj02(point) if datum == "gcj02" else point


def is_shifted(point: Degrees) -> bool:
    """Say whether maps in China shift this point; they do not abroad, nor in Hong Kong, Macao and Taiwan."""
    south, north, west, east = _SHIFTED
    lat, lon = point
    within = south <= lat <= north and west <= lon <= east
    return within and not any(inside(point, outline) for outline in _UNSHIFTED)


def wgs84_to_gcj02(point: Degrees) -> Degrees:
    """Shift a point as AMap, Tencent and the public maps of China show it."""
    return _shift(point) if is_shifted(point) else point


def gcj02_to_wgs84(point: Degrees) -> Degrees:
    """Take the shift back, to a tenth of a millimeter."""
    unshifted = _invert(_shift, point)
    return unshifted if is_shifted(unshifted) else point


def gcj02_to_bd09(point: Degrees) -> Degrees:
    """Shift a point of GCJ-02 once more, as Baidu shows it."""
    lat, lon = point
    far = hypot(lat, lon) + 0.00002 * sin(lat * _BD_TURN)
    turned = atan2(lat, lon) + 0.000003 * cos(lon * _BD_TURN)
    return far * sin(turned) + 0.006, far * cos(turned) + 0.0065


def bd09_to_gcj02(point: Degrees) -> Degrees:
    """Take Baidu's shift back, to a tenth of a millimeter."""
    return _invert(gcj02_to_bd09, point)


def inside(point: Degrees, outline: Sequence[Degrees]) -> bool:
    """Say whether a point lies within a polygon, by the parity of the sides that a ray to the north crosses."""
    lat, lon = point
    within = False
    for (lat_a, lon_a), (lat_b, lon_b) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (lon_a > lon) != (lon_b > lon) and lat < lat_a + (lon - lon_a) * (lat_b - lat_a) / (lon_b - lon_a):
            within = not within
    return within


def _invert(forward: Callable[[Degrees], Degrees], wanted: Degrees) -> Degrees:
    """Find the point that ``forward`` takes to ``wanted``; it moves nearby points almost alike."""
    lat, lon = wanted
    for _ in range(_ROUNDS):
        reached_lat, reached_lon = forward((lat, lon))
        lat, lon = lat + wanted[0] - reached_lat, lon + wanted[1] - reached_lon
        if abs(wanted[0] - reached_lat) < _EXACT_DEGREES and abs(wanted[1] - reached_lon) < _EXACT_DEGREES:
            break
    return lat, lon


def _shift(point: Degrees) -> Degrees:
    lat, lon = point
    x, y = lon - 105.0, lat - 35.0
    ripple = (20.0 * sin(6.0 * x * pi) + 20.0 * sin(2.0 * x * pi)) * 2.0 / 3.0
    north_m = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + ripple
    north_m += (20.0 * sin(y * pi) + 40.0 * sin(y / 3.0 * pi)) * 2.0 / 3.0
    north_m += (160.0 * sin(y / 12.0 * pi) + 320.0 * sin(y * pi / 30.0)) * 2.0 / 3.0
    east_m = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + ripple
    east_m += (20.0 * sin(x * pi) + 40.0 * sin(x / 3.0 * pi)) * 2.0 / 3.0
    east_m += (150.0 * sin(x / 12.0 * pi) + 300.0 * sin(x / 30.0 * pi)) * 2.0 / 3.0
    flat = 1.0 - _ECCENTRICITY_SQUARED * sin(radians(lat)) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY_SQUARED) / (flat * sqrt(flat))
    parallel = _AXIS / sqrt(flat) * cos(radians(lat))
    return lat + north_m * 180.0 / (meridian * pi), lon + east_m * 180.0 / (parallel * pi)

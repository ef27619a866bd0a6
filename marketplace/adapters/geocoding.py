"""Street addresses to points by a service inside the network, through geopy; without one, nothing is found."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

from geopy.exc import GeopyError
from geopy.geocoders import Nominatim

log = logging.getLogger("marketplace.geocoding")

SERVICE_SECONDS = 5


@dataclass(frozen=True)
class Found:
    """A place that an address may mean; degrees, WGS-84."""

    name: str
    lat: float
    lon: float


class Geocoder(Protocol):
    """Finds the places that an address may mean."""

    def find(self, address: str, *, limit: int = 5) -> tuple[Found, ...]:
        """Return what was found, the likeliest first; empty if nothing was, or the service does not answer."""


def geocoder(url: str) -> Geocoder:
    """Return the geocoder at an address; the null one if none is configured."""
    return NominatimGeocoder(url) if url else NoGeocoder()


class NoGeocoder:
    """The twin without a service: the gazetteer and the map must do."""

    def find(self, address: str, *, limit: int = 5) -> tuple[Found, ...]:
        """Find nothing."""
        del address, limit
        return ()


class NominatimGeocoder:
    """A Nominatim service."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url if "//" in url else f"https://{url}")
        self._service = Nominatim(
            domain=f"{parts.netloc}{parts.path}".rstrip("/"),
            scheme=parts.scheme,
            user_agent="huiyong",
            timeout=SERVICE_SECONDS,
        )

    def find(self, address: str, *, limit: int = 5) -> tuple[Found, ...]:
        """Ask the service; a service that fails is logged, and the page goes on without it."""
        try:
            found = self._service.geocode(address, exactly_one=False, limit=limit, country_codes="cn", language="zh")
        except (GeopyError, ValueError) as error:
            log.warning("the geocoder did not answer: %s", error)
            return ()
        return tuple(Found(one.address, one.latitude, one.longitude) for one in found or ())

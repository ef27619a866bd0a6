"""The form of a site."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import HiddenField

from marketplace.domain.errors import Invalid
from marketplace.domain.sites import NewSite
from marketplace.queries.sites import Keeper, SitePage
from marketplace.web.filters import pick
from marketplace.web.forms.base import MarketForm, TextField, at_most, required
from marketplace.web.forms.rows import Choice, RadioChoice, whole
from marketplace.web.i18n import lazy_gettext as lazy


class SiteForm(MarketForm):
    """A site: its name, its division, and if known its point."""

    organization_id = Choice(lazy("Organization"), coerce=whole)
    name = TextField(lazy("Name of the site"), [required(), at_most()])
    name_en = TextField(lazy("English name"), [at_most()])
    place = TextField(lazy("Place"), [at_most(60)])
    division_code = RadioChoice(lazy("Division"))
    address = TextField(lazy("Street address"), [at_most()])
    found = RadioChoice(lazy("Places of this address"))
    datum = Choice(
        lazy("Coordinate system"),
        choices=[
            ("wgs84", lazy("WGS-84 (satellite receivers, CGCS2000)")),
            ("gcj02", lazy("GCJ-02 (AMap, Tencent Maps)")),
            ("bd09", lazy("BD-09 (Baidu Maps)")),
        ],
        default="wgs84",
    )
    lat = TextField(lazy("Latitude"), [at_most(40)])
    lon = TextField(lazy("Longitude"), [at_most(40)])
    origin = HiddenField()
    in_park = RadioChoice(lazy("Park"), default="yes")

    def set_up(self, keepers: Sequence[Keeper]) -> None:
        """Offer the organizations that the person acts for, and their park."""
        self.organization_id.offer([(each.id, pick(each.name_zh, each.name_en)) for each in keepers])
        self.place.flags.required = True  # the division is; this is the way to it
        park = {(each.park_zh, each.park_en) for each in keepers}
        name = pick(*park.pop()) if len(park) == 1 else str(lazy("the park of the organization"))
        self.in_park.offer([("yes", name), ("no", lazy("in no park"))])
        if len(keepers) == 1:
            self.organization_id.data = keepers[0].id

    def fill(self, page: SitePage) -> None:
        """Show a site as it was entered."""
        lat, _, lon = page.entered_point.partition(", ")
        datum = page.entered_datum
        if not lat and page.point_origin != "division":
            lat, lon, datum = f"{page.lat:.6f}", f"{page.lon:.6f}", "wgs84"
        self.name.data, self.name_en.data = page.name, page.name_en
        self.division_code.data, self.address.data = page.division_code, page.address
        self.datum.data, self.lat.data, self.lon.data = datum, lat, lon
        self.origin.data = page.point_origin
        self.in_park.data = "yes" if page.in_park else "no"

    def command(self) -> NewSite:
        """Return what is asked for. Raises Invalid."""
        if not self.division_code.data:
            raise Invalid("Find the place by name and choose its division.", field="division_code")
        lat, lon, datum = self.lat.data or "", self.lon.data or "", self.datum.data or ""
        origin = "pin" if self.origin.data == "pin" else "coordinates"
        if self.found.data and not lat and not lon:
            lat, _, lon = str(self.found.data).partition(",")
            datum, origin = "wgs84", "geocoder"
        elif self.origin.data == "geocoder":
            origin = "geocoder"
        return NewSite(
            organization_id=self.organization_id.data or 0,
            name=self.name.data or "",
            name_en=self.name_en.data or "",
            division_code=self.division_code.data,
            address=self.address.data or "",
            in_park=self.in_park.data != "no",
            lat=lat,
            lon=lon,
            datum=datum,
            origin=origin,
        )

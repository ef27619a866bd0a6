"""The filters of the board."""

from __future__ import annotations

from collections.abc import Sequence

from wtforms import SelectField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.grades import Grade, grades
from marketplace.domain.listings import BANDS
from marketplace.domain.places import Division, division, find_divisions
from marketplace.domain.wastes import Material, find_material
from marketplace.queries.board import Search
from marketplace.web.filters import tonnes
from marketplace.web.forms.base import MarketForm, MonthField, TextField, at_most
from marketplace.web.i18n import gettext, locale
from marketplace.web.i18n import lazy_gettext as lazy

RADII = (50, 100, 200, 300, 500)
NOTHING = ("-",)
"""A material that is none: what was typed names nothing."""


class BoardForm(MarketForm):
    """What a reader looks for; whatever is typed, some answer is given."""

    class Meta:
        """A search changes nothing and needs no token."""

        csrf = False

    q = TextField(lazy("Material"), [at_most()])
    place = TextField(lazy("Place"), [at_most()])
    radius = SelectField(
        lazy("Within"),
        choices=[SelectChoice(str(km), lazy("%(km)s km", km=km)) for km in RADII],
        default="200",
        validate_choice=False,
    )
    band = SelectField(lazy("Quantity per month"), default="", validate_choice=False)
    grade = SelectField(lazy("Grade"), default="", validate_choice=False)
    month = MonthField(lazy("Month"))

    def set_up(self) -> None:
        """Fill in the choices that depend on the reader and on the material."""
        edges = (0, *BANDS)
        self.band.choices = [
            SelectChoice("", gettext("any")),
            *(SelectChoice(str(edge), band_text(edge)) for edge in edges),
        ]
        named = {
            grade.code: (grade.name_en if locale() == "en" else grade.name_zh)
            for material in self.materials
            for grade in _main_grades(material.code)
        }
        self.grade.choices = [
            SelectChoice("", gettext("any")),
            *(SelectChoice(code, name) for code, name in named.items()),
        ]

    @property
    def materials(self) -> Sequence[Material]:
        """The materials that were typed of."""
        return find_material(self.q.data or "")

    @property
    def places(self) -> Sequence[Division]:
        """The divisions that may be meant, the likeliest first."""
        typed = (self.place.data or "").strip()
        if typed.isdigit() and len(typed) == 6:
            return tuple(each for each in find_divisions(typed, limit=1) if each.code == typed)
        return find_divisions(typed, limit=5)

    @property
    def asked(self) -> dict[str, str]:
        """The words that were typed or chosen, by the name of the field."""
        typed = {name: (field.raw_data or [""])[0].strip() for name, field in self._fields.items()}
        return {name: text for name, text in typed.items() if text and (name != "radius" or typed["place"])}

    @property
    def unknown(self) -> bool:
        """Whether what was typed of names no material."""
        return bool((self.q.data or "").strip()) and not self.materials

    @property
    def unknown_place(self) -> bool:
        """Whether what was typed as a place names none."""
        return bool((self.place.data or "").strip()) and not self.places

    def search(self, *, sort: str, number: int) -> Search:
        """Return the search; what cannot be read is left out of it and said beside the field."""
        chosen = next(iter(self.places), None)
        radius = self.radius.data if self.radius.data in {str(km) for km in RADII} else "200"
        band = self.band.data if self.band.data in {str(edge) for edge in (0, *BANDS)} else ""
        typed = bool((self.q.data or "").strip())
        found = tuple(material.code for material in self.materials)
        return Search(
            materials=found or (NOTHING if typed else ()),
            place=division(chosen.code).point if chosen is not None else None,
            radius_km=int(radius),
            band=int(band) if band else None,
            grade=(self.grade.data or "")[:40],
            month=self.month.data,
            sort=sort,
            number=number,
        )


def band_text(edge: int) -> str:
    """Say a band of kilograms a month by its least end."""
    above = min((each for each in BANDS if each > edge), default=None)
    if above is None:
        return gettext("%(tonnes)s t and more", tonnes=tonnes(edge))
    if edge == 0:
        return gettext("under %(tonnes)s t", tonnes=tonnes(above))
    return gettext("%(least)s–%(most)s t", least=tonnes(edge), most=tonnes(above))


def _main_grades(material: str) -> Sequence[Grade]:
    found = grades(material)
    return [grade for grade in found if grade.use == found[0].use]

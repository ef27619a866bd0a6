"""The questions to a solved round, a form each; they are asked by address, so that an answer can be shown to others."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from wtforms import HiddenField

from marketplace.domain.errors import Invalid
from marketplace.domain.places import Division, Point, find_divisions, nearest_division
from marketplace.domain.whatif import Drier, LineMore, ListingMore, PairDeclined, Question, RadiusWider, RoomMore
from marketplace.queries.whatif import Thing, WhatIfPage
from marketplace.web.filters import material, pick, tonnes
from marketplace.web.forms.base import (
    MarketForm,
    NumberField,
    TextField,
    TonnesField,
    WholeField,
    at_most,
    chosen,
    required,
)
from marketplace.web.forms.rows import Choice, whole
from marketplace.web.i18n import gettext
from marketplace.web.i18n import lazy_gettext as lazy

_COORDINATES: Final = re.compile(r"\s*(-?[0-9.]{1,12})\s*[,，]\s*(-?[0-9.]{1,12})\s*")
"""Latitude and longitude."""


class QuestionForm(MarketForm):
    """A question; ``ask`` is its name, by which the page knows which one was asked."""

    class Meta:
        """A question changes nothing and needs no token."""

        csrf = False

    name: ClassVar[str]
    ask = HiddenField()

    def set_up(self, page: WhatIfPage) -> None:
        """Offer what takes part in the round."""

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        raise NotImplementedError


class RoomMoreForm(QuestionForm):
    """More room at a line."""

    name = "room"
    line = Choice(lazy("Intake line"), [chosen()], coerce=whole)
    tonnes = TonnesField(lazy("Room more in each month"), [required()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer the lines."""
        self.line.offer(_pairs(page.lines))

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        return RoomMore(self.line.data, self.tonnes.data or 0)


class LineMoreForm(QuestionForm):
    """A line more."""

    name = "line"
    place = TextField(lazy("Place"), [required(), at_most(60)])
    materials = Choice(lazy("Material that it takes"))
    tonnes = TonnesField(lazy("Room in each month"), [required()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer the materials of the round."""
        self.materials.offer([(code, material(code)) for code in page.materials])

    @property
    def places(self) -> tuple[Division, ...]:
        """The divisions that may be meant, the likeliest first."""
        return find_divisions(self.place.data or "", limit=5)

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        point, code = self._where()
        offered = {choice.value for choice in self.materials.choices}
        materials = (self.materials.data,) if self.materials.data in offered else ()
        return LineMore(point, code, materials, self.tonnes.data or 0)

    def _where(self) -> tuple[Point, str]:
        typed = _COORDINATES.fullmatch(self.place.data or "")
        if typed:
            point = Point.of_degrees(typed[1], typed[2], field="place")
            return point, nearest_division(point).code
        if not self.places:
            raise Invalid(
                "No place of this name is known. Try the name of a city or county, or latitude and longitude.",
                field="place",
            )
        return self.places[0].point, self.places[0].code


class RadiusForm(QuestionForm):
    """A radius wider."""

    name = "radius"
    line = Choice(lazy("Radius"), coerce=whole)
    km = WholeField(lazy("Further by"), [required()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer the round itself and the lines."""
        self.line.offer([(0, gettext("of the round")), *_pairs(page.lines)])

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        return RadiusWider(self.km.data or 0, self.line.data or None)


class DrierForm(QuestionForm):
    """Another moisture."""

    name = "drier"
    listing = Choice(lazy("Waste stream"), [chosen()], coerce=whole)
    moisture = NumberField(lazy("Moisture"), [required()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer the listings."""
        self.listing.offer(_pairs(page.lots))

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        return Drier(self.listing.data, self.moisture.data)  # type: ignore[arg-type]  # it is required


class ListingMoreForm(QuestionForm):
    """A listing more, like one that there is."""

    name = "listing"
    listing = Choice(lazy("The same waste, from the same place, as"), [chosen()], coerce=whole)
    tonnes = TonnesField(lazy("Quantity in each month"), [required()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer the listings."""
        self.listing.offer(_pairs(page.lots))

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        return ListingMore(self.listing.data, self.tonnes.data or 0)


class DeclinedForm(QuestionForm):
    """A contract declined."""

    name = "declined"
    contract = Choice(lazy("Which award"), [chosen()])

    def set_up(self, page: WhatIfPage) -> None:
        """Offer what the round awards."""
        self.contract.offer(
            [
                (
                    f"{each.lot.id}-{each.line.id}",
                    gettext("%(lot)s to %(line)s: %(tonnes)s t", lot=called(each.lot), line=called(each.line), tonnes=tonnes(each.kg)),
                )
                for each in page.contracts
            ]
        )  # fmt: skip

    def question(self) -> Question:
        """Return what is asked. Raises Invalid."""
        listing, _, line = str(self.contract.data or "").partition("-")
        return PairDeclined(whole(listing), whole(line))


FORMS: Final[tuple[type[QuestionForm], ...]] = (
    RoomMoreForm,
    LineMoreForm,
    RadiusForm,
    DrierForm,
    ListingMoreForm,
    DeclinedForm,
)


def asking(page: WhatIfPage, given: Mapping[str, Any]) -> dict[str, QuestionForm]:
    """Return the forms by name, that which was asked with what was given."""
    forms = {}
    for kind in FORMS:
        wanted = given.get(f"{kind.name}-ask") is not None
        form = kind(given if wanted else None, prefix=f"{kind.name}-")
        form.set_up(page)
        forms[kind.name] = form
    return forms


def called(thing: Thing) -> str:
    """Name a listing or a line with its owner, in the reader's language."""
    return gettext(
        "%(owner)s, %(name)s", owner=pick(thing.owner_zh, thing.owner_en), name=pick(thing.name, thing.name_en)
    )


def _pairs(things: tuple[Thing, ...]) -> list[tuple[int, str]]:
    return [(each.id, called(each)) for each in things]

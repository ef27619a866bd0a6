"""Forms of the operator."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from wtforms import RadioField, SelectField
from wtforms.fields.choices import SelectChoice

from marketplace.domain.accounts import MOST_NAME, PLATFORM_ROLES
from marketplace.domain.errors import Invalid
from marketplace.domain.members import ParkFacts
from marketplace.domain.places import division, find_divisions
from marketplace.domain.workdays import MOST_TEXT, NewDay
from marketplace.web.filters import pick
from marketplace.web.forms.base import DayField, MarketForm, NumberField, TextField, at_most, chosen, required
from marketplace.web.i18n import gettext
from marketplace.web.i18n import lazy_gettext as lazy
from marketplace.web.people import role_label


class ParkForm(MarketForm):
    """A park."""

    name_zh = TextField(lazy("Chinese name"), [required(), at_most()])
    name_en = TextField(lazy("English name"), [at_most()])
    kind = RadioField(lazy("Kind"), [chosen()])
    division = TextField(lazy("Division"), [required(), at_most(60)])
    goal = NumberField(lazy("Goal of the utilization rate"), [required()])
    goal_source = TextField(lazy("Where the goal is written"), [required(), at_most()])
    goal_source_en = TextField(lazy("The same in English"), [at_most()])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [
            SelectChoice("estate", gettext("an industrial estate")),
            SelectChoice("virtual", gettext("a virtual park that groups sites across boundaries")),
        ]

    def command(self) -> ParkFacts:
        """Return what was entered. Raises Invalid."""
        permille = (self.goal.data or Decimal(0)) * 10
        if permille != permille.to_integral_value():
            raise Invalid("A goal has at most one decimal.", field="goal")
        if not 0 <= permille <= 1000:
            raise Invalid("A goal is a share from 0 to 100 percent.", field="goal")
        return ParkFacts(
            name_zh=self.name_zh.data,
            name_en=self.name_en.data or "",
            kind=self.kind.data,
            division_code=_division(self.division.data),
            goal_permille=int(permille),
            goal_source=self.goal_source.data,
            goal_source_en=self.goal_source_en.data or "",
        )


def _division(typed: str) -> str:
    """Return the code of a division that was typed as a code or a name. Raises Invalid if it is none, or several."""
    if typed.isdecimal():
        return division(typed, field="division").code
    found = find_divisions(typed, 3)
    if not found:
        raise Invalid("There is no division of this name. Type its name or its six digits.", field="division")
    exact = [each for each in found if typed in (each.name_zh, each.name_en, each.full_name_zh)]
    if len(exact) != 1 and len(found) > 1:
        several = gettext(", ").join(f"{pick(each.full_name_zh, each.full_name_en)} {each.code}" for each in found)
        raise Invalid("Several divisions fit: %(several)s. Type the six digits.", field="division", several=several)
    return (exact or found)[0].code


class AppointForm(MarketForm):
    """Somebody for a park or the platform."""

    email = TextField(lazy("Mail address"), [required(), at_most(254)])
    name = TextField(lazy("Name of the person"), [required(), at_most(MOST_NAME)])
    role = RadioField(lazy("Role"), [chosen()])
    park_id = SelectField(lazy("Park"), default="")

    def offer(self, parks: Iterable[tuple[int, str, str]]) -> None:
        """Set what can be chosen."""
        self.role.choices = [SelectChoice(role, role_label(role)) for role in PLATFORM_ROLES]
        self.park_id.choices = [
            SelectChoice("", gettext("no park")),
            *(SelectChoice(str(id_), pick(zh, en)) for id_, zh, en in parks),
        ]

    @property
    def park(self) -> int | None:
        """The chosen park."""
        return int(self.park_id.data) if self.park_id.data else None


class DayForm(MarketForm):
    """A day of the calendar of business days."""

    day = DayField(lazy("Day"), [required()])
    works = RadioField(
        lazy("What it is"),
        [chosen()],
        choices=[SelectChoice("no", lazy("a day off")), SelectChoice("yes", lazy("a business day"))],
    )
    name = TextField(lazy("Name"), [required(), at_most(MOST_TEXT)])
    source = TextField(lazy("Source"), [required(), at_most(MOST_TEXT)])
    confidence = RadioField(
        lazy("How sure it is"),
        [chosen()],
        choices=[
            SelectChoice("high", lazy("read in the notice")),
            SelectChoice("medium", lazy("told by somebody who read it")),
            SelectChoice("low", lazy("expected, not yet published")),
        ],
    )

    def command(self) -> NewDay:
        """Return what was entered. Raises Invalid."""
        if self.day.data is None:
            raise Invalid("This is needed.", field="day")
        return NewDay(
            day=self.day.data,
            works=self.works.data == "yes",
            name=self.name.data,
            source=self.source.data,
            confidence=self.confidence.data,
        )

"""Forms of organizations and their members."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wtforms import BooleanField, PasswordField, RadioField, SelectField, ValidationError
from wtforms.fields.choices import SelectChoice

from marketplace.domain.accounts import MOST_NAME, ORGANIZATION_ROLES, Invitation, NewPerson
from marketplace.domain.members import OrganizationFacts
from marketplace.web.filters import pick
from marketplace.web.forms.base import AreaField, MarketForm, TextField, at_most, chosen, required
from marketplace.web.i18n import gettext
from marketplace.web.i18n import lazy_gettext as lazy
from marketplace.web.people import role_label


def choices(named: Iterable[Any], first: str | None = None) -> list[SelectChoice]:
    """Return what has an id and two names as the choices of a field."""
    found = [SelectChoice(str(each.id), pick(each.name_zh, each.name_en)) for each in named]
    return found if first is None else [SelectChoice("", first), *found]


class OrganizationForm(MarketForm):
    """What an organization says of itself."""

    name_zh = TextField(lazy("Chinese name"), [required(), at_most()])
    name_en = TextField(lazy("English name"), [at_most()])
    credit_code = TextField(lazy("Unified social credit code"), [required(), at_most(40)])
    produces = BooleanField(lazy("It produces solid waste"))
    recycles = BooleanField(lazy("It takes in and recycles solid waste"))
    park_id = SelectField(lazy("Park that oversees it"), [chosen()])
    contact_name = TextField(lazy("Contact person"), [required(), at_most(MOST_NAME)])
    contact_phone = TextField(lazy("Telephone"), [required(), at_most(40)])
    address = TextField(lazy("Address"), [at_most()])
    related_group = TextField(lazy("Group of companies"), [at_most()])
    small_works = BooleanField(lazy("It is a small or micro enterprise"))

    def command(self) -> OrganizationFacts:
        """Return what was entered. Raises Invalid."""
        return OrganizationFacts(
            credit_code=self.credit_code.data,
            name_zh=self.name_zh.data,
            name_en=self.name_en.data or "",
            produces=self.produces.data,
            recycles=self.recycles.data,
            park_id=int(self.park_id.data),
            contact_name=self.contact_name.data,
            contact_phone=self.contact_phone.data,
            address=self.address.data or "",
            related_group=self.related_group.data or "",
            small_works=self.small_works.data,
        )


class RegisterForm(OrganizationForm):
    """An organization and the first person of it."""

    email = TextField(lazy("Your mail address"), [required(), at_most(254)])
    name = TextField(lazy("Your name"), [required(), at_most(MOST_NAME)])
    password = PasswordField(lazy("Password"), [required(), at_most(1024)])
    repeat = PasswordField(lazy("Password again"), [required()])

    def validate_repeat(self, field: PasswordField) -> None:
        """Refuse a second entry that is another."""
        if field.data != self.password.data:
            raise ValidationError(lazy("The two passwords are not the same."))

    def person(self) -> NewPerson:
        """Return who registers. Raises Invalid."""
        return NewPerson(self.email.data, self.name.data, self.password.data)


class RoleForm(MarketForm):
    """A role in an organization, and the site of a weighbridge operator."""

    role = RadioField(lazy("Role"), [chosen()])
    site_id = SelectField(lazy("Site"), default="")

    def offer(self, sites: Iterable[Any]) -> None:
        """Set what can be chosen."""
        self.role.choices = [SelectChoice(role, role_label(role)) for role in ORGANIZATION_ROLES]
        self.site_id.choices = choices(sites, gettext("no site"))

    @property
    def site(self) -> int | None:
        """The chosen site."""
        return int(self.site_id.data) if self.site_id.data else None


class InviteForm(RoleForm):
    """Who shall join, and as what."""

    email = TextField(lazy("Mail address"), [required(), at_most(254)])

    def command(self) -> Invitation:
        """Return what was entered. Raises Invalid."""
        return Invitation(self.email.data, self.role.data, self.site)


class ReasonForm(MarketForm):
    """Why."""

    because = AreaField(lazy("Reason"), [required(), at_most(500)])

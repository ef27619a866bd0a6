"""Forms of the account."""

from __future__ import annotations

from collections.abc import Callable

from wtforms import PasswordField, RadioField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import ValidationError

from marketplace.domain.accounts import MOST_NAME
from marketplace.web.forms.base import MarketForm, TextField, at_most, chosen, required
from marketplace.web.i18n import LANGUAGES
from marketplace.web.i18n import lazy_gettext as lazy

MOST_TYPED = 1024
"""Characters of a password that are read at all."""


class SignInForm(MarketForm):
    """Mail address and password."""

    email = TextField(lazy("Mail address"), [required(), at_most(254)])
    password = PasswordField(lazy("Password"), [required(), at_most(MOST_TYPED)])


class ForgotForm(MarketForm):
    """The address to which a link is mailed."""

    email = TextField(lazy("Mail address"), [required(), at_most(254)])


def _same_as(name: str) -> Callable[[MarketForm, PasswordField], None]:
    def check(form: MarketForm, field: PasswordField) -> None:
        if field.data != form[name].data:
            raise ValidationError(lazy("The two passwords are not the same."))

    return check


class ResetForm(MarketForm):
    """A new password, twice."""

    new = PasswordField(lazy("New password"), [required(), at_most(MOST_TYPED)])
    repeat = PasswordField(lazy("New password again"), [required(), _same_as("new")])


class JoinForm(MarketForm):
    """Who accepts an invitation."""

    name = TextField(lazy("Your name"), [required(), at_most(MOST_NAME)])
    password = PasswordField(lazy("Password"), [required(), at_most(MOST_TYPED)])
    repeat = PasswordField(lazy("Password again"), [required(), _same_as("password")])


class ProfileForm(MarketForm):
    """What a person chooses for themselves."""

    name = TextField(lazy("Your name"), [required(), at_most(MOST_NAME)])
    language = RadioField(
        lazy("Language"), [chosen()], choices=[SelectChoice(code, name) for code, name in LANGUAGES.items()]
    )


class PasswordForm(MarketForm):
    """A new password, for whoever knows the present one."""

    current = PasswordField(lazy("Present password"), [required(), at_most(MOST_TYPED)])
    new = PasswordField(lazy("New password"), [required(), at_most(MOST_TYPED)])
    repeat = PasswordField(lazy("New password again"), [required(), _same_as("new")])

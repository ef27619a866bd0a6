"""Forms of awards: sign the text that was read, or decline with a reason."""

from __future__ import annotations

from wtforms import HiddenField, PasswordField
from wtforms.validators import Length

from marketplace.web.forms.auth import MOST_TYPED
from marketplace.web.forms.base import AreaField, MarketForm, at_most, required
from marketplace.web.i18n import lazy_gettext as lazy


class AcceptForm(MarketForm):
    """The hash of the text that the signatory read, and the password, afresh."""

    terms_sha256 = HiddenField(validators=[Length(min=64, max=64)])
    password = PasswordField(lazy("Your password, to sign"), [required(), at_most(MOST_TYPED)])


class DeclineForm(MarketForm):
    """Why an award is declined."""

    reason = AreaField(lazy("Why"), validators=[required(), at_most(500)])

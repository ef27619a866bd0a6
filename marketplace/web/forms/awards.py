"""Forms of awards: accept the text that was read, or decline with a reason."""

from __future__ import annotations

from wtforms import HiddenField
from wtforms.validators import Length

from marketplace.web.forms.base import AreaField, MarketForm, at_most, required
from marketplace.web.i18n import lazy_gettext as lazy


class AcceptForm(MarketForm):
    """The hash of the text that the signatory read."""

    terms_sha256 = HiddenField(validators=[Length(min=64, max=64)])


class DeclineForm(MarketForm):
    """Why an award is declined."""

    reason = AreaField(lazy("Why"), validators=[required(), at_most(500)])

"""The forms of questions on a listing and of their answers."""

from __future__ import annotations

from collections.abc import Sequence

from marketplace.domain.questions import MOST_ANSWER, MOST_QUESTION, NewQuestion
from marketplace.queries.questions import Asker
from marketplace.web.filters import pick
from marketplace.web.forms.base import AreaField, MarketForm, at_most, chosen, required
from marketplace.web.forms.rows import Choice, whole
from marketplace.web.i18n import lazy_gettext as lazy


class QuestionForm(MarketForm):
    """What a recycler asks, and for which of its organizations."""

    organization = Choice(lazy("Asked for"), [chosen()], coerce=whole)
    text = AreaField(lazy("Question"), [required(), at_most(MOST_QUESTION)])

    def set_up(self, askers: Sequence[Asker]) -> None:
        """Offer the own organizations that may ask."""
        self.organization.offer((each.id, pick(each.zh, each.en)) for each in askers)
        if self.organization.data is None and askers:
            self.organization.data = askers[0].id

    def command(self, listing_id: int) -> NewQuestion:
        """Return the question. Raises Invalid."""
        return NewQuestion(listing_id=listing_id, organization_id=self.organization.data, text=self.text.data or "")


class AnswerForm(MarketForm):
    """What a producer answers."""

    text = AreaField(lazy("Answer"), [required(), at_most(MOST_ANSWER)])

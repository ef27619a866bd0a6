"""What if: a solved round with one thing otherwise, asked and answered on one page."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.whatif import TooLarge
from marketplace.queries import whatif as reading
from marketplace.services.whatif import ask
from marketplace.web.context import actor, now, session
from marketplace.web.errors import status_of
from marketplace.web.filters import say
from marketplace.web.forms.whatif import asking
from marketplace.web.routing import requires

blueprint = Blueprint("whatif", __name__)


@blueprint.get("/rounds/<int:round_id>/what-if")
@requires("round.ask")
def show(round_id: int) -> ResponseReturnValue:
    """Show what can be asked of a round, and the answer to what was asked."""
    page = reading.whatif_page(session(), actor(), round_id, now=now())
    forms = asking(page, request.args)
    asked = next((form for name, form in forms.items() if f"{name}-ask" in request.args), None)
    told, refused, status = None, None, 200
    if asked is not None and page.may_be_asked:
        if asked.validate():
            try:
                told = reading.told(session(), ask(session(), actor(), round_id, asked.question(), now=now()))
            except Invalid as refusal:
                asked.show(refusal)
            except (TooLarge, Conflict) as refusal:
                refused, status = say(refusal.sentence), status_of(refusal)
        status = max(status, asked.status)
    shown = render_template("rounds/whatif.html", page=page, forms_by=forms, asked=asked, told=told, refused=refused)
    return shown, status

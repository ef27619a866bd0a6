"""The page on which a recycler holds some of a listing at its fixed price."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.queries.holds import hold_page
from marketplace.services.holds import hold_tonnes
from marketplace.web.context import actor, now, session
from marketplace.web.errors import status_of
from marketplace.web.forms.holds import HoldForm
from marketplace.web.i18n import gettext
from marketplace.web.routing import requires

blueprint = Blueprint("holds", __name__)


@blueprint.route("/board/<int:listing_id>/hold", methods=["GET", "POST"])
@requires("bid.submit")
def new(listing_id: int) -> ResponseReturnValue:
    """Hold some of a listing for one of the own lines."""
    wanted = request.values.get("line", type=int)
    line_id = wanted if wanted is None or 0 < wanted < 2**31 else 0
    page = hold_page(session(), actor(), listing_id, line_id, now=now())
    form = HoldForm()
    if page.line is not None and form.validate_on_submit():
        try:
            award_id = hold_tonnes(session(), actor(), form.command(listing_id, page.line.line_id), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
            page = hold_page(session(), actor(), listing_id, line_id, now=now())  # somebody was faster
            form.rules.data = page.listing.rules_sha256
        else:
            flash(
                gettext(
                    "The tonnes are held for you. A signatory signs below before the hold ends, or they are free again."
                ),
                "use",
            )
            return redirect(url_for("awards.show", award_id=award_id), code=303)
    elif request.method == "GET":
        form.fill(page)
    form.show_price(page)
    return render_template("holds/new.html", page=page, form=form), form.status

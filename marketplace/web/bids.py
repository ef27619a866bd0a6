"""Pages of a recycler's own bids."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.bids import Outcome, outcome
from marketplace.domain.errors import Conflict, Invalid
from marketplace.queries import bids as queries
from marketplace.queries.bidding import BidFormPage, bid_form_page
from marketplace.queries.salerules import bid_rules
from marketplace.services import bids as services
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.files import frozen_file
from marketplace.web.forms.bids import BidForm
from marketplace.web.i18n import gettext
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("bids", __name__)


@blueprint.route("/bids")
@requires("bid.read")
def index() -> ResponseReturnValue:
    """List the own bids."""
    return render_template("bids/index.html", page=queries.bids_page(session(), actor(), wish(), now=now()))


@blueprint.route("/board/<int:listing_id>/bid", methods=["GET", "POST"])
@requires("bid.submit")
def new(listing_id: int) -> ResponseReturnValue:
    """Bid, or replace the own bid; "calculate" shows what it comes to and sends nothing."""
    wanted = request.values.get("line", type=int)
    line_id = wanted if wanted is None or 0 < wanted < 2**31 else 0
    page = bid_form_page(session(), actor(), listing_id, line_id, now=now())
    form = BidForm()
    comes_to: Outcome | None = None
    if page.line is not None and form.validate_on_submit():
        comes_to = _outcome(form, page)
        if request.form.get("action") != "calculate":
            try:
                bid_id = services.submit_bid(
                    session(),
                    actor(),
                    form.command(listing_id, page.line.line_id),
                    sealer=parts().sealer,
                    now=now(),
                )
            except (Invalid, Conflict) as refusal:
                form.show(refusal, status_of(refusal))
                form.rules.data = page.listing.rules_sha256  # what stands on the page that is shown now
            else:
                if page.sale is not None:
                    flash(gettext("Your bid is received. It stands and binds until the sale ends."), "use")
                else:
                    flash(
                        gettext("Your bid is received and sealed. Until the deadline nobody reads what it says."), "use"
                    )
                return redirect(url_for("bids.show", bid_id=bid_id), code=303)
    elif request.method == "GET":
        form.fill(page)
    asked = "confirmed" in form.errors or bool(form.confirmed.data)
    return render_template("bids/new.html", page=page, form=form, comes_to=comes_to, asked=asked), form.status


@blueprint.route("/bids/<int:bid_id>")
@requires("bid.read")
def show(bid_id: int) -> ResponseReturnValue:
    """Show an own bid, and its result once there is one."""
    page = queries.bid_page(session(), actor(), bid_id, now=now())
    return render_template("bids/show.html", page=page, row=page.row)


@blueprint.route("/bids/<int:bid_id>/rules")
@requires("bid.read")
def rules(bid_id: int) -> ResponseReturnValue:
    """Hand out the rules that a bid was made on, to the byte."""
    return frozen_file(*bid_rules(session(), actor(), bid_id))


@blueprint.route("/bids/<int:bid_id>/withdraw", methods=["POST"])
@requires("bid.withdraw")
def withdraw(bid_id: int) -> ResponseReturnValue:
    """Take a bid back."""
    services.withdraw_bid(session(), actor(), bid_id, now=now())
    flash(gettext("The bid is withdrawn."), "use")
    return redirect(url_for("bids.show", bid_id=bid_id), code=303)


def _outcome(form: BidForm, page: BidFormPage) -> Outcome | None:
    if page.line is None or form.price.data is None:
        return None
    return outcome(
        form.price.data,
        transport=form.transport.data,
        freight=page.line.freight_fen_per_t,
        deduction=page.line.deduction_fen_per_t,
    )

"""What takes part in a round is handed in sealed, looked at and taken back."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.queries.roundoffers import offers_page
from marketplace.services import roundoffers as services
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.forms.roundoffers import ReserveForm, offer_form
from marketplace.web.i18n import gettext
from marketplace.web.routing import requires

blueprint = Blueprint("roundoffers", __name__)


@blueprint.get("/rounds/<int:round_id>/offers")
@requires("offer.read")
def index(round_id: int) -> ResponseReturnValue:
    """Show the own lines and listings in a round, and what stands of each."""
    return render_template("roundoffers/index.html", page=offers_page(session(), actor(), round_id, now=now()))


@blueprint.route("/rounds/<int:round_id>/offers/lines/<int:line_id>", methods=["GET", "POST"])
@requires("offer.read", changing="offer.hand_in")
def line(round_id: int, line_id: int) -> ResponseReturnValue:
    """Hand in what a line offers."""
    page = offers_page(session(), actor(), round_id, now=now())
    row = page.line(line_id)
    if not page.may:
        raise NotAllowed
    stated = {f"price_{code}": price for code, price in row.prices}
    form = offer_form(
        [code for code, _ in row.prices],
        **({"kg_per_month": row.capacity_kg_per_month} | stated if request.method == "GET" else {}),
    )
    if form.validate_on_submit():
        try:
            services.hand_in_offer(
                session(), actor(), round_id, line_id, form.command(),
                sealer=parts().sealer, confirmed=bool(form.confirmed.data), now=now(),
            )  # fmt: skip
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The offer is received and sealed. Nobody reads it before the round is run."), "use")
            return redirect(url_for("roundoffers.index", round_id=round_id), code=303)
    asked = "confirmed" in form.errors or bool(form.confirmed.data)
    return render_template("roundoffers/line.html", page=page, row=row, form=form, asked=asked), form.status


@blueprint.route("/rounds/<int:round_id>/offers/listings/<int:listing_id>", methods=["GET", "POST"])
@requires("offer.read", changing="offer.hand_in")
def listing(round_id: int, listing_id: int) -> ResponseReturnValue:
    """Hand in the reserve of a listing."""
    page = offers_page(session(), actor(), round_id, now=now())
    row = page.listing(listing_id)
    if not page.may:
        raise NotAllowed
    form = ReserveForm(**({"reserve": row.reserve_fen_per_t} if request.method == "GET" else {}))
    if form.validate_on_submit():
        try:
            services.hand_in_reserve(
                session(), actor(), round_id, listing_id, form.command(), sealer=parts().sealer, now=now()
            )
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The reserve is received and sealed. Nobody reads it before the round is run."), "use")
            return redirect(url_for("roundoffers.index", round_id=round_id), code=303)
    return render_template("roundoffers/listing.html", page=page, row=row, form=form), form.status


@blueprint.post("/offers/<int:offer_id>/withdraw")
@requires("offer.take_back")
def withdraw(offer_id: int) -> ResponseReturnValue:
    """Take back what was handed in."""
    round_id = services.take_back_offer(session(), actor(), offer_id, now=now())
    flash(gettext("It is taken back. What the line or the listing states holds again."), "use")
    return redirect(url_for("roundoffers.index", round_id=round_id), code=303)

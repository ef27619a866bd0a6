"""Pages of a producer's own listings."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.listings import CLOSING_HOUR
from marketplace.domain.quantities import Month
from marketplace.queries import listings as queries
from marketplace.queries.bidding import award_page
from marketplace.queries.listings import FormPage
from marketplace.queries.repeats import deal_again
from marketplace.queries.salerules import own_rules
from marketplace.services import listings as services
from marketplace.services.opening import open_bids as open_sealed
from marketplace.services.questions import answer_question
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.files import frozen_file
from marketplace.web.forms.listings import AwardForm, EndForm, ListingForm
from marketplace.web.forms.questions import AnswerForm
from marketplace.web.forms.rows import whole
from marketplace.web.i18n import gettext
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("listings", __name__)

ID = "<int:listing_id>"


@blueprint.route("/listings")
@requires("listing.read")
def index() -> ResponseReturnValue:
    """List the own listings."""
    return render_template("listings/index.html", page=queries.listings_page(session(), actor(), wish(), now=now()))


@blueprint.route("/streams/<int:stream_id>/listings/new", methods=["GET", "POST"])
@requires("listing.draft")
def new(stream_id: int) -> ResponseReturnValue:
    """List a stream: keep a draft, or publish at once; ``again`` begins with the goods of a contract."""
    form = ListingForm()
    again_of = whole(request.args.get("again")) if "again" in request.args else None
    if form.validate_on_submit():
        try:
            publish = request.form.get("action") == "publish"
            listing_id = services.post_listing(
                session(), actor(), stream_id, form.command(), publish=publish, again_of=again_of, now=now()
            )
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The listing is on the board.") if publish else gettext("The draft is kept."), "use")
            return redirect(url_for("listings.show", listing_id=listing_id), code=303)
    page = queries.form_page(session(), actor(), stream_id=stream_id, now=now())
    if request.method == "GET" and again_of is not None:
        form.fill(deal_again(session(), actor(), again_of, stream_id, now=now()))
    elif request.method == "GET":
        form.kg_per_month.data = page.generation_kg_per_month or None
        form.first_month.data = Month.of(now().date()).plus(1)
    return _form(form, page, url_for("listings.index"))


@blueprint.route(f"/listings/{ID}/edit", methods=["GET", "POST"])
@requires("listing.draft")
def edit(listing_id: int) -> ResponseReturnValue:
    """Change a listing, as far as that is still allowed."""
    page = queries.form_page(session(), actor(), listing_id=listing_id, now=now())
    form = ListingForm()
    if form.validate_on_submit():
        try:
            publish = request.form.get("action") == "publish"
            services.edit_listing(
                session(),
                actor(),
                listing_id,
                form.command(page.listing),
                publish=publish,
                confirmed=bool(form.confirmed.data),
                now=now(),
            )
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The listing is on the board.") if publish else gettext("The changes are kept."), "use")
            return redirect(url_for("listings.show", listing_id=listing_id), code=303)
    elif request.method == "GET" and page.listing is not None:
        form.fill(page.listing)
    return _form(form, page, url_for("listings.show", listing_id=listing_id))


@blueprint.route(f"/listings/{ID}")
@requires("listing.read")
def show(listing_id: int) -> ResponseReturnValue:
    """Show an own listing: what is spoken for, who could take it, what rounds left over and why."""
    return _show(listing_id, None, None)


@blueprint.route(f"/listings/{ID}/questions/<int:question_id>/answer", methods=["POST"])
@requires("question.answer")
def answer(listing_id: int, question_id: int) -> ResponseReturnValue:
    """Answer a question, or correct the answer."""
    form = AnswerForm()
    if form.validate_on_submit():
        try:
            answer_question(session(), actor(), listing_id, question_id, form.text.data or "", now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The answer is public; who asked and who has a bid is told by mail."), "use")
            return redirect(url_for("listings.show", listing_id=listing_id, _anchor="questions"), code=303)
    return _show(listing_id, form, question_id)


@blueprint.route(f"/listings/{ID}/publish", methods=["POST"])
@requires("listing.publish")
def publish(listing_id: int) -> ResponseReturnValue:
    """Put a draft on the board."""
    services.publish_listing(session(), actor(), listing_id, now=now())
    flash(gettext("The listing is on the board."), "use")
    return redirect(url_for("listings.show", listing_id=listing_id), code=303)


@blueprint.route(f"/listings/{ID}/renew", methods=["POST"])
@requires("listing.publish")
def renew(listing_id: int) -> ResponseReturnValue:
    """Say again that a listing holds."""
    services.renew_listing(session(), actor(), listing_id, now=now())
    flash(gettext("The listing stands for another 60 days."), "use")
    return redirect(url_for("listings.show", listing_id=listing_id), code=303)


@blueprint.route(f"/listings/{ID}/withdraw", methods=["POST"])
@requires("listing.draft")
def withdraw(listing_id: int) -> ResponseReturnValue:
    """Take a listing off the board, or throw a draft away."""
    services.withdraw_listing(session(), actor(), listing_id, now=now())
    flash(gettext("The listing is withdrawn."), "use")
    return redirect(url_for("listings.index"), code=303)


@blueprint.route(f"/listings/{ID}/rules")
@requires("listing.read")
def rules(listing_id: int) -> ResponseReturnValue:
    """Hand out the rules of an own sale, to the byte."""
    return frozen_file(*own_rules(session(), actor(), listing_id))


@blueprint.route(f"/listings/{ID}/bids")
@requires("listing.read")
def award(listing_id: int) -> ResponseReturnValue:
    """Show the bids once they are opened, ranked by what the producer nets."""
    return _award(listing_id, None, EndForm())


@blueprint.route(f"/listings/{ID}/bids/open", methods=["POST"])
@requires("listing.open")
def open_bids(listing_id: int) -> ResponseReturnValue:
    """Open the sealed bids, where the worker has not done so yet."""
    open_sealed(session(), actor(), listing_id, sealer=parts().sealer, now=now())
    flash(gettext("The bids are opened."), "use")
    return redirect(url_for("listings.award", listing_id=listing_id), code=303)


@blueprint.route(f"/listings/{ID}/bids/<int:bid_id>/award", methods=["POST"])
@requires("listing.award")
def award_bid(listing_id: int, bid_id: int) -> ResponseReturnValue:
    """Award so many tonnes a month to a bid."""
    form = AwardForm()
    refusal: Invalid | Conflict | None = None
    if form.validate_on_submit():
        try:
            award_id = services.award_bid(session(), actor(), bid_id, form.kg_per_month.data or 0, now=now())
        except (Invalid, Conflict) as refused:
            refusal = refused
        else:
            flash(
                gettext(
                    "The award is made and its tonnes are reserved. Read the text and sign it: both sides have three"
                    " business days."
                ),
                "use",
            )
            return redirect(url_for("awards.show", award_id=award_id, _anchor="sign"), code=303)
    else:
        refusal = Invalid("Say how many tonnes per month are awarded.")
    return _award(listing_id, refusal, EndForm(formdata=None))


@blueprint.route(f"/listings/{ID}/bids/end", methods=["POST"])
@requires("listing.award")
def end(listing_id: int) -> ResponseReturnValue:
    """End the bidding."""
    form = EndForm()
    if form.validate_on_submit():
        try:
            services.end_bidding(session(), actor(), listing_id, form.reason.data or "", now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The bidding is ended. Each bidder reads the own result."), "use")
            return redirect(url_for("listings.award", listing_id=listing_id), code=303)
    return _award(listing_id, None, form)


def _show(listing_id: int, refused: AnswerForm | None, question_id: int | None) -> ResponseReturnValue:
    """Show an own listing; one of its questions with the answer that was refused, if one was."""
    page = queries.listing_page(session(), actor(), listing_id, now=now())
    return render_template(
        "listings/show.html", page=page, refused=refused, refused_id=question_id
    ), refused.status if refused is not None else 200


def _award(listing_id: int, refusal: Invalid | Conflict | None, form: EndForm) -> ResponseReturnValue:
    page = award_page(session(), actor(), listing_id, now=now())
    status = status_of(refusal) if refusal is not None else form.status
    return render_template("listings/award.html", page=page, form=form, refusal=refusal), status


def _form(form: ListingForm, page: FormPage, back: str) -> ResponseReturnValue:
    return render_template(
        "listings/form.html", page=page, form=form, back=back, closing_hour=CLOSING_HOUR
    ), form.status

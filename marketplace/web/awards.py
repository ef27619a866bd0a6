"""Awards: what a round or a bidding proposes, why, and the answer of each side."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.contracts import Side
from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.queries import awards as reading
from marketplace.queries.counterparties import counterparty_page
from marketplace.services import awards
from marketplace.services.signing import prove
from marketplace.web.auth import origin
from marketplace.web.context import actor, now, parts, session
from marketplace.web.forms.awards import AcceptForm, DeclineForm
from marketplace.web.i18n import gettext
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("awards", __name__)


@blueprint.get("/awards")
@requires("award.read")
def index() -> ResponseReturnValue:
    """Show the awards of the own organization, those that wait first."""
    return render_template("awards/index.html", page=reading.awards_index(session(), actor(), wish(), now=now()))


@blueprint.get("/awards/<int:award_id>")
@requires("award.read")
def show(award_id: int) -> ResponseReturnValue:
    """Show one award with its reasons, its money and its proof."""
    page = reading.award_page(session(), actor(), award_id, now=now())
    return render_template("awards/show.html", page=page, form=AcceptForm(formdata=None))


@blueprint.get("/awards/<int:award_id>/producer")
@requires("award.read")
def producer(award_id: int) -> ResponseReturnValue:
    """Show who the producer of an award is, and what became of its deals."""
    return _file(award_id, "producer")


@blueprint.get("/awards/<int:award_id>/recycler")
@requires("award.read")
def recycler(award_id: int) -> ResponseReturnValue:
    """Show who the recycler of an award is, its permits, and what became of its deals."""
    return _file(award_id, "recycler")


def _file(award_id: int, side: Side) -> ResponseReturnValue:
    return render_template("awards/file.html", page=counterparty_page(session(), actor(), award_id, side, now=now()))


@blueprint.post("/awards/<int:award_id>/accept")
@requires("award.answer")
def accept(award_id: int) -> ResponseReturnValue:
    """Sign the text that was shown, with the password typed afresh."""
    form = AcceptForm()
    page = reading.award_page(session(), actor(), award_id, now=now())
    if not page.may_answer:
        raise NotAllowed
    valid = form.validate()
    if form.terms_sha256.errors:
        raise Conflict("The text of the contract is another by now. Read it again before you accept.")
    if page.terms is None or form.terms_sha256.data != page.terms.sha256:
        raise Conflict("The text of the contract is another by now. Read it again before you accept.")
    proof = None
    if valid:
        try:
            proof = prove(session(), parts().passwords, actor(), form.password.data or "", origin(), now=now())
        except Invalid as refusal:
            form.show(refusal)
    if proof is None:
        return render_template("awards/show.html", page=page, form=form), 422
    contract_id = awards.accept_award(
        session(), actor(), award_id, terms_sha256=form.terms_sha256.data, proof=proof, now=now()
    )
    if contract_id is not None:
        flash(gettext("Both sides have accepted: this is the contract."), "use")
        return redirect(url_for("contracts.show", contract_id=contract_id), code=303)
    flash(gettext("Accepted. It becomes a contract when the other side accepts too."), "use")
    return redirect(url_for("awards.show", award_id=award_id), code=303)


@blueprint.route("/awards/<int:award_id>/decline", methods=["GET", "POST"])
@requires("award.read", changing="award.answer")
def decline(award_id: int) -> ResponseReturnValue:
    """Decline an award, with a reason."""
    page = reading.award_page(session(), actor(), award_id, now=now())
    if not page.may_answer:
        raise NotAllowed
    form = DeclineForm()
    if form.validate_on_submit():
        try:
            awards.decline_award(session(), actor(), award_id, form.reason.data or "", now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Declined. The tonnes are free again, and the other side has been told."), "use")
            return redirect(url_for("awards.show", award_id=award_id), code=303)
    return render_template("awards/decline.html", page=page, form=form), form.status

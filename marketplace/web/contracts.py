"""Contracts: what both sides signed, read and printed in both languages; changed by versions that both sign; ended."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.queries import amendments as changes
from marketplace.queries import contracts as reading
from marketplace.services import amendments, terminations
from marketplace.services.signing import FreshProof, prove
from marketplace.web.auth import origin
from marketplace.web.context import actor, now, parts, session
from marketplace.web.files import pdf_file
from marketplace.web.forms.contracts import DeclineForm, SignForm, TerminateForm, amend_form
from marketplace.web.forms.rows import whole
from marketplace.web.i18n import gettext, speaking
from marketplace.web.lists import language_asked, wish
from marketplace.web.routing import requires

blueprint = Blueprint("contracts", __name__)

ONE = "/contracts/<int:contract_id>"
VERSION = f"{ONE}/changes/<int:amendment_id>"


@blueprint.get("/contracts")
@requires("contract.read")
def index() -> ResponseReturnValue:
    """Show the contracts of the own organization, newest first."""
    return render_template("contracts/index.html", page=reading.contracts_index(session(), actor(), wish(), now=now()))


@blueprint.get(ONE)
@requires("contract.read")
def show(contract_id: int) -> ResponseReturnValue:
    """Show one contract, by the version in force or the one that is asked for."""
    return render_template("contracts/show.html", page=_page(contract_id))


@blueprint.get(f"{ONE}/print")
@requires("contract.read")
def paper(contract_id: int) -> ResponseReturnValue:
    """Show one contract as a paper, in the language that is asked for."""
    page = _page(contract_id)
    with speaking(language_asked()):
        return render_template("contracts/print.html", page=page, no_pdf=bool(request.args.get("no_pdf")))


@blueprint.get(f"{ONE}/pdf")
@requires("contract.read")
def pdf(contract_id: int) -> ResponseReturnValue:
    """Hand out one contract as a PDF; where none can be written, go to the page to print, which says so."""
    page = _page(contract_id)
    with speaking(language_asked()):
        content = parts().printer.pdf(render_template("contracts/print.html", page=page, frame="pdf.html"))
    if content is None:
        asked: dict[str, Any] = {name: request.args[name] for name in ("language", "version") if name in request.args}
        return redirect(url_for("contracts.paper", contract_id=contract_id, no_pdf=1, **asked), code=303)
    version = f"-v{page.version}" if page.version > 1 else ""
    return pdf_file(f"{page.number}{version}.pdf", content)


@blueprint.route(f"{ONE}/change", methods=["GET", "POST"])
@requires("contract.read", changing="contract.change")
def change(contract_id: int) -> ResponseReturnValue:
    """Propose a new version: another price, other months."""
    page = reading.contract_page(session(), actor(), contract_id, now=now())
    if request.method == "POST" and not page.may_change:
        raise NotAllowed
    plan = changes.plan_page(session(), contract_id, page.terms, now=now())
    form = amend_form(plan.months, page.terms.price_fen_per_t)
    if form.validate_on_submit():
        try:
            new = form.command(month for month, _, _ in plan.months)
            made = amendments.propose_amendment(session(), actor(), contract_id, new, now=now())
        except Invalid as refusal:
            form.show(refusal)
        except Conflict as refusal:
            form.show(refusal, 409)
        else:
            flash(
                gettext("Proposed. Read the new text and sign it; it is in force when the other side signs too."), "use"
            )
            return redirect(url_for("contracts.version", contract_id=contract_id, amendment_id=made), code=303)
    return render_template("contracts/change.html", page=page, plan=plan, form=form), form.status


@blueprint.get(VERSION)
@requires("contract.read")
def version(contract_id: int, amendment_id: int) -> ResponseReturnValue:
    """Show a proposed version: what it changes, the whole text, and who has signed."""
    page = changes.amendment_page(session(), actor(), contract_id, amendment_id, now=now())
    return _version(page, SignForm(formdata=None), DeclineForm(formdata=None))


@blueprint.post(f"{VERSION}/sign")
@requires("contract.change")
def sign(contract_id: int, amendment_id: int) -> ResponseReturnValue:
    """Sign a proposed version, with the password typed afresh."""
    page = changes.amendment_page(session(), actor(), contract_id, amendment_id, now=now())
    if not page.may_change:
        raise NotAllowed
    form = SignForm()
    proof = _proof(form, page.version.terms_sha256)
    if proof is None:
        return _version(page, form, DeclineForm(formdata=None), 422)
    done = amendments.sign_amendment(
        session(), actor(), contract_id, amendment_id, proof=proof, terms_sha256=page.version.terms_sha256, now=now()
    )
    if done:
        flash(gettext("Both sides have signed: this version is in force."), "use")
        return redirect(url_for("contracts.show", contract_id=contract_id), code=303)
    flash(gettext("Signed. It is in force when the other side signs too."), "use")
    return redirect(url_for("contracts.version", contract_id=contract_id, amendment_id=amendment_id), code=303)


@blueprint.post(f"{VERSION}/withdraw")
@requires("contract.change")
def withdraw(contract_id: int, amendment_id: int) -> ResponseReturnValue:
    """Withdraw what the own side proposed."""
    amendments.withdraw_amendment(session(), actor(), contract_id, amendment_id, now=now())
    flash(gettext("Withdrawn. The contract stands as it is."), "use")
    return redirect(url_for("contracts.show", contract_id=contract_id), code=303)


@blueprint.post(f"{VERSION}/decline")
@requires("contract.change")
def decline(contract_id: int, amendment_id: int) -> ResponseReturnValue:
    """Decline what the other side proposed, with a reason."""
    page = changes.amendment_page(session(), actor(), contract_id, amendment_id, now=now())
    form = DeclineForm()
    if form.validate():
        try:
            reason = form.reason.data or ""
            amendments.decline_amendment(session(), actor(), contract_id, amendment_id, reason, now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Declined. The contract stands as it is, and the other side has been told."), "use")
            return redirect(url_for("contracts.show", contract_id=contract_id), code=303)
    return _version(page, SignForm(formdata=None), form, form.status)


@blueprint.route(f"{ONE}/terminate", methods=["GET", "POST"])
@requires("contract.read", changing="contract.change")
def terminate(contract_id: int) -> ResponseReturnValue:
    """End a contract before its time, with a cause and the password typed afresh."""
    page = reading.contract_page(session(), actor(), contract_id, now=now())
    if request.method == "POST" and not page.may_change:
        raise NotAllowed
    form = TerminateForm()
    if form.is_submitted():
        proof = _proof(form, page.terms_sha256)
        if proof is not None:
            try:
                terminations.terminate_contract(
                    session(),
                    actor(),
                    contract_id,
                    form.command(),
                    proof=proof,
                    terms_sha256=page.terms_sha256,
                    now=now(),
                )
            except Invalid as refusal:
                form.show(refusal)
            else:
                flash(gettext("The contract is terminated. What was not delivered is free again."), "use")
                return redirect(url_for("contracts.show", contract_id=contract_id), code=303)
    planned = changes.planned_this_month(session(), page.deal.id, now=now())
    return render_template("contracts/terminate.html", page=page, form=form, planned_kg=planned), form.status


def _page(contract_id: int) -> reading.ContractPage:
    wished = whole(request.args.get("version")) or None
    return reading.contract_page(session(), actor(), contract_id, version=wished, now=now())


def _proof(form: Any, digest: str) -> FreshProof | None:
    """Return the proof that goes with a form; none if it is to be mended. Raises Conflict if another text was read."""
    valid = form.validate()
    if form.terms_sha256.errors or form.terms_sha256.data != digest:
        raise Conflict("The text of the contract is another by now. Read it again before you accept.")
    if not valid:
        return None
    try:
        return prove(session(), parts().passwords, actor(), form.password.data or "", origin(), now=now())
    except Invalid as refusal:
        form.show(refusal)
        return None


def _version(
    page: changes.AmendmentPage, form: SignForm, declining: DeclineForm, status: int = 200
) -> ResponseReturnValue:
    return render_template("contracts/version.html", page=page, form=form, declining=declining), status

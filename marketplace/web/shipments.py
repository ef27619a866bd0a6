"""Shipments: planned, weighed at both ends, received or rejected, and used; and the note that travels with each."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.listings import month_at
from marketplace.domain.shipments import TOLERANCE_PERMILLE
from marketplace.domain.tickets import End
from marketplace.queries.contracts import contract_page
from marketplace.queries.shipments import ShipmentPage, shipment_page, shipments_index, weighing_page
from marketplace.services import shipments as services
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.files import pdf_file
from marketplace.web.forms.base import MarketForm
from marketplace.web.forms.shipments import PlanForm, ReasonForm, TicketForm, UseForm, WeightForm
from marketplace.web.i18n import gettext, speaking
from marketplace.web.lists import language_asked, wish
from marketplace.web.qrcodes import qr
from marketplace.web.routing import could, requires

blueprint = Blueprint("shipments", __name__)

ONE = "/shipments/<int:shipment_id>"


@blueprint.get("/shipments")
@requires("shipment.read")
def index() -> ResponseReturnValue:
    """Show the shipments of the own organization, the latest first."""
    return render_template(
        "shipments/index.html",
        listed=shipments_index(session(), actor(), wish()),
        may_weigh=could("shipment.weigh"),
        may_plan=could("shipment.plan"),
    )


@blueprint.get("/weighing")
@requires("shipment.weigh")
def weighing() -> ResponseReturnValue:
    """Show what the own weighbridges expect, on a phone."""
    return render_template("shipments/weighing.html", page=weighing_page(session(), actor()))


@blueprint.route("/contracts/<int:contract_id>/shipments/new", methods=["GET", "POST"])
@requires("contract.read", changing="shipment.plan")
def plan(contract_id: int) -> ResponseReturnValue:
    """Plan a vehicle under a contract."""
    page = contract_page(session(), actor(), contract_id, now=now())
    if page.side is None and request.method == "POST":
        raise NotAllowed
    form = PlanForm()
    if form.validate_on_submit():
        try:
            made = services.plan_shipment(session(), actor(), form.command(contract_id), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The vehicle is planned. The weighbridge finds it in its list."), "use")
            return redirect(url_for("shipments.show", shipment_id=made), code=303)
    listed = shipments_index(session(), actor(), wish(), contract_id=contract_id)
    return render_template("shipments/plan.html", page=page, form=form, listed=listed), form.status


@blueprint.get(ONE)
@requires("shipment.read")
def show(shipment_id: int) -> ResponseReturnValue:
    """Show one shipment: where it is, its tickets, and what is to be done."""
    return _show(shipment_page(session(), actor(), shipment_id))


@blueprint.route(f"{ONE}/weigh/<place>", methods=["GET", "POST"])
@requires("shipment.weigh")
def weigh(shipment_id: int, place: str) -> ResponseReturnValue:
    """Enter the ticket of one end, or a later version of it."""
    page = shipment_page(session(), actor(), shipment_id)
    end = _end(place)
    stands = page.tickets[end][0] if page.tickets[end] else None
    if request.method == "GET" and page.may.weigh != end and end not in page.may.correct:
        return redirect(url_for("shipments.show", shipment_id=shipment_id), code=303)
    form = TicketForm()
    if request.method == "GET":
        form.fill(stands, now())
    if form.validate_on_submit():
        try:
            _weigh(page, end, form, corrects=stands is not None and page.may.weigh != end)
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The ticket is kept."), "use")
            return redirect(url_for("shipments.show", shipment_id=shipment_id), code=303)
    return render_template("shipments/weigh.html", page=page, place=end, form=form, stands=stands), form.status


@blueprint.post(f"{ONE}/cancel")
@requires("shipment.plan")
def cancel(shipment_id: int) -> ResponseReturnValue:
    """Cancel a vehicle that has not left."""
    form = ReasonForm()
    return _act(
        shipment_id, form,
        lambda: services.cancel_shipment(session(), actor(), shipment_id, form.reason.data or "", now=now()),
        gettext("The shipment is cancelled."),
    )  # fmt: skip


@blueprint.post(f"{ONE}/receive")
@requires("shipment.receive")
def receive(shipment_id: int) -> ResponseReturnValue:
    """Take in what was weighed in."""
    state = services.receive(session(), actor(), shipment_id, now=now())
    if state == "disputed":
        flash(
            gettext("The two scales differ by more than they may. Both sides have been told; agree on a weight."),
            "wait",
        )
    else:
        flash(gettext("Received: the weight at the destination counts."), "use")
    return redirect(url_for("shipments.show", shipment_id=shipment_id), code=303)


@blueprint.post(f"{ONE}/reject")
@requires("shipment.receive")
def reject(shipment_id: int) -> ResponseReturnValue:
    """Refuse what was weighed in, with a reason."""
    form = ReasonForm()
    return _act(
        shipment_id, form,
        lambda: services.reject(session(), actor(), shipment_id, form.reason.data or "", now=now()),
        gettext("Rejected: the load goes back, and the other side is told why."),
    )  # fmt: skip


@blueprint.post(f"{ONE}/return")
@requires("shipment.weigh")
def take_back(shipment_id: int) -> ResponseReturnValue:
    """Say that a rejected load is back at the plant."""
    services.take_back(session(), actor(), shipment_id, now=now())
    flash(gettext("It is back; its tonnes are free again."), "use")
    return redirect(url_for("shipments.show", shipment_id=shipment_id), code=303)


@blueprint.post(f"{ONE}/weight")
@requires("shipment.agree")
def propose(shipment_id: int) -> ResponseReturnValue:
    """Propose the weight that is to count, or agree to the one that the other side proposed."""
    form = WeightForm()
    return _act(
        shipment_id, form,
        lambda: services.propose_weight(session(), actor(), shipment_id, form.kg.data or 0, now=now()),
        gettext("Your weight is kept. It counts when the other side proposes the same."),
    )  # fmt: skip


@blueprint.post(f"{ONE}/use")
@requires("shipment.use")
def use(shipment_id: int) -> ResponseReturnValue:
    """Confirm in which month it was used."""
    form = UseForm()
    return _act(
        shipment_id, form, lambda: services.use(session(), actor(), shipment_id, form.command(), now=now()),
        gettext("Confirmed: it counts as utilized for its generator."),
    )  # fmt: skip


@blueprint.get(f"{ONE}/note")
@requires("shipment.read")
def note(shipment_id: int) -> ResponseReturnValue:
    """Show the transfer note as a paper."""
    page = shipment_page(session(), actor(), shipment_id)
    with speaking(language_asked()):
        return render_template(
            "shipments/note.html", page=page, qr=_qr(shipment_id), no_pdf=bool(request.args.get("no_pdf"))
        )


@blueprint.get(f"{ONE}/note/pdf")
@requires("shipment.read")
def note_pdf(shipment_id: int) -> ResponseReturnValue:
    """Hand out the transfer note as a PDF; where none can be written, go to the page to print."""
    page = shipment_page(session(), actor(), shipment_id)
    with speaking(language_asked()):
        content = parts().printer.pdf(
            render_template("shipments/note.html", page=page, qr=_qr(shipment_id), frame="pdf.html")
        )
    if content is None:
        return redirect(url_for("shipments.note", shipment_id=shipment_id, no_pdf=1), code=303)
    return pdf_file(f"{page.row.record_no or page.row.id}.pdf", content)


def _end(place: str) -> End:
    if place == "origin":
        return "origin"
    if place == "destination":
        return "destination"
    raise NotFound


def _weigh(page: ShipmentPage, end: End, form: TicketForm, *, corrects: bool) -> None:
    ticket, shipment_id = form.command(), page.row.id
    if corrects:
        services.correct_ticket(session(), actor(), shipment_id, end, ticket, now=now())
    elif end == "origin":
        services.dispatch(session(), actor(), shipment_id, ticket, now=now())
    else:
        services.arrive(session(), actor(), shipment_id, ticket, now=now())


def _act(shipment_id: int, form: MarketForm, act: Callable[[], object], done: str) -> ResponseReturnValue:
    """Do what a small form of the page asks, and show the page with what is wrong in it otherwise."""
    page = shipment_page(session(), actor(), shipment_id)
    if form.validate_on_submit():
        try:
            act()
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(done, "use")
            return redirect(url_for("shipments.show", shipment_id=shipment_id), code=303)
    return _show(page, form)


def _show(page: ShipmentPage, wrong: MarketForm | None = None) -> ResponseReturnValue:
    def form(kind: type[MarketForm]) -> MarketForm:
        return wrong if isinstance(wrong, kind) else kind(formdata=None)

    forms = {"reason": form(ReasonForm), "weight": form(WeightForm), "use": form(UseForm)}
    if wrong is None:
        forms["weight"]["kg"].data = page.proposed_kg if page.proposed_kg is not None else page.row.in_kg
        forms["use"]["month"].data = month_at(now())
    tolerance = f"{TOLERANCE_PERMILLE / 10:g} %"
    return render_template(
        "shipments/show.html", may_read_contract=could("contract.read"), page=page, tolerance=tolerance, forms_of=forms
    ), wrong.status if wrong else 200


def _qr(shipment_id: int) -> str:
    return qr(parts().settings.public_url + url_for("shipments.show", shipment_id=shipment_id))

"""What of the lines of a park is committed: the list, a file of it, one line, and the form that lowers a capacity."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.domain.quantities import Month
from marketplace.queries.commitments import CommitmentsPage, commitment_page, commitments_page
from marketplace.queries.lines import line_page
from marketplace.services.capacities import lower_capacity
from marketplace.web.context import actor, now, session
from marketplace.web.csvfiles import csv_file, tonnes_cell
from marketplace.web.errors import status_of
from marketplace.web.filters import pick
from marketplace.web.forms.commitments import LowerForm
from marketplace.web.i18n import gettext
from marketplace.web.routing import requires

blueprint = Blueprint("commitments", __name__)


@blueprint.get("/parks/<int:park_id>/commitments")
@requires("park.read")
def index(park_id: int) -> ResponseReturnValue:
    """Show what is committed of the lines of a park, over-committed ones first."""
    page = commitments_page(session(), actor(), park_id, first=_month(), now=now())
    return render_template("commitments/index.html", page=page, today=now().date())


@blueprint.get("/parks/<int:park_id>/commitments.csv")
@requires("park.read")
def export(park_id: int) -> Response:
    """Give the same as a file, a row for each line and month."""
    page = commitments_page(session(), actor(), park_id, first=_month(), now=now())
    return csv_file(f"commitments-{park_id}-{page.month}.csv", _rows(page))


@blueprint.get("/parks/<int:park_id>/commitments/<int:line_id>")
@requires("park.read")
def show(park_id: int, line_id: int) -> ResponseReturnValue:
    """Show by which awards and contracts a line is committed."""
    page = commitment_page(session(), actor(), park_id, line_id, now=now())
    return render_template("commitments/show.html", page=page, today=now().date())


@blueprint.route("/permits/<int:line_id>/capacity", methods=["GET", "POST"])
@requires("permit.verify")
def lower(line_id: int) -> ResponseReturnValue:
    """State for the park that a line may take in less than it says."""
    page = line_page(session(), actor(), line_id, now=now())
    if not page.may_lower:
        raise NotAllowed
    form = LowerForm()
    if request.method == "GET":
        form.capacity_kg_per_month.data = page.capacity_kg_per_month
        form.capacity_kg_per_year.data = page.capacity_kg_per_year
    if form.validate_on_submit():
        try:
            lower_capacity(session(), actor(), line_id, form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(
                gettext("The capacity is lowered; the signatories of the recycler are told the reason by mail."), "use"
            )
            return redirect(url_for("lines.show", line_id=line_id), code=303)
    return render_template("commitments/lower.html", page=page, form=form), form.status


def _rows(page: CommitmentsPage) -> Iterator[list[object]]:
    yield [
        gettext("Organization"), gettext("Intake line"), gettext("Permit"), gettext("Valid until"), gettext("Verified"),
        gettext("Month"), gettext("Approved"), gettext("Contracted"), gettext("Reserved"), gettext("Free"),
        gettext("Over-committed"), gettext("Overseen by this park"),
    ]  # fmt: skip
    yes, no = gettext("yes"), gettext("no")
    for line in page.lines:
        for month, each in line.committed.months:
            yield [
                pick(line.organization_zh, line.organization_en), pick(line.name, line.name_en), line.permit_no,
                line.permit_valid_until, yes if line.permit_verified else no, str(month),
                *(tonnes_cell(kg) for kg in (each.capacity_kg, each.contracted_kg, each.reserved_kg)),
                tonnes_cell(line.committed.free_kg(month)), tonnes_cell(each.over_kg), yes,
            ]  # fmt: skip
    for other in page.outside:
        for month, each in other.months:
            yield [
                pick(other.organization_zh, other.organization_en), pick(other.name, other.name_en), None, None, None,
                str(month), None, tonnes_cell(each.contracted_kg), tonnes_cell(each.reserved_kg), None, None, no,
            ]  # fmt: skip


def _month() -> Month | None:
    """Read the first month from the address. Raises Invalid, which names the field."""
    text = request.args.get("month", "")
    return Month.parse(text, field="month") if text else None

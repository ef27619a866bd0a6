"""The platform: parks and who is appointed to them, and the tables of the field for everybody."""

from __future__ import annotations

from decimal import Decimal

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.queries import platform as reading
from marketplace.queries.reference import TABLES, reference_page
from marketplace.queries.workdays import calendar_page
from marketplace.services import platform, workdays
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.forms.platform import AppointForm, DayForm, ParkForm
from marketplace.web.i18n import gettext, locale
from marketplace.web.routing import requires

blueprint = Blueprint("platform", __name__)


@blueprint.get("/platform")
@requires("platform.read")
def index() -> ResponseReturnValue:
    """Show the parks, who is appointed, and whether everything works."""
    own = parts()
    page = reading.platform_page(session(), actor(), own.settings.migrations_folder, own.sealer, now=now())
    return render_template("platform/index.html", page=page)


@blueprint.route("/platform/parks/new", methods=["GET", "POST"])
@requires("platform.keep")
def new_park() -> ResponseReturnValue:
    """Add a park."""
    form = ParkForm(kind="estate")
    if form.validate_on_submit():
        try:
            platform.found_park(session(), actor(), form.command(), now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("The park is there. Appoint an administrator, who verifies its members."), "use")
            return redirect(url_for("platform.index"), code=303)
    return render_template("platform/park.html", form=form, park=None), form.status


@blueprint.route("/platform/parks/<int:park_id>", methods=["GET", "POST"])
@requires("platform.keep")
def edit_park(park_id: int) -> ResponseReturnValue:
    """Change a park."""
    park = reading.park_to_edit(session(), actor(), park_id)
    form = ParkForm(obj=park, division=park.division_code, goal=Decimal(park.goal_permille) / 10)
    if form.validate_on_submit():
        try:
            platform.edit_park(session(), actor(), park_id, form.command(), now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Saved."), "use")
            return redirect(url_for("platform.index"), code=303)
    return render_template("platform/park.html", form=form, park=park), form.status


@blueprint.route("/platform/appoint", methods=["GET", "POST"])
@requires("platform.keep")
def appoint() -> ResponseReturnValue:
    """Appoint somebody to a park or the platform."""
    form = AppointForm(role="park_administrator")
    form.offer(reading.parks_to_appoint(session(), actor()))
    if form.validate_on_submit():
        try:
            platform.appoint(
                session(),
                actor(),
                form.email.data,
                form.name.data,
                form.role.data,
                form.park,
                language=locale(),
                now=now(),
            )
        except (Invalid, Conflict) as refusal:
            form.show(refusal, 409 if isinstance(refusal, Conflict) else 422)
        else:
            flash(gettext("Appointed; they are told by mail."), "use")
            return redirect(url_for("platform.index"), code=303)
    return render_template("platform/appoint.html", form=form), form.status


@blueprint.post("/platform/appointments/<int:appointment_id>/end")
@requires("platform.keep")
def dismiss(appointment_id: int) -> ResponseReturnValue:
    """End an appointment."""
    platform.dismiss(session(), actor(), appointment_id, now=now())
    flash(gettext("The appointment has ended."), "use")
    return redirect(url_for("platform.index") if "operator" in actor().roles else url_for("today.show"), code=303)


@blueprint.route("/platform/calendar", methods=["GET", "POST"])
@requires("platform.read", changing="platform.keep")
def calendar() -> ResponseReturnValue:
    """Show a year of the calendar of business days; enter a day."""
    page = calendar_page(session(), actor(), request.args.get("year", type=int), now=now())
    if request.method == "POST" and not page.may_keep:
        raise NotAllowed
    form = DayForm(works="no", confidence="high")
    if form.validate_on_submit():
        try:
            new = form.command()
            workdays.enter_day(session(), actor(), new, now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("Kept. Deadlines that were told already stay as they are."), "use")
            return redirect(url_for("platform.calendar", year=new.day.year), code=303)
    return render_template("platform/calendar.html", page=page, form=form), form.status


@blueprint.post("/platform/calendar/<int:day_id>/take-back")
@requires("platform.keep")
def take_back_day(day_id: int) -> ResponseReturnValue:
    """Take back what was said of a day."""
    workdays.take_back_day(session(), actor(), day_id, now=now())
    flash(gettext("Taken back. Deadlines that were told already stay as they are."), "use")
    return redirect(url_for("platform.calendar"), code=303)


@blueprint.get("/reference")
@requires("reference.read")
def reference() -> ResponseReturnValue:
    """Show a table of the field."""
    page = reference_page(
        request.args.get("table", ""), request.args.get("q", "")[:80], request.args.get("page", 1, type=int)
    )
    return render_template("platform/reference.html", page=page, tables_shown=TABLES)

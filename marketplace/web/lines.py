"""Pages of intake lines."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.queries import lines as queries
from marketplace.queries import sites as site_queries
from marketplace.services import lines as services
from marketplace.web.context import actor, now, session
from marketplace.web.errors import status_of
from marketplace.web.forms.lines import LineForm
from marketplace.web.forms.rows import whole
from marketplace.web.i18n import gettext
from marketplace.web.lists import link, wish
from marketplace.web.routing import requires

blueprint = Blueprint("lines", __name__)


@blueprint.route("/lines")
@requires("line.read")
def index() -> ResponseReturnValue:
    """List the intake lines."""
    retired = request.args.get("state") == "retired"
    page = queries.lines_page(session(), actor(), wish(), now=now(), retired=retired)
    return render_template("lines/index.html", page=page, retired=retired, today=now().date())


@blueprint.route("/lines/<int:line_id>")
@requires("line.read")
def show(line_id: int) -> ResponseReturnValue:
    """Show an intake line: what it takes, its limits, its capacity card."""
    page = queries.line_page(session(), actor(), line_id, now=now())
    near_url = link("board.near", line=page.id) if page.may_keep else None
    return render_template("lines/show.html", page=page, near_url=near_url, today=now().date())


@blueprint.route("/lines/new", methods=["GET", "POST"])
@requires("line.keep")
def new() -> ResponseReturnValue:
    """Keep an intake line, from nothing or as a copy of another."""
    sites = site_queries.site_choices(session(), actor(), "line.keep")
    form = LineForm()
    form.set_up(sites)
    copied = whole(request.args.get("copy"))
    if request.method == "GET" and copied:
        form.fill(queries.line_to_keep(session(), actor(), copied, now=now()), copy=True)
    if _is_final(form):
        try:
            line_id = services.add_line(session(), actor(), form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The intake line is kept. It takes part once the park has verified its permit."), "use")
            return redirect(url_for("lines.show", line_id=line_id), code=303)
    return render_template("lines/form.html", form=form, page=None, has_site=bool(sites)), form.status


@blueprint.route("/lines/<int:line_id>/edit", methods=["GET", "POST"])
@requires("line.keep")
def edit(line_id: int) -> ResponseReturnValue:
    """Change an intake line."""
    page = queries.line_to_keep(session(), actor(), line_id, now=now())
    form = LineForm()
    form.set_up([site_queries.SiteChoice(page.site_id, page.site, page.site_en, page.division_code)])
    form.site_id.data = page.site_id
    if request.method == "GET":
        form.fill(page)
    if _is_final(form):
        try:
            services.edit_line(session(), actor(), line_id, form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The intake line is changed."), "use")
            _tell_permit(page, line_id)
            return redirect(url_for("lines.show", line_id=line_id), code=303)
    return render_template("lines/form.html", form=form, page=page, has_site=True), form.status


@blueprint.route("/lines/<int:line_id>/retire", methods=["POST"])
@requires("line.keep")
def retire(line_id: int) -> ResponseReturnValue:
    """Retire an intake line."""
    services.retire_line(session(), actor(), line_id, now=now())
    flash(gettext("The intake line is retired. Nothing of it is lost."), "use")
    return redirect(url_for("lines.show", line_id=line_id), code=303)


def _is_final(form: LineForm) -> bool:
    """Whether the form is sent to be kept, and can be read; the buttons that add rows or limits keep nothing."""
    step = request.form.get("step")
    if step == "rows":
        form.add_rows()
        return False
    if step == "suggest":
        if not form.suggest():
            flash(gettext("No further limits are usual for this route and these materials. Choose both first."), "wait")
        return False
    return bool(form.validate_on_submit())


def _tell_permit(before: queries.LinePage, line_id: int) -> None:
    after = queries.line_page(session(), actor(), line_id, now=now())
    if before.permit_verified_at is not None and after.permit_verified_at is None:
        flash(
            gettext(
                "Permit or capacity changed, so the park verifies it again. Until then the line takes part in nothing."
            ),
            "wait",
        )

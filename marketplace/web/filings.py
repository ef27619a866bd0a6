"""Pages of filings across provinces."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.organizations import credit_code
from marketplace.queries import filings as queries
from marketplace.services import filings as services
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.forms.filings import FilingForm
from marketplace.web.forms.rows import whole
from marketplace.web.i18n import gettext
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("filings", __name__)


@blueprint.route("/filings")
@requires("filing.read")
def index() -> ResponseReturnValue:
    """List the filings."""
    page = queries.filings_page(session(), actor(), wish(), today=_today())
    return render_template("filings/index.html", page=page)


@blueprint.route("/filings/new", methods=["GET", "POST"])
@requires("filing.keep")
def new() -> ResponseReturnValue:
    """Keep a filing that the authority confirmed."""
    streams = queries.streams_to_file(session(), actor())
    form = FilingForm()
    form.set_up(streams)
    if request.method == "GET" and request.args.get("stream"):
        form.stream_id.data = whole(request.args["stream"])
    looked = request.form.get("step") == "find"
    found = _look_up(form, looked=looked) if request.method == "POST" else ()
    form.offer(found)
    if not looked and not form.errors and form.validate_on_submit():
        try:
            services.add_filing(session(), actor(), form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The filing is kept. Its tonnes count from its first day."), "use")
            return redirect(url_for("filings.index"), code=303)
    return render_template("filings/form.html", form=form, streams=streams, found=found, looked=looked), form.status


@blueprint.route("/filings/<int:filing_id>/end", methods=["POST"])
@requires("filing.keep")
def end(filing_id: int) -> ResponseReturnValue:
    """End a filing before its last day."""
    services.end_filing(session(), actor(), filing_id, now=now())
    flash(gettext("The filing is ended. Nothing more goes under it."), "use")
    return redirect(url_for("filings.index"), code=303)


def _look_up(form: FilingForm, *, looked: bool) -> tuple[queries.ReceivingSite, ...]:
    """Return the sites of the receiver whose credit code was entered; shows what is wrong with the code."""
    try:
        code = credit_code(form.credit_code.data or "", field="credit_code")
    except Invalid as refusal:
        if looked:
            form.show(refusal)
        return ()
    found = queries.receiving_sites(session(), actor(), form.stream_id.data or 0, code)
    if not found and looked:
        form.show(
            Invalid(
                "No recycler with this credit code has a site in another province on this platform. Ask it to register.",
                field="credit_code",
            )
        )
    return found


def _today() -> date:
    return now().astimezone(ZoneInfo(parts().settings.timezone)).date()

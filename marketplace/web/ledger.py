"""The ledger: a plant states its months here, and every figure opens the postings it is made of."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed, NotFound
from marketplace.domain.monthfiles import HEADERS
from marketplace.domain.quantities import Month
from marketplace.queries.ledger import StreamLedger, ledger_index, month_page, stream_ledger
from marketplace.queries.postings import Wanted, postings_page
from marketplace.services.ledger import check_months, import_months, open_stock, state_month, this_month
from marketplace.web.context import actor, now, session
from marketplace.web.csvfiles import csv_file, tonnes_cell
from marketplace.web.filters import month as month_text
from marketplace.web.filters import pick
from marketplace.web.forms.ledger import ImportForm, OpeningStockForm, StatementForm
from marketplace.web.forms.rows import whole
from marketplace.web.i18n import gettext, locale
from marketplace.web.routing import could, requires

blueprint = Blueprint("ledger", __name__)


@blueprint.route("/ledger")
@requires("ledger.read")
def index() -> ResponseReturnValue:
    """Show the streams of an organization over a year: what is stated, what is missing, what does not add up."""
    page = ledger_index(session(), actor(), organization_id=_number("organization"), year=_number("year"), now=now())
    return render_template("ledger/index.html", page=page, month_names=_month_names())


@blueprint.route("/ledger/<int:stream_id>/<int:year>")
@requires("ledger.read")
def show(stream_id: int, year: int) -> ResponseReturnValue:
    """Show the monthly table of one stream."""
    page = stream_ledger(session(), actor(), stream_id, year, now=now())
    return render_template("ledger/show.html", page=page)


@blueprint.route("/ledger/<int:stream_id>/<int:year>.csv")
@requires("ledger.read")
def export(stream_id: int, year: int) -> ResponseReturnValue:
    """Give the monthly table of one stream as a file, which can be read back in."""
    return _monthly_file(stream_ledger(session(), actor(), stream_id, year, now=now()))


@blueprint.route("/ledger/<int:stream_id>/months/<month>", methods=["GET", "POST"])
@requires("ledger.keep")
def enter(stream_id: int, month: str) -> ResponseReturnValue:
    """State one month of a stream, or correct it."""
    wanted = _month(month)
    page = month_page(session(), actor(), stream_id, wanted, now=now())
    stands = asdict(page.row.figures) if page.row.state == "stated" else {}
    form = StatementForm(data=stands)
    form.reason.flags.required = page.corrects  # the service asks for it where something changes
    if form.validate_on_submit():
        try:
            written = state_month(session(), actor(), form.command(stream_id, wanted), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status=409 if isinstance(refusal, Conflict) else 422)
        else:
            flash(
                gettext("The figures of %(month)s stand in the ledger.", month=month_text(wanted))
                if written
                else gettext("The same figures stand already; nothing was written."),
                "use" if written else "info",
            )
            return redirect(url_for("ledger.show", stream_id=stream_id, year=wanted.year), code=303)
    return render_template("ledger/enter.html", page=page, form=form), form.status


@blueprint.route("/ledger/<int:stream_id>/opening", methods=["GET", "POST"])
@requires("ledger.keep")
def opening(stream_id: int) -> ResponseReturnValue:
    """Say what lay in store before the first month, once."""
    running = this_month(now())
    page = month_page(session(), actor(), stream_id, running, now=now())
    form = OpeningStockForm(data={"month": page.stream.first})
    if form.validate_on_submit():
        try:
            new = form.command(stream_id)
            open_stock(session(), actor(), new, now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status=409 if isinstance(refusal, Conflict) else 422)
        else:
            flash(gettext("The opening stock stands in the ledger."), "use")
            return redirect(url_for("ledger.show", stream_id=stream_id, year=new.month.year), code=303)
    return render_template("ledger/opening.html", page=page, form=form), form.status


@blueprint.route("/ledger/import", methods=["GET", "POST"], endpoint="import")
@requires("ledger.keep")
def import_file() -> ResponseReturnValue:
    """Check a file of months row by row, and write it whole when its reader says so."""
    form = ImportForm()
    wanted = form.organization.data or request.args.get("organization", "")
    page = ledger_index(
        session(),
        actor(),
        organization_id=whole(wanted) or None,
        year=None,
        now=now(),
    )
    if not page.may_keep:
        raise NotAllowed
    form.organization.data = str(page.organization_id)
    plan = None
    if form.validate_on_submit():
        reason = form.reason.data or ""
        try:
            text = form.content()
            if request.form.get("action") == "write":
                written = import_months(session(), actor(), page.organization_id, text, reason=reason, now=now())
                flash(_written(written.count("new"), written.count("corrects"), written.count("same")), "use")
                return redirect(url_for("ledger.index", organization=page.organization_id), code=303)
            plan = check_months(session(), actor(), page.organization_id, text, reason=reason, now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status=409 if isinstance(refusal, Conflict) else 422)
    return render_template("ledger/import.html", page=page, form=form, plan=plan), form.status


@blueprint.route("/ledger/template.csv")
@requires("ledger.keep")
def template() -> ResponseReturnValue:
    """Give an empty file with the columns of the import and a line for each month that is missing."""
    page = ledger_index(session(), actor(), organization_id=_number("organization"), year=_number("year"), now=now())
    blank = [
        [pick(stream.name_zh, stream.name_en), pick(stream.site_zh, stream.site_en), str(month), *[None] * 7]
        for stream, month in page.missing
    ]
    return csv_file(f"ledger-{page.year}-blank.csv", [_header(), *blank])


@blueprint.route("/ledger/postings")
@requires("ledger.read")
def postings() -> ResponseReturnValue:
    """Show the postings that a figure is made of."""
    wanted = Wanted(
        stream_id=_number("stream"),
        organization_id=_number("organization"),
        park_id=_number("park"),
        material=request.args.get("material", ""),
        first=_month_of("from"),
        last=_month_of("to"),
        flow=request.args.get("flow", ""),
        bulk=request.args.get("scope") == "bulk",
        number=_number("page") or 1,
    )
    page = postings_page(session(), actor(), wanted)
    # who operates a scale reads the ledger, but of the shipments those of its own site alone
    return render_template("ledger/postings.html", page=page, flow_names=flow_names(), may_open=could("contract.read"))


def flow_names() -> dict[str, str]:
    """Return the statutory figures in the reader's language."""
    return {
        "generated": gettext("Generated"),
        "utilized": gettext("Utilized"),
        "utilized_from_stock": gettext("Utilized from stock"),
        "stored": gettext("Stored"),
        "disposed": gettext("Disposed of"),
        "disposed_from_stock": gettext("Disposed of from stock"),
        "discarded": gettext("Discarded"),
    }


def _month_names() -> list[str]:
    """Return the months without their year, short enough for a column."""
    return [
        f"{month.first_day:%b}" if locale() == "en" else f"{month.number} 月"
        for month in Month(2000, 1).until(Month(2000, 12))
    ]


def _header() -> list[str]:
    return [gettext("Waste"), gettext("Site"), gettext("Month"), *flow_names().values()]


def _monthly_file(page: StreamLedger) -> Response:
    stream = page.stream
    header = [*_header(), gettext("Stock at the beginning"), gettext("Stock at the end"), gettext("Difference")]
    rows = [
        [
            pick(stream.name_zh, stream.name_en),
            pick(stream.site_zh, stream.site_en),
            str(row.month),
            *(tonnes_cell(getattr(row.figures, name)) for name in HEADERS if name.endswith("_kg")),
            tonnes_cell(row.begin_kg),
            tonnes_cell(row.end_kg),
            tonnes_cell(row.figures.difference_kg),
        ]
        for row in stream.months
        if row.state == "stated"
    ]
    return csv_file(f"ledger-{stream.stream_id}-{page.year}.csv", [header, *rows])


def _written(new: int, corrected: int, same: int) -> str:
    return gettext(
        "Written: %(new)s new months, %(corrected)s corrections; %(same)s stood already.",
        new=new,
        corrected=corrected,
        same=same,
    )


def _number(name: str) -> int | None:
    """Read a number from the address. Raises NotFound for what is none: no page of ours links there."""
    text = request.args.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= 9):
        raise NotFound
    return int(text)


def _month(text: str) -> Month:
    try:
        return Month.parse(text)
    except Invalid as refusal:
        raise NotFound from refusal


def _month_of(name: str) -> Month | None:
    text = request.args.get(name, "")
    return _month(text) if text else None

"""Pages of waste streams and lab sheets."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain import wastes
from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.grades import Property, grades, property_of
from marketplace.domain.streams import NewSheet, asks_for_ash_class, asks_for_boiler
from marketplace.queries import sites as site_queries
from marketplace.queries import streams as queries
from marketplace.services import streams as services
from marketplace.web.context import actor, now, session
from marketplace.web.errors import status_of
from marketplace.web.filters import measure, pick
from marketplace.web.forms.streams import sheet_form, stream_form
from marketplace.web.i18n import gettext, locale
from marketplace.web.lists import link, wish
from marketplace.web.routing import requires

blueprint = Blueprint("streams", __name__)


@blueprint.route("/streams")
@requires("stream.read")
def index() -> ResponseReturnValue:
    """List the waste streams."""
    retired = request.args.get("state") == "retired"
    page = queries.streams_page(session(), actor(), wish(), now=now(), retired=retired)
    return render_template("streams/index.html", page=page, retired=retired, grade_name=grade_name)


@blueprint.route("/streams/<int:stream_id>")
@requires("stream.read")
def show(stream_id: int) -> ResponseReturnValue:
    """Show a waste stream: profile, storage, lab history, what it suits, listings."""
    page = queries.stream_page(session(), actor(), stream_id, now=now())
    return render_template(
        "streams/show.html",
        page=page,
        chart=_chart(page),
        grade_name=grade_name,
        takers_url=link("board.takers", stream_id=page.id),
        list_url=link("listings.new", stream_id=page.id) if page.may_list else None,
        ledger_url=link("ledger.index", organization=page.organization_id),
        link=link,
        at=now(),
    )


@blueprint.route("/streams/new", methods=["GET", "POST"])
@requires("stream.keep")
def new() -> ResponseReturnValue:
    """Keep a waste stream: first its material, then what is asked for it."""
    sites = site_queries.site_choices(session(), actor(), "stream.keep")
    code = request.args.get("material", "")
    if request.method == "POST" and not code:
        raise Invalid("Choose the material first.")
    if not sites or not code:
        return _material_page(bool(sites))
    try:
        material = wastes.material(code)
    except Invalid:
        return _material_page(has_site=True, unknown=code[:40])
    form = stream_form(material.code)
    form.set_up(sites)
    if form.validate_on_submit():
        try:
            stream_id = services.add_stream(session(), actor(), form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The waste stream is kept. Add a lab sheet next: recyclers ask for values."), "use")
            return redirect(url_for("streams.show", stream_id=stream_id), code=303)
    return _form_page(form, material, None)


@blueprint.route("/streams/<int:stream_id>/edit", methods=["GET", "POST"])
@requires("stream.keep")
def edit(stream_id: int) -> ResponseReturnValue:
    """Change a waste stream."""
    page = queries.stream_to_keep(session(), actor(), stream_id, now=now())
    form = stream_form(page.material)
    form.set_up([site_queries.SiteChoice(page.site_id, page.site, page.site_en, page.division_code)])
    form.site_id.data = page.site_id
    if request.method == "GET":
        form.fill(page)
    if form.validate_on_submit():
        try:
            services.edit_stream(
                session(), actor(), stream_id, form.command(), confirmed=bool(form.confirmed.data), now=now()
            )
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The waste stream is changed."), "use")
            return redirect(url_for("streams.show", stream_id=stream_id), code=303)
    return _form_page(form, wastes.material(page.material), page)


@blueprint.route("/streams/<int:stream_id>/retire", methods=["POST"])
@requires("stream.keep")
def retire(stream_id: int) -> ResponseReturnValue:
    """Retire a waste stream."""
    services.retire_stream(session(), actor(), stream_id, now=now())
    flash(gettext("The waste stream is retired. Nothing of it is lost."), "use")
    return redirect(url_for("streams.show", stream_id=stream_id), code=303)


@blueprint.route("/streams/<int:stream_id>/sheets/new", methods=["GET", "POST"])
@requires("stream.keep")
def new_sheet(stream_id: int) -> ResponseReturnValue:
    """Keep a lab sheet; the page after it says at once what it means."""
    page = queries.stream_to_keep(session(), actor(), stream_id, now=now())
    form = sheet_form(page.material)
    if form.validate_on_submit():
        try:
            sheet = form.command(stream_id)
            services.add_sheet(session(), actor(), sheet, confirmed=bool(form.confirmed.data), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The lab sheet is kept. Below stands what it means."), "use")
            _tell_conversions(sheet)
            return redirect(url_for("streams.show", stream_id=stream_id, _anchor="quality"), code=303)
    return render_template("streams/sheet.html", page=page, form=form), form.status


@blueprint.route("/streams/<int:stream_id>/sheets/<int:sheet_id>/void", methods=["POST"])
@requires("stream.keep")
def void_sheet(stream_id: int, sheet_id: int) -> ResponseReturnValue:
    """Void a lab sheet."""
    confirmed = request.form.get("confirmed") == "yes"
    services.void_sheet(session(), actor(), stream_id, sheet_id, confirmed=confirmed, now=now())
    flash(gettext("The lab sheet is void. It stays on record and counts for nothing."), "use")
    return redirect(url_for("streams.show", stream_id=stream_id, _anchor="history"), code=303)


def grade_name(material: str, code: str) -> str:
    """Return the name of a grade of a material's main use; the code itself where the standard has changed since."""
    found = next((each for each in grades(material) if each.code == code), None)
    return pick(found.name_zh, found.name_en) if found else code


def _material_page(has_site: bool, unknown: str = "") -> ResponseReturnValue:
    text = request.args.get("q", "")[:60]
    found = wastes.find_material(text) if text else wastes.materials()
    return (
        render_template(
            "streams/material.html",
            has_site=has_site,
            text=text,
            found=found,
            also={each.code: _also(each) for each in found},
            note=wastes.ambiguity(text) if text else None,
            unknown=unknown,
        ),
        422 if unknown or request.method == "POST" else 200,
    )


def _also(material: wastes.Material) -> list[str]:
    """Return other words for a material that the reader's language has."""
    return [word for word in material.synonyms if word.isascii() is (locale() == "en")][:5]


def _form_page(form: Any, material: wastes.Material, page: queries.StreamPage | None) -> ResponseReturnValue:
    codes = [code for code in wastes.waste_codes() if code.category == material.category and code.industrial]
    return (
        render_template(
            "streams/form.html",
            form=form,
            page=page,
            meant=material,
            codes=codes,
            asks_boiler=asks_for_boiler(material.code),
            asks_class=asks_for_ash_class(material.code),
        ),
        form.status,
    )


def _tell_conversions(sheet: NewSheet) -> None:
    for value in sheet.values:
        if value.is_converted:
            flash(
                gettext(
                    "Moisture of %(dry)s %% of the dry mass is kept as %(wet)s %% of the wet mass.",
                    dry=measure(value.entered),
                    wet=measure(value.value),
                ),
                "info",
            )


def _chart(page: queries.StreamPage) -> dict[str, Any] | None:
    """Return the history of one property, oldest first, with the limits of the standard; none without two values."""
    counting = [sheet for sheet in reversed(page.sheets) if not sheet.void]
    seen = dict.fromkeys(value.property for sheet in counting for value in sheet.values)
    if not seen:
        return None
    wished = request.args.get("property", "")
    code = wished if wished in seen else next(iter(seen))
    points = [(sheet, sheet.value_of(code)) for sheet in counting]
    shown = [(sheet, value) for sheet, value in points if value is not None]
    about = property_of(code)
    return {
        "property": about,
        "choices": list(seen),
        "rows": shown,
        "data": {
            "unit": about.unit,
            "decimals": about.decimals,
            "x": [sheet.sampled_on.isoformat() for sheet, _ in shown],
            "series": [
                {
                    "name": pick(about.name_zh, about.name_en),
                    "values": [float(value) for _, value in shown],
                    "kind": "info",
                    "form": "line",
                }
            ],
            "lines": _limit_lines(page, about),
        },
    }


def _limit_lines(page: queries.StreamPage, about: Property) -> list[dict[str, Any]]:
    """Return the limits that the standard sets to this property, one line for each figure."""
    lines: dict[float, list[str]] = {}
    ladder = grades(page.material)
    use = ladder[0].use if ladder else ""
    kind = page.ash_class or "F"
    for grade in ladder:
        if grade.use != use or grade.ash_class not in {"", kind}:
            continue
        for line in grade.requirements:
            for bound in (line.least, line.most):
                if line.property == about.code and bound is not None:
                    names = lines.setdefault(float(bound), [])
                    name = pick(grade.name_zh, grade.name_en)
                    if name not in names:
                        names.append(name)
    return [{"value": value, "label": gettext(", ").join(names), "kind": "wait"} for value, names in lines.items()]

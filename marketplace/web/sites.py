"""Pages of sites."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.places import Division, division, find_divisions
from marketplace.queries import sites as queries
from marketplace.services import sites as services
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.forms.sites import SiteForm
from marketplace.web.i18n import gettext, locale
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("sites", __name__)


@blueprint.route("/sites")
@requires("site.read")
def index() -> ResponseReturnValue:
    """List the sites."""
    return render_template("sites/index.html", page=queries.sites_page(session(), actor(), wish()))


@blueprint.route("/sites/<int:site_id>")
@requires("site.read")
def show(site_id: int) -> ResponseReturnValue:
    """Show a site with what is kept there."""
    page = queries.site_page(session(), actor(), site_id)
    points = [{"lat": page.lat, "lon": page.lon, "name": page.name, "kind": "producer" if page.streams else "recycler"}]
    return render_template("sites/show.html", page=page, map={"points": points}, division=division(page.division_code))


@blueprint.route("/sites/new", methods=["GET", "POST"])
@requires("site.keep")
def new() -> ResponseReturnValue:
    """Keep a site."""
    keepers = queries.keepers(session(), actor(), "site.keep")
    form = SiteForm()
    form.set_up(keepers)
    if _is_final(form):
        try:
            site_id = services.add_site(session(), actor(), form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The site is kept."), "use")
            return redirect(url_for("sites.show", site_id=site_id), code=303)
    return _page(form, None, keepers)


@blueprint.route("/sites/<int:site_id>/edit", methods=["GET", "POST"])
@requires("site.keep")
def edit(site_id: int) -> ResponseReturnValue:
    """Change a site."""
    page = queries.site_to_edit(session(), actor(), site_id)
    keepers = [each for each in queries.keepers(session(), actor(), "site.keep") if each.id == page.organization_id]
    form = SiteForm()
    form.set_up(keepers)
    if request.method == "GET":
        form.fill(page)
    if _is_final(form):
        try:
            services.edit_site(session(), actor(), site_id, form.command(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(gettext("The site is changed."), "use")
            return redirect(url_for("sites.show", site_id=site_id), code=303)
    return _page(form, page, keepers)


@blueprint.route("/sites/<int:site_id>/close", methods=["POST"])
@requires("site.keep")
def close(site_id: int) -> ResponseReturnValue:
    """Close a site."""
    services.close_site(session(), actor(), site_id, now=now())
    flash(gettext("The site is closed. Nothing of it is lost."), "use")
    return redirect(url_for("sites.show", site_id=site_id), code=303)


@blueprint.route("/places")
@requires("site.keep")
def places() -> ResponseReturnValue:
    """List the divisions that a text may mean: as a part of a page for the search while one types, else as a page."""
    text = (request.args.get("q") or request.args.get("place") or "")[:60]
    found = find_divisions(text) if text else ()
    part = request.headers.get("HX-Request") == "true"
    return render_template("sites/_places.html" if part else "sites/places.html", found=found, text=text, chosen=None)


def _is_final(form: SiteForm) -> bool:
    """Whether the form is sent to be kept, and can be read; the button that only looks for a place keeps nothing."""
    return request.form.get("step") != "find" and bool(form.validate_on_submit())


def _page(form: SiteForm, page: queries.SitePage | None, keepers: Any) -> ResponseReturnValue:
    wanted = (form.place.data or "").strip()
    found: tuple[Division, ...] = find_divisions(wanted) if wanted else ()
    if form.division_code.data and form.division_code.data not in {each.code for each in found}:
        try:
            found = (division(form.division_code.data), *found)
        except Invalid:
            form.division_code.data = None
    addresses = ()
    if request.form.get("step") == "find" and form.address.data:
        addresses = parts().geocoder.find(form.address.data)
    others = [{"lat": lat, "lon": lon, "name": name} for each in keepers for lat, lon, name in each.points]
    at = division(form.division_code.data) if form.division_code.data else None
    if at is not None and not others:
        others = [{"lat": at.point.lat, "lon": at.point.lon, "name": at.name_en if locale() == "en" else at.name_zh}]
    pin = {"points": others, "sets": {"datum": "wgs84", "origin": "pin"}, "typed": {"origin": "coordinates"}}
    return (
        render_template(
            "sites/form.html",
            form=form,
            page=page,
            found=found,
            addresses=addresses,
            geocoder=bool(parts().settings.geocoder_url),
            looked=request.form.get("step") == "find",
            pin=pin,
            several=len(keepers) > 1,
        ),
        form.status,
    )

"""The searches of the board that a person keeps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict
from marketplace.domain.grades import grades
from marketplace.domain.places import find_divisions
from marketplace.queries.searches import searches_page
from marketplace.services import searches as services
from marketplace.web import filters
from marketplace.web.context import actor, now, session
from marketplace.web.forms.board import BoardForm
from marketplace.web.i18n import gettext
from marketplace.web.routing import requires

blueprint = Blueprint("searches", __name__)


@blueprint.app_context_processor
def names() -> dict[str, Any]:
    """Let pages and mails say the grade and the place of a search."""
    return {"grade_text": grade_text, "place_text": place_text}


def grade_text(materials: Sequence[str], code: str) -> str:
    """Return what a grade is called in the first of these materials that has it, or its code."""
    named = (grade for material in materials for grade in grades(material) if grade.code == code)
    return next((filters.pick(grade.name_zh, grade.name_en) for grade in named), code)


def place_text(asked: str) -> str:
    """Return the place that was asked for; a link names it by its code, which nobody reads."""
    found = find_divisions(asked, limit=1) if asked.isdigit() and len(asked) == 6 else ()
    return next((filters.pick(each.full_name_zh, each.full_name_en) for each in found), asked)


@blueprint.get("/searches")
@requires("search.read")
def index() -> ResponseReturnValue:
    """Show one's own searches."""
    return render_template("searches/index.html", page=searches_page(session(), actor()))


@blueprint.post("/searches")
@requires("search.manage")
def save() -> ResponseReturnValue:
    """Keep a search of the board."""
    form = BoardForm(request.form)
    if not form.validate() or form.unknown or form.unknown_place:
        flash(
            gettext(
                "This search was not kept: the board does not know one of its words, so it would never find anything."
            ),
            "fail",
        )
        return redirect(url_for("board.index") + "?" + urlencode(form.asked), code=303)
    try:
        new = services.save_search(session(), actor(), form.search(sort="", number=1).sought, form.asked, now=now())
    except Conflict as refusal:
        flash(filters.say(refusal.sentence), "fail")
    else:
        flash(
            gettext("Kept. What is new in it is told you once a day.")
            if new
            else gettext("You keep this search already."),
            "use",
        )
    return redirect(url_for("searches.index"), code=303)


@blueprint.post("/searches/<int:search_id>/remove")
@requires("search.manage")
def remove(search_id: int) -> ResponseReturnValue:
    """Keep a search no longer."""
    services.remove_search(session(), actor(), search_id)
    flash(gettext("The search is removed."), "use")
    return redirect(url_for("searches.index"), code=303)

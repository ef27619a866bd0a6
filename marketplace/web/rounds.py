"""Matching rounds: open, close, run, publish, make void, allot again what was declined."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Invalid, NotAllowed
from marketplace.domain.haulage import default_tariff
from marketplace.domain.listings import month_at
from marketplace.queries import rounds as reading
from marketplace.services import rounds
from marketplace.web.context import actor, now, parts, session
from marketplace.web.files import frozen_file
from marketplace.web.forms.rounds import NewRoundForm, VoidForm
from marketplace.web.i18n import gettext, ngettext
from marketplace.web.routing import requires
from marketplace.web.shortages import by_span

blueprint = Blueprint("rounds", __name__)


@blueprint.get("/rounds")
@requires("round.browse")
def index() -> ResponseReturnValue:
    """Show the rounds of the own park, or those that are open to the own organization."""
    return render_template("rounds/index.html", page=reading.rounds_index(session(), actor(), now=now()))


@blueprint.route("/rounds/new", methods=["GET", "POST"])
@requires("round.open")
def new() -> ResponseReturnValue:
    """Open a round."""
    parks = reading.parks_to_open(session(), actor())
    today = now().astimezone(ZoneInfo(parts().settings.timezone)).date()
    first = month_at(now()).plus(1)
    form = NewRoundForm(
        park_id=parks[0][0],
        first_month=first,
        last_month=first.plus(2),
        closes_at=today + timedelta(days=7),
        answers_until=today + timedelta(days=14),
        max_km=200,
        circuity=Decimal("1.3"),
        truckload=default_tariff().payload_kg,
    )
    form.offer(parks)
    if form.validate_on_submit():
        try:
            round_id = rounds.open_round(session(), actor(), form.command(now=now()), now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("The round is open and collects listings."), "use")
            return redirect(url_for("rounds.show", round_id=round_id), code=303)
    return render_template("rounds/new.html", form=form, parks=parks), form.status


@blueprint.get("/rounds/<int:round_id>")
@requires("round.browse")
def show(round_id: int) -> ResponseReturnValue:
    """Show one round: all of it to who oversees it, their own part to who takes part."""
    page = reading.round_page(session(), actor(), round_id, number=_number(), now=now())
    shortages = by_span(page.answered.shortages) if page.answered else []
    return render_template("rounds/show.html", page=page, shortages=shortages)


@blueprint.get("/rounds/<int:round_id>/progress")
@requires("round.read")
def progress(round_id: int) -> ResponseReturnValue:
    """Show how far the run is, as a part of the page or alone."""
    of, work = reading.work_of(session(), actor(), round_id, now=now())
    return render_template("rounds/_progress.html", of=of, work=work)


@blueprint.post("/rounds/<int:round_id>/close")
@requires("round.close")
def close(round_id: int) -> ResponseReturnValue:
    """Close a round before its time."""
    rounds.close_round(session(), actor(), round_id, now=now())
    flash(gettext("The round is closed. It can be run now."), "use")
    return _back(round_id)


@blueprint.post("/rounds/<int:round_id>/run")
@requires("round.run")
def run(round_id: int) -> ResponseReturnValue:
    """Ask a worker to solve the round."""
    parts().enqueue(rounds.ask_run(session(), actor(), round_id, now=now()))
    return _back(round_id)


@blueprint.post("/rounds/<int:round_id>/stop")
@requires("round.stop")
def stop(round_id: int) -> ResponseReturnValue:
    """Stop the run that is under way, which leaves no result."""
    rounds.stop_run(session(), actor(), round_id, now=now())
    return _back(round_id)


@blueprint.post("/rounds/<int:round_id>/publish")
@requires("round.publish")
def publish(round_id: int) -> ResponseReturnValue:
    """Publish what the last run proved."""
    count = rounds.publish_round(session(), actor(), round_id, now=now())
    flash(
        ngettext(
            "Published: %(num)d award. Both sides have been told.",
            "Published: %(num)d awards. Both sides have been told.",
            count,
        ),
        "use",
    )
    return _back(round_id)


@blueprint.post("/rounds/<int:round_id>/recourse")
@requires("round.run")
def recourse(round_id: int) -> ResponseReturnValue:
    """Ask a worker to allot again what was declined."""
    parts().enqueue(rounds.ask_recourse(session(), actor(), round_id, now=now()))
    return _back(round_id)


@blueprint.route("/rounds/<int:round_id>/void", methods=["GET", "POST"])
@requires("round.read", changing="round.void")
def void(round_id: int) -> ResponseReturnValue:
    """Make a round void, with its cause."""
    page = reading.round_page(session(), actor(), round_id, now=now())
    if "round.void" not in page.may:
        raise NotAllowed
    form = VoidForm()
    if form.validate_on_submit():
        try:
            rounds.void_round(session(), actor(), round_id, form.cause.data or "", now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("The round is void. What it had reserved is free again."), "use")
            return _back(round_id)
    return render_template("rounds/void.html", page=page, form=form), form.status


@blueprint.get("/rounds/<int:round_id>/files/<int:pass_no>/<kind>")
@requires("round.read")
def file(round_id: int, pass_no: int, kind: str) -> ResponseReturnValue:
    """Hand out a frozen file of a run, to the byte; its name carries its hash."""
    return frozen_file(*reading.round_file(session(), actor(), round_id, pass_no, kind))


def _back(round_id: int) -> ResponseReturnValue:
    return redirect(url_for("rounds.show", round_id=round_id), code=303)


def _number() -> int:
    given = request.args.get("page", "1")
    return int(given) if given.isdecimal() and len(given) < 7 else 1

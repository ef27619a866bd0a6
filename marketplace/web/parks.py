"""The board of a park for its administrators, the list for auditors, and what everybody may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain import wastes
from marketplace.domain.errors import NotFound
from marketplace.domain.quantities import Month
from marketplace.queries.parks import ParkPage, park_page
from marketplace.queries.publicparks import parks_index, public_park, public_parks
from marketplace.web import parkcharts
from marketplace.web.context import actor, now, session
from marketplace.web.filters import month as month_text
from marketplace.web.filters import pick
from marketplace.web.i18n import gettext
from marketplace.web.lists import link
from marketplace.web.marks import kind_of, kind_of_category
from marketplace.web.routing import requires

blueprint = Blueprint("parks", __name__)

BULK: Final = {"version": wastes.BULK_VERSION.rpartition("-")[2], "count": len(wastes.bulk_categories())}
"""The class list that the bulk scope is read with; it stands next to each rate."""


@dataclass(frozen=True)
class Task:
    """A line of what is to be done."""

    kind: str
    state: str
    text: str
    url: str | None
    action: str


@blueprint.route("/parks/mine")
@requires("park.read")
def mine() -> ResponseReturnValue:
    """Go to the park that this person administers."""
    own = sorted(actor().park_ids)
    if not own:
        raise NotFound
    return redirect(url_for("parks.show", park_id=own[0]), code=303)


@blueprint.route("/parks/<int:park_id>")
@requires("park.read")
def show(park_id: int) -> ResponseReturnValue:
    """Show how much of a park's waste is put to use, and what will add to it."""
    page = park_page(
        session(),
        actor(),
        park_id,
        first=_month("from"),
        last=_month("to"),
        scope=request.args.get("scope", "bulk"),
        now=now(),
    )
    uses, awards = parkcharts.uses_sankey(page), parkcharts.awards_sankey(page)
    return render_template(
        "parks/show.html",
        page=page,
        tasks=_tasks(page),
        others=sorted(actor().park_ids - {park_id}),
        rate_chart=parkcharts.rate_chart(((row.month, row.rate) for row in page.months), page.goal),
        flows_chart=parkcharts.flows_chart(page),
        uses=uses,
        awards=awards,
        link_rows=parkcharts.link_rows,
        map_data=parkcharts.map_data(page),
        kind_of=kind_of,
        postings_url=parkcharts.postings_url,
        evidence_names=_evidence_names(),
        rates=[row.rate for row in page.months if row.rate is not None],
        newest=page.latest_over or page.period.last,
        bulk=BULK,
    )


@blueprint.route("/parks")
@requires("park.read")
def index() -> ResponseReturnValue:
    """Show all parks to an auditor."""
    first, last, rows = parks_index(session(), actor(), now=now())
    return render_template("parks/index.html", first=first, last=last, rows=rows, bulk=BULK)


@blueprint.route("/public/parks")
@requires("park.public")
def public_index() -> ResponseReturnValue:
    """Show all parks to everybody."""
    return render_template("parks/public_index.html", rows=public_parks(session(), now=now()), bulk=BULK)


@blueprint.route("/public/parks/<int:park_id>")
@requires("park.public")
def public(park_id: int) -> ResponseReturnValue:
    """Show to everybody what enough organizations stand behind."""
    page = public_park(session(), park_id, now=now())
    return render_template(
        "parks/public.html",
        page=page,
        rate_chart=parkcharts.rate_chart(page.months, page.goal),
        kind_of_category=kind_of_category,
        rates=[rate for _, rate in page.months if rate is not None],
        bulk=BULK,
    )


def _tasks(page: ParkPage) -> list[Task]:
    """Return what needs the administrator, what does not add up first."""
    tasks = page.tasks
    unbalanced = [
        Task(
            "fail",
            gettext("Does not add up"),
            gettext(
                "%(plant)s: the uses differ from the generation by %(tonnes)s t",
                plant=pick(plant.name_zh, plant.name_en),
                tonnes=f"{abs(plant.figures.difference_kg) / 1000:,.2f}",
            ),
            parkcharts.postings_url(page, organization=plant.organization_id),
            gettext("Look into it"),
        )
        for plant in page.unbalanced
    ]
    counted = (
        (
            tasks.late, "wait", gettext("Missing"),
            gettext(
                "%(month)s is not stated by %(late)s of %(plants)s plants", late=tasks.late, plants=tasks.plants,
                month=month_text(tasks.over),
            ),
            "#plants", gettext("See which"),
        ),
        (
            tasks.rounds, "wait", gettext("Round"),
            gettext("Rounds that are closed and wait to be run or published: %(count)s", count=tasks.rounds),
            link("rounds.index"), gettext("Open"),
        ),
        (
            tasks.expiring, "wait", gettext("Expires"),
            gettext("Permits that end within 30 days: %(count)s", count=tasks.expiring),
            link("organizations.index"), gettext("Open"),
        ),
        (
            tasks.to_verify, "info", gettext("Verify"),
            gettext("Organizations that have registered and wait to be verified: %(count)s", count=tasks.to_verify),
            link("organizations.index"), gettext("Verify"),
        ),
        (
            tasks.permits, "info", gettext("Verify"),
            gettext("Permits of intake lines that are not verified: %(count)s", count=tasks.permits),
            link("organizations.index"), gettext("Verify"),
        ),
        (
            tasks.stalled, "info", gettext("Stalled"),
            gettext("Listings that stand for two weeks without a bid: %(count)s", count=tasks.stalled),
            link("board.index"), gettext("Look"),
        ),
    )  # fmt: skip
    return unbalanced + [Task(kind, state, text, url, do) for count, kind, state, text, url, do in counted if count]


def _evidence_names() -> dict[str, str]:
    return {
        "declared": gettext("declared"),
        "one_end": gettext("weighed at one end"),
        "both_ends": gettext("weighed at both ends"),
        "lab": gettext("weighed and backed by a laboratory"),
    }


def _month(name: str) -> Month | None:
    """Read a month from the address. Raises Invalid, which names the field."""
    text = request.args.get(name, "")
    return Month.parse(text, field=name) if text else None

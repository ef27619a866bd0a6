"""Pages of the board: what is listed, who could take a waste, what is near a line."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from marketplace.domain.errors import Conflict, Invalid, TooMany
from marketplace.domain.wastes import ambiguity
from marketplace.queries import board as queries
from marketplace.queries import near as near_queries
from marketplace.queries import takers as takers_queries
from marketplace.queries.board import Card
from marketplace.queries.opensales import OpenSale, open_sale
from marketplace.queries.public import public_listing
from marketplace.queries.salerules import board_rules
from marketplace.queries.takers import TakersPage
from marketplace.services import questions as services
from marketplace.web import filters
from marketplace.web.context import actor, now, parts, session
from marketplace.web.errors import status_of
from marketplace.web.files import frozen_file
from marketplace.web.forms.board import BoardForm, band_text
from marketplace.web.forms.questions import QuestionForm
from marketplace.web.i18n import gettext, locale
from marketplace.web.lists import link
from marketplace.web.marks import kind_of
from marketplace.web.routing import requires

blueprint = Blueprint("board", __name__)

SHOWN = 24
"""So many points are drawn by name on a map."""


@blueprint.app_context_processor
def names() -> dict[str, Any]:
    """Let templates say bands of quantities and draw classes of waste."""
    return {"band_text": band_text, "kind_of": kind_of, "link": link, "live_of": live_of}


@blueprint.route("/board")
@requires("board.read")
def index() -> ResponseReturnValue:
    """Show what is listed, as far as this reader may see it."""
    form = BoardForm(request.args)
    form.validate()
    form.set_up()
    sort = request.args.get("sort", "")[:20]
    search = form.search(sort=sort, number=request.args.get("page", 1, type=int))
    page = queries.board_page(session(), actor(), search, now=now())
    return render_template(
        "board/index.html",
        page=page,
        form=form,
        found=form.materials if form.q.data else (),
        unknown=form.unknown,
        unknown_place=form.unknown_place,
        note=ambiguity(form.q.data or ""),
        meant_places=form.places,
        radius_km=search.radius_km,
    )


@blueprint.route("/board/<int:listing_id>")
@requires("board.read")
def show(listing_id: int) -> ResponseReturnValue:
    """Show a listing on the board."""
    return _show(listing_id, QuestionForm(formdata=None))


@blueprint.route("/board/<int:listing_id>/questions", methods=["POST"])
@requires("question.ask")
def ask(listing_id: int) -> ResponseReturnValue:
    """Ask on a listing."""
    form = QuestionForm()
    if form.validate_on_submit():
        try:
            services.ask_question(session(), actor(), form.command(listing_id), now=now())
        except (Invalid, Conflict, TooMany) as refusal:
            form.show(refusal, status_of(refusal))
        else:
            flash(
                gettext("Your question stands here without your name. You are told by mail when it is answered."), "use"
            )
            return redirect(url_for("board.show", listing_id=listing_id, _anchor="questions"), code=303)
    return _show(listing_id, form)


@blueprint.route("/board/<int:listing_id>/sale")
@requires("board.read")
def sale(listing_id: int) -> ResponseReturnValue:
    """Show the part of the page that says how an open sale stands; 304 to whoever has it already."""
    found = open_sale(session(), actor(), listing_id, now=now())
    etag = f"{found.version}-{locale()}"
    if etag in request.if_none_match:
        answer = Response(status=304)
    else:
        answer = Response(render_template("board/_sale.html", sale=found))
    answer.set_etag(etag)
    answer.headers["X-Version"] = found.version
    answer.headers["X-Open"] = "yes" if found.bidding == "open" else ""
    return answer


@blueprint.route("/board/<int:listing_id>/watch")
@requires("board.read")
def watch(listing_id: int) -> ResponseReturnValue:
    """Send an event whenever an open sale has changed; 204, and the page asks by itself, where there are too many streams."""
    found = open_sale(session(), actor(), listing_id, now=now())
    version = request.args.get("version", found.version)
    events = parts().hub.stream(listing_id, version) if found.bidding == "open" else None
    if events is None:
        return Response(status=204)
    return Response(events, mimetype="text/event-stream", headers={"X-Accel-Buffering": "no"})


def live_of(found: OpenSale) -> Markup:
    """Return the attributes of the block that keeps itself up to date."""
    said = {
        "data-live": url_for("board.sale", listing_id=found.listing_id),
        "data-watch": url_for("board.watch", listing_id=found.listing_id),
        "data-version": found.version,
        "data-now": now().isoformat(),
        "data-open": "yes" if found.bidding == "open" else "",
        "data-said-live": gettext("live"),
        "data-said-asking": gettext("every few seconds"),
        "data-said-lost": gettext("not connected: figures may be old"),
        "data-said-changed": gettext("The sale has changed."),
    }
    return Markup(" ").join(Markup('{}="{}"').format(name, value) for name, value in said.items())


@blueprint.route("/streams/<int:stream_id>/takers")
@requires("stream.read")
def takers(stream_id: int) -> ResponseReturnValue:
    """Show who could take a stream."""
    page = takers_queries.takers_page(session(), actor(), stream_id, now=now())
    return render_template("board/takers.html", page=page, map=_takers_map(page))


@blueprint.route("/near")
@requires("line.read")
def near() -> ResponseReturnValue:
    """Show what is near one of the own lines and fits it."""
    line_id = request.args.get("line", type=int)
    if line_id is not None and not 0 < line_id < 2**31:
        line_id = 0
    page = near_queries.near_page(session(), actor(), line_id, now=now())
    return render_template("board/near.html", page=page, map=_near_map(page))


@blueprint.route("/board/<int:listing_id>/rules")
@requires("board.read")
def rules(listing_id: int) -> ResponseReturnValue:
    """Hand out the rules of a sale, to the byte; their SHA-256 is what the pages print."""
    return frozen_file(*board_rules(session(), actor(), listing_id, now=now()))


def _show(listing_id: int, form: QuestionForm) -> ResponseReturnValue:
    page = public_listing(session(), actor(), listing_id, now=now())
    form.set_up(page.askers)
    return render_template("board/show.html", page=page, card=page.card, sale=page.sale, form=form), form.status


def _takers_map(page: TakersPage) -> dict[str, Any]:
    kinds = {"meets": "recycler", "needs_test": "wait", "fails": "fail"}
    points = [
        {"lat": page.point.lat, "lon": page.point.lon, "name": filters.pick(page.stream_zh, page.stream_en),
         "kind": kind_of(page.material)},
        *(
            {
                "lat": row.point.lat,
                "lon": row.point.lon,
                "name": filters.pick(row.organization_zh or "", row.organization_en),
                "kind": kinds[row.verdict],
                "note": filters.pick(row.line_zh or "", row.line_en),
            }
            for row in page.takers.rows
            if row.point is not None
        ),
    ]  # fmt: skip
    return {"points": points}


def _near_map(page: near_queries.NearPage) -> dict[str, Any]:
    if page.point is None:
        return {"points": []}
    own = next(line for line in page.lines if line.id == page.line_id)
    return {
        "points": [
            {"lat": page.point.lat, "lon": page.point.lon, "name": filters.pick(own.zh, own.en), "kind": "recycler"},
            *(
                {
                    "lat": row.card.point.lat,
                    "lon": row.card.point.lon,
                    "name": _seller(row.card),
                    "kind": kind_of(row.card.material),
                    "tonnes": (row.card.kg_per_month or 0) / 1000,
                    "url": url_for("board.show", listing_id=row.card.id),
                }
                for row in page.rows
                if row.verdict != "fails"
            ),
        ]
    }


def _seller(card: Card) -> str:
    name = filters.material(card.material)
    if card.organization_zh is None:
        return gettext("%(material)s, name not told", material=name)
    return f"{name} · {filters.pick(card.organization_zh, card.organization_en)}"

"""The page that a day begins with."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.policy import EVERYBODY, POLICY
from marketplace.domain.quantities import Month
from marketplace.queries.today import today_page
from marketplace.queries.todo import Count, Task
from marketplace.web.context import actor, now, parts, session
from marketplace.web.routing import requires

blueprint = Blueprint("today", __name__)


@blueprint.get("/")
@requires("board.read")
def home() -> ResponseReturnValue:
    """Lead a visitor to the board, and whoever is signed in to their day."""
    if actor().signed_in:
        return redirect(url_for("today.show"), code=303)
    board = "board.index" if "board.index" in current_app.view_functions else "auth.login"
    return redirect(url_for(board), code=303)


@blueprint.get("/today")
@requires("account.today")
def show() -> ResponseReturnValue:
    """Show what needs doing today."""
    here = now().astimezone(ZoneInfo(parts().settings.timezone))
    page = today_page(session(), actor(), month=Month.of(here.date()), now=now())
    return render_template(
        "today/show.html", page=page, day=here.date(), link=_link, link_count=_link_count, link_stream=_link_stream
    )


def _link(task: Task) -> str | None:
    """Return where a task is done: the thing's own page, else the list it stands in; none where there is neither."""
    if "." in task.noun:
        return url_for(task.noun)
    if task.id is not None:
        own = _own_page(task.noun, task.id)
        if own is not None:
            return own
    return _list(task.noun, "index")


def _link_count(count: Count) -> str | None:
    return _list(count.noun, count.view)


def _link_stream(stream_id: int) -> str | None:
    return _own_page("streams", stream_id)


def _own_page(noun: str, of: int) -> str | None:
    endpoint = f"{noun}.show"
    for rule in current_app.url_map.iter_rules():
        if rule.endpoint == endpoint and len(rule.arguments) == 1 and _may_open(endpoint):
            values: dict[str, Any] = {next(iter(rule.arguments)): of}
            return url_for(endpoint, **values)
    return None


def _list(noun: str, view: str) -> str | None:
    endpoint = f"{noun}.{view}"
    return url_for(endpoint) if endpoint in current_app.view_functions and _may_open(endpoint) else None


def _may_open(endpoint: str) -> bool:
    """Whether a role of this person may open such a page at all."""
    action = getattr(current_app.view_functions[endpoint], "action", "")
    return bool(POLICY[action].cells.keys() & (actor().roles | {"visitor", EVERYBODY}))

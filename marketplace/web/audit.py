"""The audit log."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.queries.audit import Wanted, audit_page
from marketplace.web import acts
from marketplace.web.context import actor, parts, session
from marketplace.web.forms.rows import whole
from marketplace.web.routing import requires

blueprint = Blueprint("audit", __name__)


@blueprint.get("/audit")
@requires("audit.read")
def index() -> ResponseReturnValue:
    """Show the log, newest first; what of the search cannot be read is left out."""
    asked = request.args
    first, last = _day(asked.get("from", "")), _day(asked.get("to", ""))
    wanted = Wanted(
        since=_start(first) if first else None,
        until=_start(last + timedelta(days=1)) if last and last < date.max else None,
        organization_id=whole(asked.get("organization")) or None,
        action=asked.get("action", "")[:60],
        page=asked.get("page", 1, type=int),
    )
    page = audit_page(session(), actor(), wanted)
    return render_template("audit/index.html", page=page, wanted=wanted, first=first, last=last, words=acts)


def _day(typed: str) -> date | None:
    try:
        found = date.fromisoformat(typed.strip())
    except ValueError:
        return None
    return found if date(2000, 1, 1) <= found <= date(2100, 12, 31) else None


def _start(day: date) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(parts().settings.timezone))

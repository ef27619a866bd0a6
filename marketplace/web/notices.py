"""What a person was told, to be read in the site."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.notices import ALWAYS_MAILED, SECRET
from marketplace.queries.notices import Told, notices_page
from marketplace.services import notices as services
from marketplace.web.context import actor, now, session
from marketplace.web.forms.rows import whole
from marketplace.web.lists import link, wish
from marketplace.web.routing import requires

blueprint = Blueprint("notices", __name__)

PLACE: Final = "\x00"
"""Stands where a mail has the address of the site, so that its lines of addresses are found again."""

PAGES: Final = {
    "shipment": ("shipments.show", "shipment_id"),
    "award": ("awards.show", "award_id"),
    "contract": ("contracts.show", "contract_id"),
    "line": ("lines.show", "line_id"),
    "listing": ("listings.show", "listing_id"),
    "board": ("board.show", "listing_id"),
    "organization": ("organizations.show", "organization_id"),
}

LISTS: Final = {"awards": "awards.index", "bids_lost": "bids.index", "found": "searches.index"}
"""Where those lead that are about several things."""


@blueprint.get("/notices")
@requires("account.read")
def index() -> ResponseReturnValue:
    """Show one's own notices, all or the unread."""
    unread = request.args.get("only") == "unread"
    page = notices_page(session(), actor(), wish(), unread=unread, now=now())
    return render_template(
        "notices/index.html", page=page, unread=unread, said=said, place_of=place_of, by_mail=ALWAYS_MAILED
    )


@blueprint.post("/notices/<int:notice_id>/read")
@requires("account.manage")
def read(notice_id: int) -> ResponseReturnValue:
    """Mark one notice as read."""
    services.read_notice(session(), actor(), notice_id, now=now())
    return _back()


@blueprint.post("/notices/read")
@requires("account.manage")
def read_all() -> ResponseReturnValue:
    """Mark all notices as read that were there when the page was shown."""
    services.read_notices(session(), actor(), whole(request.form.get("up_to")), now=now())
    return _back()


def said(kind: str, values: Mapping[str, Any]) -> tuple[str, str]:
    """Return a notice in the reader's language: what its mail says, its subject apart, without greeting and address."""
    given = dict.fromkeys(SECRET, "") | dict(values)
    written = render_template(f"mail/{kind}.txt", public_url=PLACE, **given).strip()
    subject, _, rest = written.partition("\n")
    if kind in ALWAYS_MAILED:
        return subject.strip(), ""
    paragraphs = [each.strip() for each in rest.split("\n\n") if each.strip()]
    return subject.strip(), " ".join(each for each in paragraphs[1:] if not each.startswith(PLACE))


def place_of(told: Told) -> str | None:
    """Return the address of what a notice is about; none for whom it is not there any more."""
    if told.leads_to is not None:
        noun, object_id = told.leads_to
        endpoint, argument = PAGES[noun]
        return link(endpoint, **{argument: object_id})
    if not actor().organization_ids and told.kind != "found":
        return None
    if told.kind == "nothing_awarded":
        return link("rounds.show", round_id=told.values["round_id"])
    return link(LISTS[told.kind]) if told.kind in LISTS else None


def _back() -> ResponseReturnValue:
    only = "unread" if request.form.get("only") == "unread" else None
    return redirect(url_for("notices.index", only=only), code=303)

"""The places in the navigation: what this person's day needs, in its order."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for

from marketplace.web.context import actor
from marketplace.web.i18n import gettext
from marketplace.web.routing import could


@dataclass(frozen=True)
class Place:
    """One entry of the navigation."""

    endpoint: str
    url: str
    label: str
    short: str
    """What the bar of a phone says, in one or two words."""
    count: int
    active: bool


def navigation() -> list[Place]:
    """Return the places of this person, the first four of which a phone shows."""
    acting = actor()
    places: list[tuple[str, str]] = []
    if acting.signed_in:
        places.append(("today.show", gettext("Today")))
    if acting.park_ids:
        places += [
            ("parks.mine", gettext("Park board")),
            ("rounds.index", gettext("Matching rounds")),
            ("organizations.index", gettext("Members and permits")),
            ("board.index", gettext("Board")),
        ]
    if acting.organization_ids:
        if acting.produces:
            places += [
                ("streams.index", gettext("My waste")),
                ("listings.index", gettext("My listings")),
            ]
        if acting.recycles:
            places += [
                ("lines.index", gettext("My intake lines")),
                ("board.near", gettext("What fits near me")),
                ("bids.index", gettext("My bids")),
            ]
        if acting.roles <= {"weigher"}:
            places.append(("shipments.weighing", gettext("Weighing")))
        places += [
            ("awards.index", gettext("Awards")),
            ("contracts.index", gettext("Contracts")),
            ("shipments.index", gettext("Shipments")),
            ("board.index", gettext("Board")),
        ]
        if acting.produces:
            places.append(("ledger.index", gettext("Ledger")))
        places += [("sites.index", gettext("Sites")), ("organizations.mine", gettext("Organization"))]
    if "operator" in acting.roles:
        places += [("platform.index", gettext("Platform")), ("platform.reference", gettext("Reference data"))]
    if "auditor" in acting.roles:
        places += [
            ("audit.index", gettext("Audit log")),
            ("parks.index", gettext("Parks")),
            ("rounds.index", gettext("Matching rounds")),
            ("platform.reference", gettext("Reference data")),
        ]
    if not acting.organization_ids and not acting.park_ids:
        places.append(("board.index", gettext("Board")))
    if not acting.signed_in:
        places += [
            ("parks.public_index", gettext("Parks")),
            ("platform.reference", gettext("Reference data")),
            ("organizations.register", gettext("Register an organization")),
        ]
    short = {
        "parks.mine": gettext("Park"),
        "organizations.index": gettext("Members"),
        "rounds.index": gettext("Rounds"),
        "lines.index": gettext("My lines"),
        "board.near": gettext("Near me"),
        "platform.reference": gettext("Reference"),
        "organizations.register": gettext("Register"),
    }
    blueprint = request.endpoint.partition(".")[0] if request.endpoint else ""
    known = current_app.view_functions
    of_blueprint = [endpoint for endpoint, _ in places if endpoint.partition(".")[0] == blueprint]
    here = request.endpoint if request.endpoint in of_blueprint else next(iter(of_blueprint), None)
    return [
        Place(
            endpoint,
            url_for(endpoint),
            label,
            short.get(endpoint, label),
            0,
            endpoint == here,
        )
        for endpoint, label in places
        if endpoint in known and could(getattr(known[endpoint], "action", ""))
    ]

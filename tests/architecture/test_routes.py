"""Every route stands for an action of the policy table, and no changing verb for one that only reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from marketplace.domain.policy import POLICY, ROLES, Relation
from marketplace.web import routing
from marketplace.web.routing import CHANGING, UnguardedRoute, requires


def _answer() -> str:
    return ""


def test_every_route_names_an_action_and_none_changes_under_one_that_reads(app: Flask) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint != "static"]

    unnamed = [rule.rule for rule in rules if getattr(app.view_functions[rule.endpoint], "action", None) not in POLICY]
    loose = [
        rule.rule
        for rule in rules
        if (rule.methods or set()) & CHANGING and not POLICY[_view(app, rule.endpoint).changing].writes
    ]

    assert rules
    assert unnamed + loose == []


def test_reading_and_changing_speak_of_what_the_same_people_see(app: Flask) -> None:
    unseen = [
        f"{rule.rule}: {role} may {view.changing} but not {view.action}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static" and (rule.methods or set()) & CHANGING
        for view in [_view(app, rule.endpoint)]
        for role in POLICY[view.changing].cells
        if not {role, "person", "visitor"} & POLICY[view.action].cells.keys() and role != "system"
    ]

    assert unseen == []


@pytest.mark.parametrize(
    ("view", "methods"),
    [
        (_answer, ["GET"]),
        (requires("account.today")(_answer), ["POST"]),
        (requires("listing.publish", changing="listing.read")(_answer), ["POST"]),
    ],
    ids=["no action", "a changing verb that reads", "changing under what reads"],
)
def test_an_unguarded_route_stops_the_application(
    view: Callable[..., Any], methods: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Flask("unguarded")
    app.add_url_rule("/unguarded", "unguarded.show", view, methods=methods)

    with pytest.raises(UnguardedRoute, match="/unguarded"):
        routing.check(app)


def test_an_action_that_stands_in_no_row_cannot_be_named() -> None:
    view = requires("account.today")(_answer)
    view.action = "listing.give_away"  # type: ignore[attr-defined]
    app = Flask("unknown")
    app.add_url_rule("/unknown", "unknown.show", view)

    with pytest.raises(UnguardedRoute, match="names no action"):
        routing.check(app)


def test_the_table_knows_the_roles_and_each_action_stands_for_a_route_or_a_command(app: Flask) -> None:
    roles = {role for row in POLICY.values() for role in row.cells}
    auditors = [name for name, row in POLICY.items() if row.writes and "auditor" in row.cells]
    operators = [
        name
        for name, row in POLICY.items()
        if name.partition(".")[0] in ("bid", "award", "listing", "round") and "operator" in row.cells
    ]
    visitors = [name for name, row in POLICY.items() if row.cells.get("visitor", {Relation.ANY}) != {Relation.ANY}]

    assert roles - set(ROLES) == set()
    assert auditors == []  # an auditor changes nothing
    assert operators == []  # who runs the platform sees no bid
    assert visitors == []  # a visitor belongs to nothing


def _view(app: Flask, endpoint: str) -> Any:
    return app.view_functions[endpoint]

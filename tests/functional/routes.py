"""The routes of the application with their actions, known before any test runs: new ones are covered by themselves."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from functools import cache

from marketplace import settings as configuration
from marketplace.app import create_app
from marketplace.domain.policy import POLICY, noun_of
from marketplace.web.routing import CHANGING

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE")

BY_LINK = {"/mail/off/<string:token>"}
"""
What a mail program posts by itself, RFC 8058: the signed link is the proof, less mail is all that it does, and it is
answered without a redirection.
"""

STRANGERS = {"clerk", "signatory", "park_administrator"}
"""The roles in which another organization or park would come."""


@dataclass(frozen=True)
class Route:
    """One rule of the map."""

    rule: str
    endpoint: str
    verbs: frozenset[str]
    arguments: tuple[str, ...]
    action: str
    changing: str

    @property
    def changes(self) -> bool:
        """Whether some verb of it changes something."""
        return bool(self.verbs & CHANGING)

    @property
    def reads(self) -> bool:
        """Whether it can be looked at."""
        return "GET" in self.verbs

    def of(self, verb: str) -> str:
        """Return the action that a verb of this route stands for."""
        return self.changing if verb in CHANGING else self.action

    def __str__(self) -> str:
        return self.rule


@cache
def routes() -> tuple[Route, ...]:
    """Return every route but that of the static files."""
    with tempfile.TemporaryDirectory() as folder:
        settings = configuration.read({"HUIYONG_DATA": folder})
        app = create_app(settings)
        app.extensions["marketplace.engine"].dispose()
    found = [
        Route(
            rule.rule,
            rule.endpoint,
            frozenset(rule.methods or ()) & set(VERBS),
            tuple(sorted(rule.arguments)),
            app.view_functions[rule.endpoint].action,  # type: ignore[attr-defined]
            app.view_functions[rule.endpoint].changing,  # type: ignore[attr-defined]
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint != "static"
    ]
    return tuple(sorted(found, key=lambda route: (route.rule, route.endpoint)))


def public(action: str) -> bool:
    """Return whether the policy table lets everybody, or everybody signed in, do this to anything."""
    return bool({"visitor", "person"} & POLICY[action].cells.keys())


def shown_to_all(argument: str) -> bool:
    """Return whether some route shows everybody what this argument names, as the board shows listings."""
    return any(argument in route.arguments and public(route.action) for route in routes())


def guarded(route: Route, verb: str) -> bool:
    """
    Return whether a stranger must be told that the object of this route is not there.

    It must, unless the table gives the action to everybody (an account is everybody's own, not everybody's), or the action is about something else than the object, and
    the object is shown to all: a bid is one's own, the listing it is for is public.
    """
    action = route.of(verb)
    cells = POLICY[action].cells
    if verb not in route.verbs or not route.arguments or "visitor" in cells:
        return False
    if "person" in cells:
        return noun_of(action) == "account"  # one's own, and nobody else's
    if f"{noun_of(action)}_id" in route.arguments or not cells.keys() & STRANGERS:
        return True
    return not all(shown_to_all(argument) for argument in route.arguments)

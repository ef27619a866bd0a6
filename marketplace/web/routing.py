"""Every route names the action of the policy table that it stands for, or the application does not start."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, ParamSpec, TypeVar

from flask import Flask, request
from flask_login import current_user
from werkzeug.routing import IntegerConverter, Map

from marketplace.domain.errors import NotFound
from marketplace.domain.policy import POLICY
from marketplace.web import context

LARGEST_ID: Final = 2**31 - 1

P = ParamSpec("P")
R = TypeVar("R")

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})


class UnguardedRoute(RuntimeError):
    """A route without an action, with an unknown one, or a changing verb on an action that only reads."""


class RowNumber(IntegerConverter):
    """A number in an address that a row can have; one too large for any row is no address at all."""

    def __init__(self, map: Map, *args: Any, **given: Any) -> None:  # noqa: A002  # as werkzeug calls it
        super().__init__(map, *args, **({"max": LARGEST_ID} | given))


class SignInFirst(Exception):
    """A visitor asked for what only a person may do."""


def requires(action: str, *, changing: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Bind a view to an action of the policy table; ``changing`` is the action of its POST if that is another.

    Here the visitor is turned away from what no visitor may do; whether this person may do it to this object, the use
    case asks, which knows the object.
    """

    def bind(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            cells = POLICY[action].cells
            if not context.actor().signed_in and "visitor" not in cells:
                raise SignInFirst
            if current_user.is_authenticated and not could(action):
                raise NotFound
            return view(*args, **kwargs)

        guarded.action = action  # type: ignore[attr-defined]
        guarded.changing = changing or action  # type: ignore[attr-defined]
        return guarded

    return bind


def could(action: str) -> bool:
    """Return whether any role of this person could do this to anything at all."""
    acting = context.actor()
    roles = acting.roles | ({"visitor", "person"} if acting.signed_in else {"visitor"})
    return bool(roles & POLICY[action].cells.keys())


def install(app: Flask) -> None:
    """Set up what addresses are made of."""
    app.url_map.converters["int"] = RowNumber

    @app.before_request
    def refuse_unseen() -> None:
        """Refuse an address with a sign that no page of ours has in one, and that not every database can be asked for."""
        if any("\0" in text for text in (request.path, *(each for _, them in request.args.lists() for each in them))):
            raise NotFound


def check(app: Flask) -> None:
    """Raise UnguardedRoute unless each route is bound as it must be."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint == "static":
            continue
        view = app.view_functions[rule.endpoint]
        action = getattr(view, "action", None)
        changing = getattr(view, "changing", None)
        if action not in POLICY or changing not in POLICY:
            raise UnguardedRoute(f"{rule.rule} ({rule.endpoint}) names no action of the policy table")
        if (rule.methods or set()) & CHANGING and not POLICY[changing].writes:
            raise UnguardedRoute(f"{rule.rule} ({rule.endpoint}) changes something under {changing}, which only reads")

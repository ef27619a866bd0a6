"""What every view needs of the request: a session to the database, who acts, and what time it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, current_app, g
from flask_login import current_user
from sqlalchemy.orm import Session

from marketplace.domain.actors import VISITOR, Actor
from marketplace.domain.sealing import Sealer
from marketplace.services.accounts import Passwords
from marketplace.solver.spread import Spread, Wanted

if TYPE_CHECKING:
    from marketplace.settings import Settings  # what stands above is known by type alone
from marketplace.web.watching import Hub


@dataclass(frozen=True)
class Parts:
    """What `app` hands to the entries: they look for nothing themselves."""

    settings: Settings
    sessions: Callable[[], Session]
    geocoder: Any
    printer: Any
    """Writes a page as a PDF where it can."""
    table: Callable[..., Any]
    """Makes a sheet: name, title, lines above, header, rows and lines below."""
    workbook: Callable[[Any], bytes]
    """Writes sheets as an XLSX file."""
    passwords: Passwords
    sealer: Sealer
    """Seals bids and opens them, with a key that is not in the database."""
    enqueue: Callable[[int], None]
    """Tells the task queue that the job of this id waits; lost, it is found by the sweep."""
    spreads: Callable[[Wanted], Spread]
    """Gives a run a place of its own to work on parts, as the settings say."""
    hub: Hub
    """Wakes the pages of open sales of this process when bids have come."""


def parts() -> Parts:
    """Return the parts of the running application."""
    return cast("Parts", current_app.extensions["marketplace"])


def session() -> Session:
    """Return the request's session to the database; it is closed when the request ends."""
    if "database_session" not in g:
        g.database_session = parts().sessions()
    return cast("Session", g.database_session)


def now() -> datetime:
    """Return the instant at which the request came in; the only clock that a view reads."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    return cast("datetime", g.now)


def actor() -> Actor:
    """Return who acts: the person who signed in, or the visitor."""
    return current_user.actor if current_user.is_authenticated else VISITOR


def install(app: Flask) -> None:
    """Close the session of each request when it ends."""

    @app.teardown_appcontext
    def close(_: BaseException | None) -> None:
        opened = g.pop("database_session", None)
        if opened is not None:
            opened.close()

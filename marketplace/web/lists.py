"""What the lists of all pages share: what the reader asked for, and links to pages that others keep."""

from __future__ import annotations

from flask import current_app, request, url_for
from werkzeug.routing import BuildError

from marketplace.queries.listed import Wish
from marketplace.web.i18n import LANGUAGES, locale
from marketplace.web.routing import could


def wish() -> Wish:
    """Read search, sort and page from the address; whatever stands there, some page is shown."""
    number = request.args.get("page", "1")
    return Wish(
        search=request.args.get("q", "")[:100],
        sort=request.args.get("sort", "")[:40],
        number=int(number) if number.isascii() and number.isdecimal() and len(number) < 7 else 1,
    )


def language_asked() -> str:
    """Return the language that a paper is asked for in, or the reader's."""
    wished = request.args.get("language", "")
    return wished if wished in LANGUAGES else locale()


def link(endpoint: str, **values: object) -> str | None:
    """Return the address of a page; none for whom it is never there, and on a platform that runs without it."""
    view = current_app.view_functions.get(endpoint)
    if view is None or not could(getattr(view, "action", "")):
        return None
    try:
        return url_for(endpoint, **values)  # type: ignore[arg-type]
    except BuildError:
        return None

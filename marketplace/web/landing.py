"""Where to go after signing in or changing the language: a page of this site, whatever was asked for."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from flask import current_app, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect


def landing(wanted: str | None) -> str:
    """Return the path that was asked for if it is a page of this site, else the start page."""
    return wanted if wanted and _is_ours(wanted) else url_for("today.home")


def _is_ours(wanted: str) -> bool:
    if not wanted.startswith("/") or len(wanted) > 2000 or any(sign.isspace() or ord(sign) < 33 for sign in wanted):
        return False
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return False
    path = unquote(unquote(parts.path))
    strange = "\\" in wanted or "\\" in path or "//" in path or any(ord(sign) < 33 for sign in path)
    return not (strange or parts.scheme or parts.netloc) and _is_known(parts.path)


def _is_known(path: str) -> bool:
    """Whether a page answers there to a GET."""
    try:
        current_app.url_map.bind("localhost").match(unquote(path), method="GET")
    except RequestRedirect:
        return True
    except HTTPException:
        return False
    return True

"""What every template knows beside its page."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Flask, has_request_context, url_for
from flask_login import current_user

from marketplace.web import context
from marketplace.web.i18n import HTML_LANG, locale
from marketplace.web.navigation import navigation

if TYPE_CHECKING:
    from marketplace.settings import Settings  # what stands above is known by type alone


def install(app: Flask, settings: Settings, *, demo: Callable[[], bool]) -> None:
    """Make the names that `base.html` reads known to every template."""

    @cache
    def stamp(path: Path, changed_ns: int) -> str:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:12]

    def asset(name: str) -> str:
        path = settings.static_folder / name
        return url_for("static", filename=name, v=stamp(path, path.stat().st_mtime_ns))

    @app.context_processor
    def names() -> dict[str, object]:
        if not has_request_context():  # a mail that the worker writes: nobody asks, nobody is signed in
            return {"locale": locale(), "html_lang": HTML_LANG[locale()]}
        return {
            "actor": current_user if current_user.is_authenticated else None,
            "navigation": navigation,
            "locale": locale(),
            "html_lang": HTML_LANG[locale()],
            "demo": demo(),
            "asset": asset,
            "server_time": context.now(),
        }

    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True

"""Languages: Chinese unless the reader chose English; the only module that knows flask_babel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import flask_babel
from babel.dates import format_date, format_datetime
from flask import Flask, has_request_context, request
from flask_babel import Babel, force_locale, get_locale, lazy_gettext
from flask_login import current_user

CHINESE: Final = "zh_Hans_CN"
LANGUAGES: Final = {CHINESE: "中文", "en": "English"}
HTML_LANG: Final = {CHINESE: "zh-Hans-CN", "en": "en"}
COOKIE: Final = "language"
BOUND: Final = "\u00a0"
"""A space at which no line ends, so that a date stays in one piece."""

__all__ = [
    "BOUND",
    "CHINESE",
    "COOKIE",
    "HTML_LANG",
    "LANGUAGES",
    "gettext",
    "install",
    "lazy_gettext",
    "locale",
    "ngettext",
]


def gettext(text: str, **values: object) -> str:
    """Return a text in the reader's language, its values filled in."""
    return str(flask_babel.gettext(text, **values))


def ngettext(one: str, many: str, count: int, **values: object) -> str:
    """Return the text for one thing or for many, in the reader's language."""
    return str(flask_babel.ngettext(one, many, count, **values))


def locale() -> str:
    """Return the language of the text that is being written: ``zh_Hans_CN`` or ``en``."""
    return "en" if str(get_locale() or CHINESE).startswith("en") else CHINESE


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Write in this language for a while, as the worker does for a mail."""
    with force_locale(language if language in LANGUAGES else CHINESE):
        yield


def _chosen() -> str:
    """
    Return the language that the reader chose: their account's, else the cookie's, else Chinese.

    The browser's own wish is not asked: in the plants that use this, it tells who set up the machine.
    """
    if not has_request_context():
        return CHINESE
    if current_user.is_authenticated:
        return str(current_user.language)
    wish = request.cookies.get(COOKIE, "")
    return wish if wish in LANGUAGES else CHINESE


def install(app: Flask, *, folder: str, timezone: str) -> None:
    """Set the languages up."""
    app.config["BABEL_TRANSLATION_DIRECTORIES"] = folder
    app.config["BABEL_DEFAULT_LOCALE"] = CHINESE
    app.config["BABEL_DEFAULT_TIMEZONE"] = timezone
    Babel(app, locale_selector=_chosen)


def instant_text(at: datetime, zone: str, *, day_only: bool = False, seconds: bool = False) -> str:
    """Return an instant for the reader, in the site's time zone."""
    local = at.astimezone(ZoneInfo(zone))
    language, pattern = ("en", "d MMM yyyy") if locale() == "en" else ("zh", "y 年 M 月 d 日")
    written = format_date(local, pattern, language).replace(" ", BOUND)
    time = "HH:mm:ss" if seconds else "HH:mm"
    return written if day_only else f"{written} {format_datetime(local, time, locale=language)}"

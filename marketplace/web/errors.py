"""Each refusal has one answer; anything else is a defect, logged and told without its inside."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import Flask, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError  # noqa: A004  # the pool names its own so
from werkzeug.exceptions import HTTPException

from marketplace.domain.errors import Conflict, Invalid, MarketplaceError, NotAllowed, NotFound, TooMany
from marketplace.domain.wording import Sentence
from marketplace.web.filters import say
from marketplace.web.people import take_for_nobody
from marketplace.web.routing import SignInFirst

STATUS: Final[dict[type[MarketplaceError], int]] = {
    Invalid: 422,
    NotFound: 404,
    NotAllowed: 403,
    Conflict: 409,
    TooMany: 429,
}
DRAWN: Final = frozenset({400, 403, 404, 405, 409, 413, 422, 429, 500, 503})


def status_of(refusal: MarketplaceError) -> int:
    """Return the status that a refusal is answered with."""
    return STATUS.get(type(refusal), 422)


def page(status: int, sentence: Sentence | None = None) -> ResponseReturnValue:
    """Return the page of a refusal."""
    shown = status if status in DRAWN else 500 if status >= 500 else 400
    return render_template(f"errors/{shown}.html", message=say(sentence), back_url=_back()), status


def _back() -> str | None:
    """Where the reader came from, if that was a page of ours."""
    came_from = urlsplit(request.referrer or "")
    return came_from.path if came_from.netloc == request.host and came_from.path != request.path else None


def install(app: Flask) -> None:
    """Set the answers up."""

    @app.errorhandler(MarketplaceError)
    def refused(refusal: MarketplaceError) -> ResponseReturnValue:
        return page(status_of(refusal), refusal.sentence)

    @app.errorhandler(SignInFirst)
    def stranger(_: SignInFirst) -> ResponseReturnValue:
        wanted = request.full_path.rstrip("?") if request.method == "GET" else None
        return redirect(url_for("auth.login", next=wanted), code=303)

    @app.errorhandler(CSRFError)
    def stale_form(_: CSRFError) -> ResponseReturnValue:
        return page(
            400, Sentence("This form is too old or came from elsewhere. Load the page again and send it once more.")
        )

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> ResponseReturnValue:
        if error.code is not None and error.code < 400:
            return error
        return page(error.code or 500)

    @app.errorhandler(OperationalError)
    @app.errorhandler(InterfaceError)
    @app.errorhandler(TimeoutError)
    def busy(error: OperationalError | InterfaceError | TimeoutError) -> ResponseReturnValue:
        app.logger.error("database: %s", getattr(error, "orig", error))
        take_for_nobody()
        answer = page(503)
        return (*answer, {"Retry-After": "5"}) if isinstance(answer, tuple) and len(answer) == 2 else answer  # type: ignore[return-value]

    @app.errorhandler(Exception)
    def defect(error: Exception) -> ResponseReturnValue:
        app.logger.error("defect in %s %r", request.method, request.path, exc_info=error)
        return page(500)

"""Headers, cookies and the token of every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask, Response, request
from flask_login import current_user
from flask_wtf.csrf import CSRFProtect

if TYPE_CHECKING:
    from marketplace.settings import Settings  # what stands above is known by type alone


POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)


def install(app: Flask, settings: Settings) -> None:
    """Set the secret, the cookies, the token of the forms and the headers of every answer."""
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.secure_cookies,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session that it belongs to
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_PARTS=1000,
    )
    CSRFProtect(app)

    @app.after_request
    def harden(response: Response) -> Response:
        headers = response.headers
        headers.setdefault("Content-Security-Policy", POLICY)
        headers.setdefault("X-Content-Type-Options", "nosniff")
        headers.setdefault("Referrer-Policy", "same-origin")
        headers.setdefault("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
        headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
        if settings.secure_cookies:
            headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        if request.endpoint != "static" and current_user.is_authenticated:
            headers["Cache-Control"] = "no-store"
        return response

"""Who is signed in: the browser holds a token, the database knows whose it is and whether it still counts."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask, g
from flask import session as cookie
from flask_login import AnonymousUserMixin, LoginManager, UserMixin

from marketplace.domain.actors import Actor
from marketplace.queries.accounts import Account, account_of
from marketplace.web import context
from marketplace.web.i18n import gettext, locale

SEEN = "seen"


class SignedIn(UserMixin):  # type: ignore[misc]  # flask_login has no types
    """The signed-in person as flask_login and the templates see them."""

    def __init__(self, token: str, account: Account) -> None:
        self.token = token
        self.account = account
        self.actor: Actor = account.actor
        self.language = account.language
        self.name = account.name

    def get_id(self) -> str:
        """Return the token of the session, not the id of the person: a session that ended is nobody's."""
        return self.token

    @property
    def organization_name(self) -> str:
        """Return the name of the organization or park that the person acts for."""
        english = locale() == "en" and self.account.organization_en
        return self.account.organization_en if english else self.account.organization_zh

    @property
    def role_label(self) -> str:
        """Return the name of the person's first role."""
        return role_label(self.account.role)


def role_label(role: str) -> str:
    """Return the name of a role."""
    return {
        "clerk": gettext("clerk"),
        "signatory": gettext("signatory"),
        "weigher": gettext("weighbridge operator"),
        "park_administrator": gettext("park administrator"),
        "operator": gettext("platform operator"),
        "auditor": gettext("auditor"),
    }.get(role, "")


def take_for_nobody() -> None:
    """Answer this request as nobody's where the database cannot be asked whose it is."""
    g.setdefault("_login_user", AnonymousUserMixin())


def install(app: Flask, *, idle_minutes: int) -> None:
    """Set up who is signed in; a session that was not used for so many minutes ends."""
    app.jinja_env.filters["role"] = role_label
    manager = LoginManager(app)
    manager.session_protection = None  # the token itself is checked against the database at each request

    @manager.user_loader  # type: ignore[untyped-decorator]
    def load(token: str) -> SignedIn | None:
        now = context.now()
        seen = int(cookie.get(SEEN, 0))
        if seen and now.timestamp() - seen > timedelta(minutes=idle_minutes).total_seconds():
            return None
        account = account_of(context.session(), token, now=now)
        if account is None:
            return None
        if now.timestamp() - seen > 30:
            cookie[SEEN] = int(now.timestamp())
        return SignedIn(token, account)

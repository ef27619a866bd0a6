"""Signing in and out, the language, passwords, invitations and one's own account."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user

from marketplace.domain.errors import Conflict, Invalid
from marketplace.queries import accounts as reading
from marketplace.services import accounts, members
from marketplace.services.accounts import Origin
from marketplace.web.context import actor, now, parts, session
from marketplace.web.forms.auth import ForgotForm, JoinForm, PasswordForm, ProfileForm, ResetForm, SignInForm
from marketplace.web.forms.base import MarketForm
from marketplace.web.i18n import COOKIE, LANGUAGES, gettext, locale
from marketplace.web.landing import landing
from marketplace.web.people import SEEN, SignedIn
from marketplace.web.routing import requires

blueprint = Blueprint("auth", __name__)

YEAR = timedelta(days=365)


def origin() -> Origin:
    """Return where the request comes from; proxies count as many as are configured, and no more."""
    return Origin(request.remote_addr or "", request.user_agent.string)


def lasting() -> timedelta:
    """Return how long a session lasts at most."""
    return timedelta(hours=parts().settings.absolute_hours)


def take_in(token: str) -> None:
    """Make the browser hold a new session, and nothing of what it held before."""
    account = reading.account_of(session(), token, now=now())
    assert account is not None
    cookie.clear()
    login_user(SignedIn(token, account))
    cookie[SEEN] = int(now().timestamp())


@blueprint.route("/login", methods=["GET", "POST"])
@requires("account.sign_in")
def login() -> ResponseReturnValue:
    """Sign in."""
    wanted = request.values.get("next")
    if actor().signed_in and request.method == "GET":
        return redirect(landing(wanted), code=303)
    form = SignInForm()
    if form.validate_on_submit():
        try:
            token = accounts.sign_in(
                session(), parts().passwords, form.email.data, form.password.data, origin(), lasts=lasting(), now=now()
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            take_in(token)
            return redirect(landing(wanted), code=303)
    return render_template(
        "auth/login.html", form=form, wanted=wanted if landing(wanted) == wanted else None
    ), form.status


@blueprint.post("/logout")
@requires("account.sign_out")
def logout() -> ResponseReturnValue:
    """Sign out: the session ends here, whatever the browser still holds."""
    spoken = locale()
    if current_user.is_authenticated:
        accounts.sign_out(session(), actor(), current_user.token, now=now())
    logout_user()
    cookie.clear()
    answer = make_response(redirect(url_for("auth.login"), code=303))
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return _speaking(answer, spoken)


@blueprint.post("/language")
@requires("account.language")
def language() -> ResponseReturnValue:
    """Choose the language: kept with the person, and in a cookie for the visitor."""
    chosen = request.form.get("language", "")
    accounts.choose_language(session(), actor(), chosen, now=now())
    return _speaking(make_response(redirect(landing((request.form.get("next") or "").rstrip("?")), code=303)), chosen)


@blueprint.route("/forgot", methods=["GET", "POST"])
@requires("account.reset")
def forgot() -> ResponseReturnValue:
    """Have a link mailed with which the password can be set anew; the answer is the same for every address."""
    form = ForgotForm()
    if form.validate_on_submit():
        try:
            accounts.ask_for_reset(session(), form.email.data, origin(), now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            return render_template("auth/forgot_sent.html")
    return render_template("auth/forgot.html", form=form), form.status


@blueprint.route("/reset/<token>", methods=["GET", "POST"])
@requires("account.reset")
def reset(token: str) -> ResponseReturnValue:
    """Set the password that a mailed link is for."""
    email = reading.reset_address(session(), token, now=now())
    form = ResetForm()
    if form.validate_on_submit():
        try:
            accounts.reset(session(), parts().passwords, token, form.new.data, now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            logout_user()
            cookie.clear()
            flash(gettext("The password is set. Sign in with it."), "use")
            return redirect(url_for("auth.login"), code=303)
    return _unkept("auth/reset.html", form, email=email)


@blueprint.route("/join/<token>", methods=["GET", "POST"])
@requires("member.join")
def join(token: str) -> ResponseReturnValue:
    """Accept an invitation, as somebody new or as the person who is signed in."""
    offered = reading.invitation(session(), token, now=now())
    form = JoinForm()
    mine = current_user.is_authenticated and current_user.account.email == offered.email
    if request.method == "POST" and actor().signed_in:
        members.join(session(), actor(), token, now=now())
        return _joined()
    if request.method == "POST" and offered.known:
        raise Conflict("There is an account with this mail address. Sign in, then open the link again.")
    if form.validate_on_submit():
        try:
            begun = members.join_as_new(
                session(),
                parts().passwords,
                token,
                form.name.data,
                form.password.data,
                origin(),
                language=locale(),
                lasts=lasting(),
                now=now(),
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            take_in(begun)
            return _joined()
    return _unkept("auth/join.html", form, offered=offered, mine=mine, token=token)


@blueprint.route("/account", methods=["GET", "POST"])
@requires("account.read", changing="account.manage")
def account() -> ResponseReturnValue:
    """Show one's own account; change the name and the language."""
    form = ProfileForm(name=current_user.account.name, language=current_user.account.language)
    if form.validate_on_submit():
        try:
            accounts.change_profile(session(), actor(), form.name.data, form.language.data, now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            answer = make_response(redirect(url_for("auth.account"), code=303))
            return _speaking(answer, form.language.data)
    return _account(form, PasswordForm(formdata=None))


@blueprint.post("/account/password")
@requires("account.manage")
def password() -> ResponseReturnValue:
    """Change one's own password; all other sessions end."""
    form = PasswordForm()
    if form.validate_on_submit():
        try:
            accounts.change_password(
                session(),
                parts().passwords,
                actor(),
                form.current.data,
                form.new.data,
                origin(),
                token=current_user.token,
                now=now(),
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("The password is changed; all other sessions have ended."), "use")
            return redirect(url_for("auth.account"), code=303)
    profile = ProfileForm(formdata=None, name=current_user.account.name, language=current_user.account.language)
    return _account(profile, form)


@blueprint.post("/account/sessions/<int:sign_in_id>/end")
@requires("account.manage")
def end_session(sign_in_id: int) -> ResponseReturnValue:
    """End one of one's own sessions."""
    accounts.end_session(session(), actor(), sign_in_id, now=now())
    flash(gettext("The session has ended."), "use")
    return redirect(url_for("auth.account"), code=303)


def _account(profile: ProfileForm, password: PasswordForm) -> ResponseReturnValue:
    page = reading.own_page(session(), actor(), current_user.token, now=now())
    status = 422 if profile.errors or password.errors else 200
    return render_template("auth/account.html", page=page, profile=profile, password=password), status


def _joined() -> ResponseReturnValue:
    flash(gettext("You have joined the organization."), "use")
    return redirect(url_for("today.show"), code=303)


def _unkept(template: str, form: MarketForm, **page: object) -> ResponseReturnValue:
    """Return a page whose address is a key: nobody keeps it, and it is named to nobody."""
    answer = make_response(render_template(template, form=form, **page), form.status)
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Referrer-Policy"] = "same-origin"
    return answer


def _speaking(answer: Response, language: str) -> Response:
    if language in LANGUAGES:
        secure = parts().settings.secure_cookies
        answer.set_cookie(COOKIE, language, max_age=YEAR, httponly=True, secure=secure, samesite="Lax")
    return answer

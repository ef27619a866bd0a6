"""Of what a person wants mail: chosen when signed in, or switched off by the link in a mail, see RFC 8058."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeSerializer

from marketplace.domain.errors import Invalid, NotFound
from marketplace.domain.notices import SUBJECTS
from marketplace.queries import notices as queries
from marketplace.services import notices as services
from marketplace.web.context import actor, now, session
from marketplace.web.forms.mailing import SUBJECT_LABELS, MailForm
from marketplace.web.i18n import gettext
from marketplace.web.routing import requires

blueprint = Blueprint("mailing", __name__)

SALT: Final = "mail-off"
Mark = tuple[int, str]
"""A person and a subject, as a link names them."""


@blueprint.route("/notices/mail", methods=["GET", "POST"])
@requires("account.read", changing="account.manage")
def choose() -> ResponseReturnValue:
    """Show and change of what one wants mail."""
    page = queries.mail_page(session(), actor())
    form = MailForm(wanted=list(page.wanted))
    if form.validate_on_submit():
        try:
            services.choose_mail(session(), actor(), form.wanted.data, now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Kept. What you have no mail of still stands among your notices."), "use")
            return redirect(url_for("mailing.choose"), code=303)
    return render_template("notices/mail.html", page=page, form=form), form.status


@blueprint.get("/mail/off/<string:token>")
@requires("account.mail_off")
def ask(token: str) -> ResponseReturnValue:
    """Ask whether to switch off, for whoever follows the link; reading alone changes nothing, for mail is read by machines."""
    _, subject = _read(token)
    return render_template("notices/off.html", token=token, subject=SUBJECT_LABELS[subject])


@blueprint.post("/mail/off/<string:token>")
@requires("account.mail_off")
def switch_off(token: str) -> ResponseReturnValue:
    """Switch off what the link names; a mail program asks this by itself, without cookie and token of a form."""
    person_id, subject = _read(token)
    services.switch_mail_off(session(), person_id, subject, now=now())
    return render_template("notices/off.html", token=None, subject=SUBJECT_LABELS[subject])


@blueprint.record_once
def _without_form_token(state: BlueprintSetupState) -> None:
    """Let mail programs post: the link itself is the proof, and it does nothing but send less mail."""
    state.app.extensions["csrf"].exempt(switch_off)


def off_links(secret: str, public_url: str) -> Callable[[int, str], str]:
    """Return what makes the address with which a person ends mail about a subject."""
    serializer = URLSafeSerializer(secret, salt=SALT)
    return lambda person_id, subject: f"{public_url}/mail/off/{serializer.dumps((person_id, subject))}"


def _read(token: str) -> Mark:
    try:
        person_id, subject = URLSafeSerializer(current_app.secret_key or "", salt=SALT).loads(token)
    except BadData:
        raise NotFound from None
    if subject not in SUBJECTS:
        raise NotFound
    return person_id, subject

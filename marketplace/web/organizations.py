"""Organizations: register, members and their roles, and the verification by the park."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from marketplace.domain.errors import Conflict, Invalid, NotAllowed
from marketplace.queries import organizations as reading
from marketplace.services import members, organizations, permits
from marketplace.web.auth import lasting, origin, take_in
from marketplace.web.context import actor, now, parts, session
from marketplace.web.forms.organizations import (
    InviteForm,
    OrganizationForm,
    ReasonForm,
    RegisterForm,
    RoleForm,
    choices,
)
from marketplace.web.i18n import gettext, locale
from marketplace.web.routing import requires

blueprint = Blueprint("organizations", __name__)


@blueprint.route("/register", methods=["GET", "POST"])
@requires("organization.register")
def register() -> ResponseReturnValue:
    """Register an organization and its first signatory, who is signed in at once."""
    if actor().signed_in:
        raise Conflict("You are signed in. Sign out to register another organization.")
    form = RegisterForm()
    parks = reading.parks_to_choose(session())
    form.park_id.choices = choices(parks, gettext("choose a park"))
    if form.validate_on_submit():
        try:
            token = organizations.register(
                session(),
                parts().passwords,
                form.command(),
                form.person(),
                origin(),
                language=locale(),
                lasts=lasting(),
                now=now(),
            )
        except Invalid as refusal:
            form.show(refusal)
        else:
            take_in(token)
            flash(gettext("The organization is registered and awaits verification by the park."), "use")
            return redirect(url_for("organizations.mine"), code=303)
    return render_template("organizations/register.html", form=form, parks=parks), form.status


@blueprint.get("/organization")
@requires("organization.read")
def mine() -> ResponseReturnValue:
    """Show the own organization."""
    return _shown(reading.own_organization(actor()))


@blueprint.get("/organizations")
@requires("organization.read")
def index() -> ResponseReturnValue:
    """Show the members of the own parks and the permits of their lines."""
    page = reading.index_page(session(), actor(), request.args.get("state", ""), now=now())
    return render_template("organizations/index.html", page=page)


@blueprint.get("/organizations/<int:organization_id>")
@requires("organization.read")
def show(organization_id: int) -> ResponseReturnValue:
    """Show one organization."""
    return _shown(organization_id)


def _shown(organization_id: int) -> ResponseReturnValue:
    page = reading.organization_page(session(), actor(), organization_id, now=now())
    return render_template("organizations/show.html", page=page)


@blueprint.route("/organizations/<int:organization_id>/edit", methods=["GET", "POST"])
@requires("organization.edit")
def edit(organization_id: int) -> ResponseReturnValue:
    """Change what an organization says of itself."""
    facts = reading.facts_to_edit(session(), actor(), organization_id)
    form = OrganizationForm(obj=facts)
    form.park_id.choices = choices(reading.parks_to_choose(session()))
    if form.validate_on_submit():
        try:
            anew = organizations.edit(session(), actor(), organization_id, form.command(), now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Saved. The park verifies it anew.") if anew else gettext("Saved."), "use")
            return redirect(url_for("organizations.show", organization_id=organization_id), code=303)
    return render_template("organizations/edit.html", form=form, facts=facts), form.status


@blueprint.route("/organizations/<int:organization_id>/invite", methods=["GET", "POST"])
@requires("member.invite")
def invite(organization_id: int) -> ResponseReturnValue:
    """Invite somebody to act for the organization."""
    page = reading.organization_page(session(), actor(), organization_id, now=now())
    if "member.invite" not in page.may:
        raise NotAllowed
    form = InviteForm(role="clerk")
    form.offer(page.sites)
    if form.validate_on_submit():
        try:
            invited = form.command()
            members.invite(session(), actor(), organization_id, invited, language=locale(), now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, 409 if isinstance(refusal, Conflict) else 422)
        else:
            flash(gettext("An invitation goes to %(email)s; it is valid for seven days.", email=invited.email), "use")
            return redirect(url_for("organizations.show", organization_id=organization_id), code=303)
    return render_template("organizations/invite.html", form=form, page=page), form.status


@blueprint.post("/organizations/<int:organization_id>/invitations/<int:letter_id>/revoke")
@requires("member.invite")
def revoke(organization_id: int, letter_id: int) -> ResponseReturnValue:
    """Make an invitation void."""
    members.revoke(session(), actor(), organization_id, letter_id, now=now())
    flash(gettext("The invitation is void."), "use")
    return redirect(url_for("organizations.show", organization_id=organization_id), code=303)


@blueprint.route("/members/<int:appointment_id>", methods=["GET", "POST"])
@requires("member.remove")
def member(appointment_id: int) -> ResponseReturnValue:
    """Give a member another role."""
    organization_id, held, sites = reading.member_page(session(), actor(), appointment_id)
    form = RoleForm(role=held.role)
    form.offer(sites)
    if form.validate_on_submit():
        try:
            members.change_role(session(), actor(), appointment_id, form.role.data, form.site, now=now())
        except (Invalid, Conflict) as refusal:
            form.show(refusal, 409 if isinstance(refusal, Conflict) else 422)
        else:
            flash(gettext("The role is changed; it holds from the next click of this member on."), "use")
            return redirect(url_for("organizations.show", organization_id=organization_id), code=303)
    return render_template(
        "organizations/member.html", form=form, member=held, organization_id=organization_id
    ), form.status


@blueprint.post("/members/<int:appointment_id>/remove")
@requires("member.remove")
def remove(appointment_id: int) -> ResponseReturnValue:
    """End a member's appointment."""
    organization_id, held, _ = reading.member_page(session(), actor(), appointment_id)
    members.remove(session(), actor(), appointment_id, now=now())
    flash(gettext("%(name)s no longer acts for the organization.", name=held.name), "use")
    if held.person_id == actor().person_id:
        return redirect(url_for("today.show"), code=303)
    return redirect(url_for("organizations.show", organization_id=organization_id), code=303)


@blueprint.post("/organizations/<int:organization_id>/verify")
@requires("organization.verify")
def verify(organization_id: int) -> ResponseReturnValue:
    """Verify an organization."""
    organizations.verify(session(), actor(), organization_id, now=now())
    flash(gettext("The organization is verified."), "use")
    return redirect(url_for("organizations.show", organization_id=organization_id), code=303)


@blueprint.post("/organizations/<int:organization_id>/resume")
@requires("organization.verify")
def resume(organization_id: int) -> ResponseReturnValue:
    """Lift a suspension."""
    organizations.resume(session(), actor(), organization_id, now=now())
    flash(gettext("The suspension is lifted."), "use")
    return redirect(url_for("organizations.show", organization_id=organization_id), code=303)


@blueprint.route("/organizations/<int:organization_id>/refuse", methods=["GET", "POST"])
@requires("organization.verify")
def refuse(organization_id: int) -> ResponseReturnValue:
    """Refuse to verify an organization, with the reason."""
    return _with_reason(organization_id, "refuse", organizations.refuse)


@blueprint.route("/organizations/<int:organization_id>/suspend", methods=["GET", "POST"])
@requires("organization.verify")
def suspend(organization_id: int) -> ResponseReturnValue:
    """Suspend an organization, with the reason."""
    return _with_reason(organization_id, "suspend", organizations.suspend)


def _with_reason(organization_id: int, act: str, decide: Callable[..., None]) -> ResponseReturnValue:
    page = reading.organization_page(session(), actor(), organization_id, now=now())
    if "organization.verify" not in page.may:
        raise NotAllowed
    form = ReasonForm()
    if form.validate_on_submit():
        try:
            because = " ".join(form.because.data.split())
            decide(session(), actor(), organization_id, because, now=now())
        except Invalid as refusal:
            form.show(refusal)
        else:
            flash(gettext("Saved; the signatories are told the reason by mail."), "use")
            return redirect(url_for("organizations.show", organization_id=organization_id), code=303)
    return render_template("organizations/reason.html", form=form, page=page, act=act), form.status


@blueprint.post("/permits/<int:line_id>/verify")
@requires("permit.verify")
def verify_permit(line_id: int) -> ResponseReturnValue:
    """Confirm the permit of an intake line."""
    permits.verify_permit(session(), actor(), line_id, now=now())
    flash(gettext("The permit is verified."), "use")
    return redirect(url_for("organizations.index") + "#permits", code=303)


@blueprint.post("/permits/<int:line_id>/withdraw")
@requires("permit.verify")
def withdraw_permit(line_id: int) -> ResponseReturnValue:
    """Take the confirmation of a permit back."""
    permits.withdraw_permit(session(), actor(), line_id, now=now())
    flash(gettext("The permit is no longer verified."), "use")
    return redirect(url_for("organizations.index") + "#permits", code=303)

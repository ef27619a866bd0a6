"""Contracts: what both sides signed, to be read and printed in both languages."""

from __future__ import annotations

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from marketplace.queries import contracts as reading
from marketplace.web.context import actor, now, session
from marketplace.web.i18n import LANGUAGES, locale, speaking
from marketplace.web.lists import wish
from marketplace.web.routing import requires

blueprint = Blueprint("contracts", __name__)


@blueprint.get("/contracts")
@requires("contract.read")
def index() -> ResponseReturnValue:
    """Show the contracts of the own organization, newest first."""
    return render_template("contracts/index.html", page=reading.contracts_index(session(), actor(), wish(), now=now()))


@blueprint.get("/contracts/<int:contract_id>")
@requires("contract.read")
def show(contract_id: int) -> ResponseReturnValue:
    """Show one contract."""
    return render_template(
        "contracts/show.html", page=reading.contract_page(session(), actor(), contract_id, now=now())
    )


@blueprint.get("/contracts/<int:contract_id>/print")
@requires("contract.read")
def paper(contract_id: int) -> ResponseReturnValue:
    """Show one contract as a paper, in the language that is asked for."""
    page = reading.contract_page(session(), actor(), contract_id, now=now())
    wished = request.args.get("language", "")
    with speaking(wished if wished in LANGUAGES else locale()):
        return render_template("contracts/print.html", page=page)

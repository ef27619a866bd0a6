"""Whether this process lives, and whether the site can do its work."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue

from marketplace.queries.health import readiness
from marketplace.web.context import now, parts, session
from marketplace.web.routing import requires

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
@requires("health.read")
def alive() -> ResponseReturnValue:
    """Say that this process answers."""
    return jsonify(alive=True)


@blueprint.get("/readyz")
@requires("health.read")
def ready() -> ResponseReturnValue:
    """Say whether the database answers, its schema is the newest, a worker and the keys of the seals are there; else 503."""
    own = parts()
    found = readiness(session(), own.settings.migrations_folder, own.sealer, now=now())
    return jsonify(asdict(found)), 200 if found.all else 503

"""Whether this process lives, and whether the site can do its work."""

from __future__ import annotations

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
    """Say whether the database answers, its schema is the newest and a worker is there; 503 if one is not so."""
    found = readiness(session(), parts().settings.migrations_folder, now=now())
    return jsonify(database=found.database, migrations=found.migrations, worker=found.worker), 200 if found.all else 503

"""Where a command solves: what --solver names, else the setting of the site, else this core."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Final

from flask import current_app, has_app_context

from marketplace.solver.spread import OneCore, Processes, Spread

LAST_PORT: Final = 65535

_PLACE: Final = re.compile(
    r"core|processes(?::(?P<workers>[1-9][0-9]{0,2}))?|tcp://[^\s/:@]+:(?P<port>[1-9][0-9]{0,4})"
)


class NoSuchPlace(Exception):
    """Nobody solves there; the message says why."""


def spread_of(solver: str | None) -> Spread:
    """
    Return the place that ``solver`` names, or if it is None the one that ``HUIYONG_SOLVER`` names, as rounds use it.

    Nothing is started or asked yet. Raises NoSuchPlace.
    """
    name = solver or _setting()
    found = _PLACE.fullmatch(name)
    if found is None or int(found["port"] or 1) > LAST_PORT:
        raise NoSuchPlace(
            f"--solver {name}: there are core, processes and processes:N with N from 1 to 999, "
            "and the scheduler of a Dask cluster such as tcp://10.0.0.5:8786."
        )
    if found["port"]:
        return _cluster(name)
    if name == "core":
        return OneCore()
    return Processes(int(found["workers"])) if found["workers"] else Processes()


def _setting() -> str:
    if not has_app_context():
        return "core"
    solver: str = current_app.extensions["marketplace"].settings.solver
    return solver


def _cluster(name: str) -> Spread:
    if find_spec("distributed") is None:
        raise NoSuchPlace(
            f"--solver {name} is a Dask cluster, and Dask is not installed: pip install -r requirements-cluster.txt"
        )
    if not has_app_context():
        raise NoSuchPlace(f"--solver {name}: a Dask cluster is reached by `flask --app wsgi match` alone.")
    spread: Spread = current_app.extensions["marketplace.spread"](name)
    return spread

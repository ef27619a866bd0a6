"""Where a command solves: what --solver names, else the setting of the site, else this core."""

from __future__ import annotations

import re
from importlib.util import find_spec
from typing import Final

import click
from flask import Flask
from flask.cli import ScriptInfo

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
    site = _site()
    return "core" if site is None else str(site.extensions["marketplace"].settings.solver)


def _cluster(name: str) -> Spread:
    if find_spec("distributed") is None:
        raise NoSuchPlace(
            f"--solver {name} is a Dask cluster, and Dask is not installed: pip install -r requirements-cluster.txt"
        )
    site = _site()
    if site is None:
        raise NoSuchPlace(f"--solver {name}: a Dask cluster is reached by `flask --app wsgi match` alone.")
    spread: Spread = site.extensions["marketplace.spread"](name)
    return spread


def _site() -> Flask | None:
    """Return the application whose command this is, or None outside of any."""
    context = click.get_current_context(silent=True)
    script = context.find_object(ScriptInfo) if context else None
    return script.load_app() if script else None

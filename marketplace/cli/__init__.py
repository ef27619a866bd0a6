"""The operator: commands of `flask --app wsgi`."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from flask import Flask

COMMANDS: Final = (
    ("database", "database"),
    ("demo", "demo"),
    ("match", "match"),
    ("rounds", "rounds"),
    ("rounds", "replay"),
    ("invariants", "check"),
    ("translations", "translations"),
    ("worker", "worker"),
)
"""Module and name of each command."""


def install(app: Flask) -> None:
    """Make the commands known to `flask`."""
    for module, name in COMMANDS:
        app.cli.add_command(getattr(import_module(f"marketplace.cli.{module}"), name))

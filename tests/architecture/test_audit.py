"""Whatever a use case writes into the audit log can be read there in words."""

from __future__ import annotations

import ast
from pathlib import Path

from marketplace.web.acts import ACTS, DETAILS, OBJECTS

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("services", "cli", "jobs")
PLACES = {"now", "organization_id", "park_id"}
"""Columns of the log, which it shows apart."""


def _calls() -> list[ast.Call]:
    """Return every call that writes an audit row."""
    return [
        node
        for folder in FOLDERS
        for path in (ROOT / "marketplace" / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in {"record", "_note"}
    ]


def test_every_detail_has_a_name() -> None:
    written = {keyword.arg for call in _calls() for keyword in call.keywords if keyword.arg}

    assert len(written) > len(PLACES)
    assert written - PLACES - DETAILS.keys() == set()


def test_every_act_and_object_has_a_name() -> None:
    texts = [
        [given.value for given in call.args if isinstance(given, ast.Constant) and isinstance(given.value, str)]
        for call in _calls()
    ]
    acts = {text for given in texts for text in given if "." in text}
    objects = {given[-1] for given in texts if len(given) > 1}

    assert acts - ACTS.keys() == set()
    assert objects - OBJECTS.keys() == set()

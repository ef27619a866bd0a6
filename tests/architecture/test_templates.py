"""Every template compiles, names its page, and carries the token in each form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import meta

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDER = ROOT / "templates"
TEMPLATES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*") if path.suffix in (".html", ".txt"))
PAGES = [
    name
    for name in TEMPLATES
    if name.endswith(".html")
    and "/" in name
    and not Path(name).name.startswith("_")
    and not name.startswith(("components/", "mail/"))
]
FORM = re.compile(r"<form\b(?P<start>[^>]*)>(?P<inside>.*?)</form>", re.DOTALL)
TOKEN = re.compile(r"csrf|hidden_tag|form_token|token\(|post_form|start_form|form_start", re.IGNORECASE)


def _source(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", TEMPLATES)
def test_it_compiles_and_asks_only_for_templates_that_are_there(app: Flask, name: str) -> None:
    tree = app.jinja_env.parse(_source(name))

    asked = [other for other in meta.find_referenced_templates(tree) if other is not None]

    app.jinja_env.get_template(name)
    assert [other for other in asked if other not in TEMPLATES] == []


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_a_title_of_its_own(app: Flask, name: str) -> None:
    if "<!doctype" in _source(name):
        titled = "<title>" in _source(name)
    else:
        titled = "title" in _blocks(app, name)

    assert titled


@pytest.mark.parametrize("name", [name for name in TEMPLATES if name.endswith(".html")])
def test_every_form_that_posts_carries_its_token(name: str) -> None:
    forms = [
        found for found in FORM.finditer(_source(name)) if re.search(r'method="post"', found["start"], re.IGNORECASE)
    ]

    bare = [found["start"] for found in forms if not TOKEN.search(found["inside"])]

    assert bare == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_nothing_is_marked_safe_or_left_unescaped(name: str) -> None:
    found = re.findall(r"\|\s*safe\b|autoescape\s+false|Markup\(", _source(name))

    assert found == []


def test_every_text_for_mail_has_a_first_line_for_its_subject() -> None:
    mails = [name for name in TEMPLATES if name.startswith("mail/")]

    bare = [name for name in mails if not _body(_source(name)).splitlines()[0].strip()]

    assert bare == []


def _blocks(app: Flask, name: str) -> set[str]:
    """Return the blocks that a page or a parent between it and the base fills."""
    found: set[str] = set()
    while name not in ("base.html", "print.html"):
        template = app.jinja_env.get_template(name)
        found |= set(template.blocks)
        extended = re.search(r'{%-?\s*extends\s+"([^"]+)"', _source(name))
        if extended is None:
            break
        name = extended[1]
    return found


def _body(source: str) -> str:
    return re.sub(r"^(?:\s*{[%#].*?[%#]})+\s*", "", source, flags=re.DOTALL) or "\n"

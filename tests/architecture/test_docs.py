"""What the documents name is there, and what can be set is documented."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest
from click import Group
from flask import Flask

from marketplace.settings import Settings

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = [path for path in (ROOT / "README.md", ROOT / "CONTRIBUTING.md") if path.exists()]
DOCUMENTS += sorted((ROOT / "docs").rglob("*.md"))
NOT_SET = {
    "data_folder",
    "template_folder",
    "static_folder",
    "migrations_folder",
    "translations_folder",
    "seal_key_made",
}


def _all() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)


OF_TESTS = {"HUIYONG_TEST_POSTGRES", "HUIYONG_MACHINE_STEPS", "HUIYONG_MANY_ACTS", "HUIYONG_KILLS"}
"""What only tests read from the environment."""


def test_every_make_target_that_is_named_is_there() -> None:
    targets = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    named = set(re.findall(r"(?:`|^\s*)make ([a-z]+)", _all(), re.MULTILINE))

    assert named - targets == set()


def test_every_target_is_explained_and_phony() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    targets = re.findall(r"^([a-z]+):(.*)$", makefile, re.MULTILINE)
    phony = set(re.findall(r"^\.PHONY:(.*)$", makefile, re.MULTILINE)[0].split())

    assert [name for name, rest in targets if "## " not in rest] == []
    assert {name for name, _ in targets} == phony


def test_every_command_that_is_named_is_there(app: Flask) -> None:
    named = re.findall(r"flask --app wsgi ([a-z]+)(?: ([a-z]+))?", _all())

    unknown = []
    for name, second in named:
        command = app.cli.commands.get(name)
        if command is None or (isinstance(command, Group) and second and second not in command.commands):
            unknown.append(f"{name} {second}".strip())

    assert unknown == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=[str(path.relative_to(ROOT)) for path in DOCUMENTS])
def test_files_and_links_that_are_named_are_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    spoken = re.findall(r"`((?:marketplace|templates|static|tests|tools|bench|migrations)/[\w/.-]+\.\w+)`", text)

    absent = [link for link in links if link and not (path.parent / link).exists()]
    absent += [name for name in spoken if "NNNN" not in name and not (ROOT / name).exists()]

    assert absent == []


def test_every_setting_is_documented() -> None:
    names = {field.name for field in fields(Settings)} - NOT_SET | {"data"}

    text = _all()

    silent = [
        name
        for name in sorted(names)
        if f"HUIYONG_{name.upper()}" not in text and f"`_{name.upper().partition('_')[2]}`" not in text
    ]

    assert silent == []


def test_every_setting_that_is_named_is_there() -> None:
    known = {f"HUIYONG_{field.name.upper()}" for field in fields(Settings)} | {"HUIYONG_DATA"} | OF_TESTS

    named = set(re.findall(r"HUIYONG_[A-Z_]*[A-Z]", _all()))

    assert named - known == set()

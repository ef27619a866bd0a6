"""Every text of the code is translated, once, with the same placeholders, and no translation is left over."""

from __future__ import annotations

import ast
import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from marketplace.cli import catalogue

PLACEHOLDER = re.compile(r"%\((\w+)\)([a-z])")
LANGUAGES = sorted(path.name for path in catalogue.FOLDER.iterdir() if path.is_dir())
PARTS = [(language, path, part) for language in LANGUAGES for path, part in catalogue.parts(language)]
COMMA_FORMS = re.compile(r"[\u4e00-\u9fff][,;:?!]|[,;:?!][\u4e00-\u9fff]")


def _said_elsewhere() -> Iterator[str]:
    """Yield texts that come to the catalogue by another way: strings of the code, and cells of the tables of facts."""
    for path in (catalogue.ROOT / "marketplace").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value
    for path in (catalogue.ROOT / "marketplace" / "data").rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.reader(file):
                yield from row


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    lacking = catalogue.missing(language)

    assert lacking == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_translation_is_left_over(language: str) -> None:
    said = set(_said_elsewhere())

    unused = [(Path(part).name, text) for part, text in catalogue.unused(language) if text not in said]

    assert unused == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_parts_do_not_contradict_each_other(language: str) -> None:
    whole = catalogue.merged(language)

    assert len(whole) > 0


@pytest.mark.parametrize(("language", "path", "part"), PARTS, ids=[path.name for _, path, _ in PARTS])
def test_translations_keep_the_placeholders(language: str, path: Path, part: catalogue.Catalog) -> None:
    changed = [
        message.id
        for message in part
        if message.id and isinstance(message.id, str)
        if set(PLACEHOLDER.findall(message.id)) != set(PLACEHOLDER.findall(str(message.string)))
    ]

    assert changed == []


@pytest.mark.parametrize(("language", "path", "part"), PARTS, ids=[path.name for _, path, _ in PARTS])
def test_chinese_has_its_own_punctuation(language: str, path: Path, part: catalogue.Catalog) -> None:
    texts = [str(message.string) for message in part if message.id]

    narrow = [text for text in texts if COMMA_FORMS.search(PLACEHOLDER.sub("1", text))]

    assert narrow == []


def test_a_text_without_translation_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    known = catalogue.texts()
    monkeypatch.setattr(catalogue, "texts", lambda: {**known, "Nobody says this.": ["nowhere.py:1"]})

    lacking = catalogue.missing("zh_Hans_CN")

    assert ("Nobody says this.", ["nowhere.py:1"]) in lacking

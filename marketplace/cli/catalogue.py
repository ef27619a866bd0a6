"""Texts of the code and their translations: parts by noun, merged into one catalogue for each language."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

ROOT: Final = Path(__file__).resolve().parent.parent.parent
FOLDER: Final = ROOT / "marketplace" / "translations"

KEYWORDS: Final = {
    "_": None,
    "gettext": None,
    "lazy_gettext": None,
    "lazy": None,
    "ngettext": (1, 2),
    # a refusal and a sentence carry their text to the edge, where it is translated
    "Invalid": None,
    "NotFound": None,
    "NotAllowed": None,
    "Conflict": None,
    "TooMany": None,
    "TooLarge": None,
    "Sentence": None,
}

METHODS: Final = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2")]


class Contradiction(Exception):
    """Two parts translate one text differently."""


def texts() -> dict[str | tuple[str, ...], list[str]]:
    """Return every text of the code with the places where it stands."""
    found: dict[str | tuple[str, ...], list[str]] = {}
    for folder in (ROOT / "marketplace", ROOT / "templates"):
        options = {"**.html": {"trimmed": "false"}, "**.txt": {"trimmed": "false"}}
        for file, line, message, _, _ in extract_from_dir(
            str(folder), method_map=METHODS, options_map=options, keywords=KEYWORDS
        ):
            key = tuple(message) if isinstance(message, tuple | list) else message
            found.setdefault(key, []).append(f"{folder.name}/{file}:{line}")
    return found


def parts(language: str) -> Iterator[tuple[Path, Catalog]]:
    """Yield the parts of a language by name."""
    for path in sorted((FOLDER / language).glob("*.po")):
        with path.open("rb") as file:
            yield path, read_po(file, locale=language, abort_invalid=True)


def merged(language: str) -> Catalog:
    """Return all parts of a language as one. Raises Contradiction."""
    whole = Catalog(locale=language)
    origin: dict[str | tuple[str, ...], Path] = {}
    for path, part in parts(language):
        for message in part:
            if not message.id or not _translated(message):
                continue
            key = tuple(message.id) if isinstance(message.id, tuple | list) else message.id
            known = whole.get(message.id)
            if known is not None and known.string != message.string:
                raise Contradiction(f"{key!r} stands in {origin[key].name} and, differently, in {path.name}")
            whole.add(message.id, message.string, flags=message.flags)
            origin[key] = path
    return whole


def compile_all() -> dict[str, int]:
    """Write what the site reads and return how many texts each language has."""
    counts = {}
    for folder in sorted(path for path in FOLDER.iterdir() if path.is_dir()):
        whole = merged(folder.name)
        target = folder / "LC_MESSAGES"
        target.mkdir(exist_ok=True)
        with NamedTemporaryFile(dir=target, delete=False) as file:  # a reader finds the old whole or the new whole
            write_mo(file, whole)
        Path(file.name).chmod(0o644)
        Path(file.name).replace(target / "messages.mo")
        counts[folder.name] = len(whole)
    return counts


def missing(language: str = "zh_Hans_CN") -> list[tuple[str | tuple[str, ...], list[str]]]:
    """Return every text of the code that a language lacks, with its places."""
    whole = merged(language)
    return [
        (key, places)
        for key, places in sorted(texts().items(), key=lambda item: item[1])
        if whole.get(list(key) if isinstance(key, tuple) else key) is None
    ]


def unused(language: str = "zh_Hans_CN") -> list[tuple[str, str | tuple[str, ...]]]:
    """Return every translation whose text the code does not have."""
    known = texts()
    return [
        (str(path), tuple(message.id) if isinstance(message.id, list | tuple) else message.id)
        for path, part in parts(language)
        for message in part
        if message.id and (tuple(message.id) if isinstance(message.id, list | tuple) else message.id) not in known
    ]


def _translated(message: Message) -> bool:
    return all(message.string) if isinstance(message.string, tuple | list) else bool(message.string)

"""Files stay short, speak of the project alone, and use one word for one thing."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MOST_LINES = 450
FOLDERS = ("marketplace", "migrations", "templates", "static", "tests", "tools", "bench", "docs", ".ci")
KINDS = {".py", ".html", ".txt", ".css", ".js", ".md", ".toml", ".po", ".sh", ".mako", ".json", ""}
LONG_BY_NATURE = {".po", ".json"}
"""A catalogue and a lock are read by machines."""

NOT_USED = re.compile(r"consignment|order_id|\bhelpers?\.py|\butils?\.py|\bmanager\.py")
MACHINE = re.compile(r"(?<![\w./<-])/(?:work|root|home|farm|tmp)/\w|[a-z]:\\\\Users", re.IGNORECASE)
REGISTRY = re.compile(r"https?://[\w.-]*(?:pypi|pythonhosted|npmjs|unpkg|jsdelivr|cdnjs)[\w.-]*", re.IGNORECASE)


def _sources() -> list[Path]:
    found = [path for path in ROOT.iterdir() if path.is_file() and path.suffix in KINDS]
    for folder in FOLDERS:
        found += [path for path in (ROOT / folder).rglob("*") if path.is_file() and path.suffix in KINDS]
    return sorted(path for path in found if "vendor" not in path.parts and "__pycache__" not in path.parts)


SOURCES = [path for path in _sources() if path.name not in {".stamp", Path(__file__).name}]


def _found(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {hit.group(0)}"
        for path in SOURCES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if (hit := pattern.search(line))
    ]


def test_no_file_is_longer_than_it_can_be_read() -> None:
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines())
        for path in SOURCES
        if path.suffix not in LONG_BY_NATURE and "versions" not in path.parts
    }

    assert len(lengths) > 100
    assert {name: lines for name, lines in lengths.items() if lines > MOST_LINES} == {}


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = _found(MACHINE) + _found(REGISTRY)

    assert found == []


def test_one_word_for_one_thing() -> None:
    found = _found(NOT_USED)
    files = [str(path) for path in SOURCES if NOT_USED.search(path.name)]

    assert found + files == []


def test_nothing_is_left_for_later() -> None:
    found = _found(re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b"))

    assert found == []


def test_only_entries_read_the_clock() -> None:
    clock = re.compile(r"datetime\.now\(|date\.today\(|\butcnow\(|time\.time\(")
    pure = ("domain", "solver", "matching", "persistence", "services", "queries")

    read = [line for line in _found(clock) if line.startswith(tuple(f"marketplace/{name}/" for name in pure))]

    assert read == []


def test_only_the_solver_reckons_in_floats() -> None:
    columns = _found(re.compile(r"mapped_column\((?:Float|Numeric)|Mapped\[float"))

    assert columns == []

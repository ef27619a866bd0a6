"""A Chinese page has no English word, and an English page no Chinese one, but for the names that people gave."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import String, Text, select

from marketplace.persistence.tables import Base
from tests.functional.conftest import Site, Tour
from tests.functional.routes import Route, routes
from tests.functional.world import LANGUAGES

READ = [route for route in routes() if route.reads]
CHINESE = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]+")
WORD = re.compile(r"[A-Za-z][A-Za-z'’]*[A-Za-z]")
ADDRESS = re.compile(r"[\w.+-]+@[\w.-]+|https?://\S+|/[\w/{}.-]+")
CODED = re.compile(
    r"\b(?=\w*\d)[A-Z0-9]{2,}(?:[-/.][A-Z0-9]+)*\b|\b(?:GB|HJ|JC|JGJ|YB|DL|DZ|MT|NB)(?:/T|/Z)?\s?[\d.\-–——]+"
)
SHARED = {
    # units and figures
    "kg", "km", "kt", "Mt", "Gt", "mm", "cm", "mg", "MJ", "kJ", "Bq", "pH", "ppm", "UTC", "CNY", "tkm",
    # standards, formats and what is written so in Chinese as well
    "GB", "HJ", "JC", "JGJ", "YB", "DL", "DB", "CSV", "XLSX", "PDF", "JSON", "SHA", "LOI", "ID", "PIN", "WGS", "GCJ", "BD", "VAT", "IP",
    "UTF", "GBK", "CMA", "JTG", "HiGHS", "SciPy", "API", "HTTP", "URL", "QR", "kWh", "COD", "TCLP",
    # oxides and indices
    "SiO", "Al", "AlO", "Fe", "FeO", "CaO", "Ca", "Cl", "SO", "MgO", "Mg", "Na", "NaO", "KO", "TiO", "PO", "MnO", "ZnO", "Pb", "Zn", "Cd",
    "Cr", "Hg", "As", "Ni", "Cu", "Be", "Ba", "Se", "Ra", "Th", "IRa", "Ir", "CaSO", "HO", "CO", "NaOH", "TFe", "MFe", "FCaO", "fCaO",
    "II", "III", "IV", "VI", "VII",
    # the other language is called by its own name
    "English", "Huiyong",
}  # fmt: skip
SHARED_CHINESE = {"中文", "回用"}
DATA = Path(__file__).resolve().parent.parent.parent / "marketplace" / "data"
NAMED_IN_FACTS = (("gazetteer.csv", ("name_zh",)), ("waste_codes.csv", ("source",)), ("holidays.csv", ("source",)))
"""Places, and the titles of documents, that have no English name."""


@cache
def _columns() -> list[tuple[str, str]]:
    return [
        (table.name, column.name)
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, String | Text)
    ]


@pytest.fixture(scope="module")
def given_names(tour: Tour) -> list[str]:
    """What people wrote into the database, the longest first."""
    return _written(tour.site)


def _written(site: Site) -> list[str]:
    found = set()
    with site.engine.connect() as connection:
        for table, column in _columns():
            if column != "language":
                found |= set(connection.scalars(select(Base.metadata.tables[table].c[column])))
    for file, columns in NAMED_IN_FACTS:
        with (DATA / file).open(encoding="utf-8", newline="") as rows:
            found |= {
                name for row in csv.DictReader(rows) for column in columns for name in CHINESE.findall(row[column])
            }
    return sorted((text for text in found if text and len(str(text)) > 1), key=len, reverse=True)


def _foreign(text: str, language: str, given: list[str]) -> set[str]:
    for name in given:
        text = text.replace(name, " ")
    if language == "en":
        return set(CHINESE.findall(text)) - SHARED_CHINESE
    text = CODED.sub(" ", ADDRESS.sub(" ", text))
    return set(WORD.findall(text)) - SHARED


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("route", READ, ids=str)
def test_a_page_speaks_one_language(tour: Tour, given_names: list[str], route: Route, language: str) -> None:
    met: dict[str, set[str]] = defaultdict(set)

    for visit in tour.of(route, language):
        if visit.kind == "text/html" and visit.status not in range(300, 400) and visit.status < 500:
            for word in _foreign(visit.page.text, language, given_names):
                met[word].add(visit.path)

    assert not met, "\n".join(f"{word}: {', '.join(sorted(places)[:3])}" for word, places in sorted(met.items()))


def test_a_word_in_the_other_language_is_found() -> None:
    chinese = _foreign("粉煤灰 2 t，GB/T 1596-2017，Save，plant@demo.example", "zh_Hans_CN", [])
    english = _foreign("Fly ash, 900-001-S02, 粉煤灰, 青石电厂", "en", ["青石电厂"])

    assert chinese == {"Save"}
    assert english == {"粉煤灰"}

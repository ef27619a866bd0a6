"""Templates of clauses: versions that were published stay as they are, and what is signed covers them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from marketplace.domain.clauses import LATEST, template
from marketplace.domain.contracts import terms
from marketplace.domain.reference import DATA, rows
from tests.unit.domain.test_contracts import TEXT

PUBLISHED = {"1": "4bc885c8b9079c46c8f1028408f7c1c120da47a71f762f635c5d8e843e1cc2b6"}
"""The SHA-256 of the rows of each version, as its first contract was signed over them."""


def test_a_published_version_is_never_edited() -> None:
    lines = (DATA / "clauses.csv").read_text(encoding="utf-8").splitlines()[1:]
    for version, digest in PUBLISHED.items():
        of = [line for line in lines if line.startswith(f"{version},")]
        assert hashlib.sha256("\n".join(of).encode()).hexdigest() == digest
    assert {row["version"] for row in rows("clauses")} == set(PUBLISHED)
    assert LATEST in PUBLISHED


def test_every_clause_has_both_languages_and_where_it_comes_from() -> None:
    for row in rows("clauses"):
        assert all(row.values()), row["code"]
        assert row["confidence"] in {"high", "medium", "low", "agreed"}
        assert row["text_zh"].endswith("。")
        assert row["text_en"].endswith(".")


@pytest.mark.parametrize(
    ("waste", "crossing", "codes"),
    [
        (True, True, {"verify", "ledger", "transfer_record", "report_back", "crossing"}),
        (True, False, {"verify", "ledger", "transfer_record", "report_back"}),
        (False, True, set()),
    ],
)
def test_what_is_no_waste_bears_no_duties_of_waste(waste: bool, crossing: bool, codes: set[str]) -> None:
    always = {"pollution_control", "carrier", "records", "changes", "ending"}

    assert {clause.code for clause in template(waste=waste, crossing=crossing)} == always | codes


def test_the_hash_covers_the_version_and_every_word_of_the_clauses() -> None:
    clauses = template(waste=True, crossing=True)
    signed = replace(TEXT, template="1", clauses=clauses)
    digests = {TEXT.sha256, signed.sha256, replace(signed, template="2").sha256}

    for name in ("title_zh", "title_en", "text_zh", "text_en", "source_zh", "source_en", "date", "confidence"):
        other = replace(clauses[3], **{name: getattr(clauses[3], name) + "x"})
        digests.add(replace(signed, clauses=(*clauses[:3], other, *clauses[4:])).sha256)

    assert len(digests) == 11
    assert terms(signed.plain()) == signed


def test_what_was_signed_before_there_were_clauses_keeps_its_bytes() -> None:
    assert "clauses" not in TEXT.plain()
    assert "template" not in TEXT.plain()
    assert terms(TEXT.plain()).clauses == ()

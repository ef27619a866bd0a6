"""Shortages of months in a row are one sentence."""

from __future__ import annotations

from marketplace.domain.wording import Sentence
from marketplace.web.shortages import by_span

TEXT = "%(short_kg)s t are missing in %(short_month)s."


def _short(month: str, kg: int) -> dict[str, object]:
    return {"text": TEXT, "values": {"short_kg": kg, "short_month": month}}


def test_months_in_a_row_that_say_the_same_are_one_sentence() -> None:
    shortages = [_short("2026-12", 500), _short("2027-01", 500), _short("2027-02", 700), _short("2027-03", 500)]

    said = by_span(shortages)

    span = Sentence("%(first_month)s to %(last_month)s", {"first_month": "2026-12", "last_month": "2027-01"})
    assert said == [
        Sentence(TEXT, {"short_kg": 500, "short_month": span}),
        Sentence(TEXT, {"short_kg": 700, "short_month": "2027-02"}),
        Sentence(TEXT, {"short_kg": 500, "short_month": "2027-03"}),
    ]


def test_regions_of_the_same_months_keep_apart() -> None:
    shortages = [_short("2026-12", 500), _short("2026-12", 900), _short("2027-01", 500), _short("2027-01", 900)]

    said = by_span(shortages)

    assert [(each.values or {})["short_kg"] for each in said] == [500, 900]

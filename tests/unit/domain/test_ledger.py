"""Figures of a month and the postings they are made of."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.ledger import (
    NOTHING,
    PAIRS,
    Entry,
    Figures,
    MonthFigures,
    Posted,
    Tally,
    figures_of,
    first_overdrawn,
    overdrawn,
    postings_for,
    stock_roll,
)
from marketplace.domain.quantities import Month

JANUARY = Month(2027, 1)

kilograms = st.integers(0, 10**9)


@st.composite
def figures(draw: st.DrawFn) -> Figures:
    """Figures that close."""
    used, used_old, stored, disposed, disposed_old, discarded = (draw(kilograms) for _ in range(6))
    return Figures(
        generated_kg=used + stored + disposed + discarded,
        utilized_kg=used + used_old,
        utilized_from_stock_kg=used_old,
        stored_kg=stored,
        disposed_kg=disposed + disposed_old,
        disposed_from_stock_kg=disposed_old,
        discarded_kg=discarded,
    )


def post(standing: list[Posted], entries: tuple[Entry, ...]) -> None:
    ids = count(len(standing) + 1)
    standing += [
        Posted(next(ids), JANUARY, entry.debit, entry.credit, entry.kg, reverses_id=entry.reverses_id)
        for entry in entries
    ]


@given(figures())
def test_figures_are_the_sum_of_their_movements(stated: Figures) -> None:
    tally = Tally()
    for (debit, credit), kg in stated.by_pair().items():
        tally.add(debit, credit, kg)
    assert Figures.of(tally) == stated
    assert stated.closes
    stated.must_close()


@given(st.lists(figures(), min_size=1, max_size=6))
def test_whatever_is_stated_in_turn_the_ledger_says_the_last_and_only_grows(stated: list[Figures]) -> None:
    standing: list[Posted] = []

    for each in stated:
        before = list(standing)
        post(standing, postings_for(each, standing))
        assert standing[: len(before)] == before

    assert figures_of(standing) == stated[-1]
    assert postings_for(stated[-1], standing) == ()


@given(st.lists(figures(), min_size=2, max_size=5))
def test_a_correction_is_the_same_kilograms_the_other_way_once(stated: list[Figures]) -> None:
    standing: list[Posted] = []
    for each in stated:
        post(standing, postings_for(each, standing))

    by_id = {posted.id: posted for posted in standing}
    reversals = [posted for posted in standing if posted.reverses_id is not None]

    assert len({posted.reverses_id for posted in reversals}) == len(reversals)
    for reversal in reversals:
        first = by_id[reversal.reverses_id or 0]
        assert (first.debit, first.credit, first.kg) == (reversal.credit, reversal.debit, reversal.kg)
        assert first.reverses_id is None
    assert all(
        (posted.debit, posted.credit) in PAIRS and posted.kg > 0 for posted in standing if posted.reverses_id is None
    )


@given(st.lists(figures(), min_size=1, max_size=5))
def test_no_kilogram_is_made_or_lost(stated: list[Figures]) -> None:
    standing: list[Posted] = []
    for each in stated:
        post(standing, postings_for(each, standing))
    balance: dict[str, int] = {}

    for posted in standing:
        balance[posted.debit] = balance.get(posted.debit, 0) - posted.kg
        balance[posted.credit] = balance.get(posted.credit, 0) + posted.kg

    assert sum(balance.values()) == 0
    assert balance.get("yard", 0) == 0
    assert balance.get("process", 0) == -stated[-1].generated_kg
    assert balance.get("store", 0) == stated[-1].to_stock_kg
    assert balance.get("utilized", 0) == stated[-1].utilized_kg


def test_a_correction_reverses_only_what_changes() -> None:
    standing: list[Posted] = []
    post(standing, postings_for(Figures(generated_kg=100, utilized_kg=60, stored_kg=40), []))

    entries = postings_for(Figures(generated_kg=110, utilized_kg=70, stored_kg=40), standing)

    assert entries == (
        Entry("yard", "process", 100, 1),
        Entry("process", "yard", 110),
        Entry("utilized", "yard", 60, 2),
        Entry("yard", "utilized", 70),
    )


def test_what_was_weighed_is_not_keyed_away() -> None:
    standing = [
        Posted(1, JANUARY, "process", "yard", 100),
        Posted(2, JANUARY, "yard", "utilized", 60, "both_ends"),
        Posted(3, JANUARY, "yard", "utilized", 40),
    ]

    entries = postings_for(Figures(generated_kg=100, utilized_kg=70, stored_kg=30), standing)

    assert entries == (
        Entry("utilized", "yard", 40, 3),
        Entry("yard", "utilized", 10),
        Entry("yard", "store", 30),
    )
    with pytest.raises(Conflict, match="60 t of this are proved") as refusal:
        postings_for(Figures(generated_kg=100, utilized_kg=59, stored_kg=41), standing)
    assert refusal.value.sentence.values == {"weighed_kg": 60}


@pytest.mark.parametrize(
    ("stated", "message", "field"),
    [
        (Figures(generated_kg=1000, utilized_kg=1312), "312 t more than the 1000 t generated", None),
        (Figures(generated_kg=1312, utilized_kg=1000), "1312 t were generated, 312 t more", None),
        (
            Figures(generated_kg=0, utilized_kg=5, utilized_from_stock_kg=6, stored_kg=1),
            "part of it",
            "utilized_from_stock_kg",
        ),
        (Figures(disposed_kg=5, disposed_from_stock_kg=6, stored_kg=1), "part of it", "disposed_from_stock_kg"),
        (Figures(generated_kg=-1, utilized_kg=-1), "less than zero", "generated_kg"),
        (Figures(generated_kg=10**12 + 1, stored_kg=10**12 + 1), "thousand million", "generated_kg"),
    ],
)
def test_a_month_that_does_not_add_up_is_refused(stated: Figures, message: str, field: str | None) -> None:
    with pytest.raises(Invalid, match=message) as refusal:
        MonthFigures(stream_id=1, month=JANUARY, figures=stated)

    assert refusal.value.field == field


def test_the_stock_rolls_on_from_month_to_month() -> None:
    months = {
        Month(2027, 2): Figures(generated_kg=0, utilized_kg=30, utilized_from_stock_kg=30),
        Month(2027, 1): Figures(generated_kg=20, stored_kg=20),
    }

    rolled = stock_roll(15, months)

    assert [(str(stock.month), stock.begin_kg, stock.end_kg) for stock in rolled] == [
        ("2027-01", 15, 35),
        ("2027-02", 35, 5),
    ]
    assert first_overdrawn(15, months) is None
    short = first_overdrawn(5, months)
    assert short is not None
    assert str(overdrawn(short)) == "In 2027-02 5 t more are taken out of the store than lie in it."


def test_nothing_is_nothing() -> None:
    assert NOTHING.empty
    assert NOTHING.closes
    assert postings_for(NOTHING, []) == ()

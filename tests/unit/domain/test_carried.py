"""What is sent out and used later: stock at the end of a month, and none in a period that holds both."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Conflict
from marketplace.domain.ledger import GENERATED, SENT, USED_SENT, Figures, Posted, Tally, figures_of, postings_for
from marketplace.domain.quantities import Month
from marketplace.domain.utilization import rate, together

NOVEMBER, DECEMBER, JANUARY = Month(2026, 11), Month(2026, 12), Month(2027, 1)

Sent = tuple[int, int, int]
"""Kilograms, the month in which they left (0, 1, 2), and how many months later they were used; 3: not yet."""


def month_figures(sent: list[Sent], month: Month) -> Figures:
    tally = Tally()
    for kg, left, later in sent:
        out, used = NOVEMBER.plus(left), NOVEMBER.plus(left + later)
        if out == month:
            tally.add(*GENERATED, kg)
            tally.add(*SENT, kg)
        if used == month and later < 3:
            tally.add(*USED_SENT, kg, since=out, at_once=out == used)
    return Figures.of(tally)


def test_used_in_the_month_in_which_it_left_it_was_never_stock() -> None:
    figures = month_figures([(1000, 0, 0)], NOVEMBER)

    assert figures == Figures(generated_kg=1000, utilized_kg=1000)


def test_used_a_month_later_it_is_stored_and_then_used_from_stock() -> None:
    sent = [(1000, 0, 1)]

    assert month_figures(sent, NOVEMBER) == Figures(generated_kg=1000, stored_kg=1000)
    december = month_figures(sent, DECEMBER)
    assert december == Figures(utilized_kg=1000, utilized_from_stock_kg=1000, carried=((NOVEMBER, 1000),))
    assert rate(december) == 1


def test_a_year_that_holds_both_knows_nothing_of_it() -> None:
    sent = [(1000, 0, 1), (500, 1, 1)]
    months = [month_figures(sent, NOVEMBER.plus(ahead)) for ahead in range(3)]

    assert together(months[:2]).over(NOVEMBER) == Figures(generated_kg=1500, utilized_kg=1000, stored_kg=500)
    later = together(months[1:]).over(DECEMBER)
    assert (later.utilized_kg, later.utilized_from_stock_kg, later.stored_kg) == (1500, 1000, 0)
    assert later.carried == ((NOVEMBER, 1000),)


@given(st.lists(st.tuples(st.integers(1, 50), st.integers(0, 2), st.integers(0, 3)), max_size=12), st.integers(0, 2))
def test_every_period_closes_and_its_rate_is_between_nothing_and_all(sent: list[Sent], begin: int) -> None:
    first = NOVEMBER.plus(begin)
    months = [month_figures(sent, first.plus(ahead)) for ahead in range(6)]

    for figures in (*months, together(months).over(first)):
        assert figures.closes
        assert figures.stored_kg >= 0
        ratio = rate(figures)
        assert ratio is None or 0 <= ratio <= 1
    whole = together(months).over(first)
    used = sum(kg for kg, left, later in sent if later < 3 and begin <= left + later)
    early = sum(kg for kg, left, later in sent if later < 3 and left < begin <= left + later)
    assert (whole.utilized_kg, whole.utilized_from_stock_kg) == (used, early)


def _posted(number: int, pair: tuple[str, str], kg: int, **more: object) -> Posted:
    return Posted(number, NOVEMBER, *pair, kg, shipment_id=7, since=NOVEMBER, **more)  # type: ignore[arg-type]  # any fields


def test_what_shipments_moved_is_a_part_of_what_is_stated() -> None:
    shipped = [_posted(1, GENERATED, 1000), _posted(2, SENT, 1000), _posted(3, USED_SENT, 600)]
    assert figures_of(shipped) == Figures(generated_kg=1000, utilized_kg=600, stored_kg=400)

    stated = Figures(generated_kg=5000, utilized_kg=2600, stored_kg=2400)
    entries = postings_for(stated, shipped)

    assert {(each.debit, each.credit): each.kg for each in entries} == {
        ("process", "yard"): 4000, ("yard", "utilized"): 2000, ("yard", "store"): 2000,
    }  # fmt: skip
    for less in (
        Figures(generated_kg=900, utilized_kg=600, stored_kg=300),
        Figures(generated_kg=5000, utilized_kg=5000),
    ):
        with pytest.raises(Conflict, match="Shipments have moved"):
            postings_for(less, shipped)

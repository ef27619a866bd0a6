"""Of several filings each opens its own months, and the months that none opens are named."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.filings import fit_under, months_unfiled
from marketplace.domain.fit import Filing, Fit, check, last_day
from marketplace.domain.quantities import Month
from tests.unit.matching.small_rounds import TARIFF, accepting, offered

MONTHS = tuple(Month(2027, 11).until(Month(2028, 2)))
HERE, ABROAD = offered(), accepting(division_code="150602")


def look(filing: Filing | None) -> Fit:
    return check(HERE, ABROAD, months=MONTHS, circuity_permille=1300, tariff=TARIFF, filing=filing)


def of_year(year: int, kg: int = 1) -> Filing:
    return Filing(remaining_kg=kg, valid_from=date(year, 1, 1), valid_to=date(year, 12, 31))


def test_each_opens_the_months_of_its_year() -> None:
    filings = [of_year(2027), of_year(2028)]

    fit, by = fit_under(filings, look)

    assert (fit.verdict, fit.months) == ("meets", MONTHS)
    assert by == {MONTHS[0]: 0, MONTHS[1]: 0, MONTHS[2]: 1, MONTHS[3]: 1}


def test_where_two_are_in_force_the_one_with_most_left_counts_then_the_older() -> None:
    filings = [of_year(2027, 5), of_year(2027, 7), of_year(2028, 6), of_year(2028, 6)]

    _, by = fit_under(filings, look)

    assert by == {MONTHS[0]: 1, MONTHS[1]: 1, MONTHS[2]: 2, MONTHS[3]: 2}


def test_if_none_opens_a_month_the_one_that_comes_nearest_says_why() -> None:
    filings = [of_year(2025, 9), of_year(2027, 0), of_year(2026, 5)]

    fit, by = fit_under(filings, look)

    assert [reason.code for reason in fit.reasons] == ["filing_expired", "filing_exhausted"]
    assert by == {}
    assert [reason.code for reason in fit_under([], look)[0].reasons] == ["filing_needed"]


def test_months_that_only_lack_a_filing_are_named() -> None:
    fit, _ = fit_under([of_year(2027)], look)
    closed = accepting(division_code="150602", closed_months=frozenset({1}))

    assert months_unfiled(HERE, ABROAD, fit, MONTHS) == MONTHS[2:]
    assert months_unfiled(HERE, closed, fit, MONTHS) == MONTHS[3:]
    assert months_unfiled(HERE, ABROAD, fit, MONTHS[:2]) == ()
    assert months_unfiled(HERE, accepting(), look(None), MONTHS) == ()


@given(
    st.lists(
        st.builds(
            lambda begin, days, kg: Filing(remaining_kg=kg, valid_from=begin, valid_to=begin + timedelta(days)),
            st.dates(date(2027, 9, 1), date(2028, 3, 1)),
            st.integers(0, 120),
            st.integers(0, 3),
        ),
        max_size=4,
    )
)
def test_a_month_is_open_exactly_if_some_filing_opens_it(filings: list[Filing]) -> None:
    fit, by = fit_under(filings, look)

    able = {
        month: [
            at
            for at, each in enumerate(filings)
            if each.remaining_kg and each.valid_from <= last_day(month) <= each.valid_to
        ]
        for month in MONTHS
    }
    assert fit.months == tuple(month for month in MONTHS if able[month]) == tuple(sorted(by))
    assert (fit.verdict == "meets") == bool(by)
    assert by == {
        month: min(places, key=lambda at: (-filings[at].remaining_kg, at)) for month, places in able.items() if places
    }

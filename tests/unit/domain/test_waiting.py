"""What waits over the end of a month: first come first served, on either side."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Invalid
from marketplace.domain.quantities import Month
from marketplace.domain.waiting import Wait, fetched_later, over_month_ends, refuse_storage, shifted, used_later

JANUARY, FEBRUARY, MARCH = (Month(2027, number) for number in (1, 2, 3))


def waits(side: str, *rows: tuple[Month, Month, int]) -> tuple[Wait, ...]:
    return tuple(Wait(side=side, since=since, until=until, kg=kg) for since, until, kg in rows)


def test_what_was_ready_first_is_fetched_first() -> None:
    ready = {JANUARY: 100, FEBRUARY: 100, MARCH: 100}
    fetched = {(JANUARY, 7): 90, (FEBRUARY, 7): 100, (MARCH, 8): 110}

    found = fetched_later(ready, fetched)

    assert found == {
        7: waits("producer", (JANUARY, FEBRUARY, 10)),
        8: waits("producer", (FEBRUARY, MARCH, 10)),
    }


def test_what_arrived_first_is_used_first() -> None:
    found = used_later({JANUARY: 60, FEBRUARY: 60, MARCH: 60}, {(JANUARY, 1): 80, (FEBRUARY, 2): 70})

    assert found == {
        1: waits("recycler", (JANUARY, FEBRUARY, 20)),
        2: waits("recycler", (FEBRUARY, MARCH, 30)),
    }


def test_what_waits_over_two_month_ends_is_counted_at_both() -> None:
    found = fetched_later({JANUARY: 50}, {(MARCH, 7): 40})

    assert found == {7: waits("producer", (JANUARY, MARCH, 40))}
    assert over_month_ends(found[7]) == {JANUARY: 40, FEBRUARY: 40}


def test_more_than_there_is_cannot_be_fetched_or_used() -> None:
    with pytest.raises(ValueError, match="more moves than there is"):
        fetched_later({FEBRUARY: 50}, {(JANUARY, 7): 1})
    with pytest.raises(ValueError, match="more moves than there is"):
        used_later({JANUARY: 50}, {(JANUARY, 7): 51})


def test_each_side_counts_the_month_that_is_its_own() -> None:
    both = (*waits("producer", (JANUARY, FEBRUARY, 30)), *waits("recycler", (FEBRUARY, MARCH, 10)))

    assert shifted({FEBRUARY: 30}, both, "producer") == {JANUARY: 30}
    assert shifted({FEBRUARY: 30}, both, "recycler") == {FEBRUARY: 20, MARCH: 10}


@pytest.mark.parametrize(("since", "until", "kg"), [(JANUARY, JANUARY, 1), (FEBRUARY, JANUARY, 1), (JANUARY, MARCH, 0)])
def test_what_does_not_wait_is_no_wait(since: Month, until: Month, kg: int) -> None:
    with pytest.raises(ValueError, match="waits for a later month"):
        Wait(side="producer", since=since, until=until, kg=kg)


@pytest.mark.parametrize(
    ("kg", "fen", "field"),
    [(-1, 0, "storage"), (0, 100, "storage"), (10**12 + 1, 0, "storage"), (1, 100_001, "storage_cost")],
)
def test_storage_that_makes_no_sense_is_refused(kg: int, fen: int, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        refuse_storage(kg, fen)
    assert refusal.value.field == field


MASSES = st.fixed_dictionaries({month: st.integers(0, 30) for month in (JANUARY, FEBRUARY, MARCH)})


@given(MASSES, MASSES)
def test_no_way_of_fetching_the_same_leaves_less_waiting(ready: dict[Month, int], fetched: dict[Month, int]) -> None:
    moved = {(month, 1): kg for month, kg in fetched.items()}
    least = {}  # over the end of a month at least what is fetched later and not ready later waits
    for end, later in ((JANUARY, (FEBRUARY, MARCH)), (FEBRUARY, (MARCH,))):
        least[end] = max(0, *(sum(fetched[m] - ready[m] for m in later[: n + 1]) for n in range(len(later))))
    try:
        found = fetched_later(ready, moved)
    except ValueError:
        assert any(sum(fetched[m] - ready[m] for m in (JANUARY, FEBRUARY, MARCH)[: n + 1]) > 0 for n in range(3))
        return
    assert over_month_ends(found.get(1, ())) == {month: kg for month, kg in least.items() if kg}
    assert all(kg >= 0 for kg in shifted(fetched, found.get(1, ()), "producer").values())

"""What everybody may read of a park: nothing that tells of a single firm."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from marketplace.domain.errors import NotFound
from marketplace.domain.ledger import Figures
from marketplace.domain.quantities import Month
from marketplace.persistence.parks import Park
from marketplace.queries.publicparks import OTHERS, parks_index, public_park, public_parks, told_apart
from tests.factories import NOON, Make
from tests.integration.queries.test_parks import plant, post

DECEMBER = Month(2026, 12)
EACH = Figures(generated_kg=100, utilized_kg=40, stored_kg=60)


def plants(session: Session, make: Make, park: Park, count: int, month: Month = DECEMBER, **given: object) -> None:
    for _ in range(count):
        organization, stream = plant(make, park, **given)
        post(session, make, stream, organization, month, EACH)


def test_four_organizations_are_too_few(session: Session, make: Make) -> None:
    park = make.park()
    plants(session, make, park, 4)

    page = public_park(session, park.id, now=NOON)

    assert not page.shown
    assert (page.total, page.rate, page.plants, page.classes) == (Figures(), None, 0, ())
    assert {rate for _, rate in page.months} == {None}


def test_five_are_enough_and_months_with_fewer_stay_out(session: Session, make: Make) -> None:
    park = make.park()
    plants(session, make, park, 5)
    plants(session, make, park, 4, Month(2026, 11))

    page = public_park(session, park.id, now=NOON)

    assert page.shown
    assert page.total == Figures(generated_kg=500, utilized_kg=200, stored_kg=300)
    assert [(row.category, row.plants) for row in page.classes] == [("SW02", 5)]
    assert [str(rate) for _, rate in page.months if rate is not None] == ["0.4"]
    assert page.months[-1][0] == DECEMBER


def test_a_class_of_few_hides_behind_the_next(session: Session, make: Make) -> None:
    park = make.park()
    plants(session, make, park, 6)
    plants(session, make, park, 5, waste_code="060-001-S04", material="coal_gangue")
    plants(session, make, park, 1, waste_code="SW01", material="bf_slag")

    page = public_park(session, park.id, now=NOON)

    assert [(row.category, row.plants, row.figures.generated_kg) for row in page.classes] == [
        ("SW02", 6, 600),
        (OTHERS, 6, 600),
    ]


@given(st.dictionaries(st.sampled_from("ABCDEF"), st.sets(st.integers(0, 11), min_size=1), max_size=6))
def test_neither_a_class_nor_what_is_left_tells_of_few(behind: dict[str, set[int]]) -> None:
    apart = told_apart(behind)

    hidden = set().union(*(behind[each] for each in behind if each not in apart))
    assert all(len(behind[each]) >= 5 for each in apart)
    assert not hidden or len(hidden) >= 5 or not apart


def test_the_auditor_sees_all_parks_and_others_none(session: Session, make: Make) -> None:
    park = make.park()
    plants(session, make, park, 2)
    auditor = make.actor(make.person("auditor"))

    first, last, rows = parks_index(session, auditor, now=NOON)

    assert (first, last) == (Month(2026, 1), DECEMBER)
    assert [(row.park_id, row.figures.generated_kg, row.plants) for row in rows if row.plants] == [(park.id, 200, 2)]
    for actor in (make.administrator(park), make.actor(make.person("operator")), make.signatory(make.organization())):
        with pytest.raises(NotFound):
            parks_index(session, actor, now=NOON)


def test_everybody_sees_every_park_by_name(session: Session, make: Make) -> None:
    parks = [make.park(), make.park()]
    plants(session, make, parks[1], 5)

    assert [(row.park_id, row.shown) for row in public_parks(session, now=NOON)] == [
        (parks[0].id, False),
        (parks[1].id, True),
    ]
    with pytest.raises(NotFound):
        public_park(session, 999, now=NOON)

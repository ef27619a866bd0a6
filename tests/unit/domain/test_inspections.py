"""When bidders may inspect: days in order, before the deadline, with words on where, and ahead."""

from __future__ import annotations

from datetime import date

import pytest

from marketplace.domain.errors import Invalid
from marketplace.domain.inspections import inspection_must_lie_ahead, refuse_inspection

CLOSES = date(2027, 3, 10)
FIRST, LAST = date(2027, 3, 8), date(2027, 3, 10)


@pytest.mark.parametrize(
    "given",
    [(FIRST, LAST, "北门", CLOSES), (LAST, LAST, "北门", CLOSES), (None, None, "", CLOSES), (None, None, "", None)],
)
def test_what_makes_sense_is_taken(given: tuple[date | None, date | None, str, date | None]) -> None:
    refuse_inspection(*given)


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((None, None, "北门", CLOSES), "inspect_from"),
        ((None, LAST, "北门", CLOSES), "inspect_from"),
        ((FIRST, None, "北门", CLOSES), "inspect_until"),
        ((LAST, FIRST, "北门", CLOSES), "inspect_until"),
        ((FIRST, LAST, "北门", None), "inspect_from"),
        ((FIRST, date(2027, 3, 11), "北门", CLOSES), "inspect_until"),
        ((FIRST, LAST, "", CLOSES), "inspect_how"),
    ],
)
def test_what_contradicts_itself_is_refused(
    given: tuple[date | None, date | None, str, date | None], field: str
) -> None:
    with pytest.raises(Invalid) as refused:
        refuse_inspection(*given)

    assert refused.value.field == field


def test_its_last_day_is_not_past() -> None:
    inspection_must_lie_ahead(None, CLOSES)
    inspection_must_lie_ahead(LAST, LAST)
    with pytest.raises(Invalid):
        inspection_must_lie_ahead(LAST, date(2027, 3, 11))

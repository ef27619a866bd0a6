"""The states of a round, the command that opens one, and what is frozen of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.errors import Conflict, Invalid
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import TRANSITIONS, NewRound, Snapshot, Transition, must_go, state_of
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, filing, line, lot, snapshot, snapshots

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
USUAL = {
    "park_id": 1,
    "kind": "market",
    "objective": "utilization",
    "first_month": JANUARY,
    "last_month": FEBRUARY,
    "opens_at": NOON,
    "closes_at": NOON + 7 * DAY,
    "answers_until": NOON + 14 * DAY,
    "max_km": 200,
    "circuity": Decimal("1.3"),
}
TIMES = {"opens_at": NOON, "closes_at": NOON + 7 * DAY, "answers_until": NOON + 14 * DAY}


@pytest.mark.parametrize(
    ("now", "marks", "state"),
    [
        (-DAY, {}, "planned"),
        (0 * DAY, {}, "collecting"),
        (7 * DAY, {}, "closed"),
        (1 * DAY, {"closed_at": NOON + DAY}, "closed"),
        (8 * DAY, {"solving_at": NOON + 8 * DAY}, "solving"),
        (9 * DAY, {"solved_at": NOON + 8 * DAY}, "solved"),
        (9 * DAY, {"solving_at": NOON + 9 * DAY, "solved_at": NOON + 8 * DAY}, "solving"),
        (9 * DAY, {"solving_at": NOON + 8 * DAY, "published_at": NOON + 8 * DAY}, "published"),
        (14 * DAY, {"published_at": NOON + 8 * DAY}, "settled"),
        (9 * DAY, {"published_at": NOON + 8 * DAY, "settled_at": NOON + 9 * DAY}, "settled"),
        (9 * DAY, {"voided_at": NOON}, "void"),
    ],
)
def test_the_state_is_read_off_the_timestamps(now: timedelta, marks: dict[str, datetime], state: str) -> None:
    assert state_of(NOON + now, **TIMES, **marks) == state


def test_only_the_steps_of_the_table_are_taken() -> None:
    for step in TRANSITIONS:
        must_go(step.source, step.target, step.by)

    assert Transition("settled", "void", "park_admin") not in TRANSITIONS
    for source, target in [
        ("collecting", "solving"),
        ("solving", "void"),
        ("settled", "void"),
        ("void", "collecting"),
        ("closed", "published"),
    ]:
        with pytest.raises(Conflict):
            must_go(source, target, "park_admin")


def test_a_new_round_knows_its_months_and_thousandths() -> None:
    new = NewRound(**USUAL)

    new.must_lie_ahead(now=NOON)

    assert new.months == (JANUARY, FEBRUARY)
    assert new.circuity_permille == 1300


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", "auction"),
        ("objective", "profit"),
        ("last_month", Month(2026, 12)),
        ("last_month", Month(2028, 1)),
        ("closes_at", NOON),
        ("answers_until", NOON + 7 * DAY),
        ("max_km", 0),
        ("max_km", 2001),
        ("circuity", Decimal("0.999")),
        ("circuity", Decimal("2.001")),
        ("circuity", Decimal("NaN")),
        ("circuity", Decimal("1.2345")),
    ],
)
def test_refuses_a_round_that_makes_no_sense(field: str, value: object) -> None:
    with pytest.raises(Invalid) as refusal:
        NewRound(**{**USUAL, field: value})

    assert refusal.value.field == field


def test_refuses_a_round_that_lies_behind() -> None:
    new = NewRound(**USUAL)

    with pytest.raises(Invalid, match="closes in the future"):
        new.must_lie_ahead(now=NOON + 7 * DAY)
    late = NewRound(**{**USUAL, "closes_at": NOON + 100 * DAY, "answers_until": NOON + 101 * DAY})
    with pytest.raises(Invalid, match="These months are over"):
        late.must_lie_ahead(now=NOON + 99 * DAY)


@given(snapshots())
def test_a_snapshot_comes_back_from_its_bytes(frozen: Snapshot) -> None:
    again = Snapshot.from_json(frozen.to_json())

    assert again == frozen
    assert again.to_json() == frozen.to_json()
    assert again.sha256 == frozen.sha256


@given(snapshots(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(frozen: Snapshot, chance) -> None:
    def shuffled(rows):
        return tuple(chance.sample(rows, len(rows)))

    mixed = replace(
        frozen,
        months=shuffled(frozen.months),
        tariffs=shuffled(frozen.tariffs),
        lots=shuffled(tuple(replace(each, months=shuffled(each.months)) for each in frozen.lots)),
        lines=shuffled(tuple(replace(each, months=shuffled(each.months)) for each in frozen.lines)),
        filings=shuffled(frozen.filings),
    )

    assert mixed.to_json() == frozen.to_json()


def test_the_hash_of_a_snapshot_stays_what_it_is() -> None:
    frozen = snapshot((lot(),), (line(),), filings=(filing(),))

    assert frozen.sha256 == "b6a46b2b0572649bee3ec298def8fb365177603fab794f71a72361ecca1f334d"


@pytest.mark.parametrize(
    "rows",
    [
        {"lots": (lot(1), lot(1))},
        {"lines": (line(1), line(1))},
        {"months": ()},
        {"months": (FEBRUARY,)},
        {"tariffs": ()},
        {"lots": (lot(reserve_fen_per_t=None),)},
    ],
)
def test_refuses_rows_that_contradict_each_other(rows: dict[str, object]) -> None:
    usual = snapshot((lot(),), (line(),))

    with pytest.raises(ValueError, match=r".+"):
        replace(usual, **rows)


def test_refuses_months_that_do_not_add_up() -> None:
    whole = lot(kg=1000)

    with pytest.raises(ValueError, match="do not add up"):
        replace(whole, months=((JANUARY, 999),))

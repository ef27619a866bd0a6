"""What if: one thing otherwise, against the same round cleared from nothing with that thing in it."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.deductions import Limit
from marketplace.domain.errors import Invalid
from marketplace.domain.rounds import Snapshot
from marketplace.domain.whatif import (
    Drier,
    LineMore,
    ListingMore,
    Moved,
    PairDeclined,
    Question,
    RadiusWider,
    RoomMore,
    TooLarge,
    WhatIf,
)
from marketplace.matching import whatif
from marketplace.matching.clearing import clear
from marketplace.matching.whatif import asked, what_if
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from marketplace.solver.problem import Allocation, Problem
from tests.unit.matching.small_rounds import JANUARY, PLANT, filing, line, lot, north, snapshot, snapshots

SCIPY = engine("scipy")


def prove(problem: Problem, allocation: Allocation) -> None:
    assert certify(problem, allocation).valid


def answer(of: Snapshot, question: Question) -> WhatIf:
    """Answer, and hold the totals against the changed round solved from nothing, which asks no prices of what is new."""
    found = what_if(of, clear(of, SCIPY), question, SCIPY, prove)
    planning = replace(of, kind="planning", subsidy_fen_per_t=0)
    whole = clear(asked(planning, question).changed, SCIPY).report
    assert (found.after_kg, found.offered_after_kg) == (whole.allocated_kg, whole.offered_kg)
    assert found.after_fen == whole.freight_fen + whole.deduction_fen
    return found


def test_a_line_more_takes_what_is_left():
    """Given 100 t and room for 40; when a line of 25 t a month 10 km away comes; then 25 t more move in January."""
    of = snapshot((lot(1),), (line(1, kg=40_000),))

    found = answer(of, LineMore(point=north(10_000), division_code="140602", materials=("fly_ash",), kg=25_000))

    assert (found.before_kg, found.after_kg, found.offered_kg) == (40_000, 65_000, 100_000)
    assert found.moved == (Moved(1, None, 0, 25_000),)


def test_a_line_more_needs_no_price_of_anybody():
    of = snapshot((lot(1, reserve_fen_per_t=10**6),), ())

    found = answer(of, LineMore(point=PLANT, division_code="140602", materials=("fly_ash",), kg=1_000_000))

    assert found.after_kg == 100_000


def test_more_room_of_a_line():
    of = snapshot((lot(1),), (line(1, kg=40_000), line(2, kg=10_000, materials={"coal_gangue": 7000})))

    found = answer(of, RoomMore(line_id=1, kg=15_000))

    assert (found.before_kg, found.after_kg) == (40_000, 55_000)
    assert found.moved == (Moved(1, 1, 40_000, 55_000),)
    assert found.pairs == 1


def test_more_room_is_bounded_by_the_permit_of_the_year():
    of = snapshot((lot(1),), (replace(line(1, kg=40_000), year_left_kg=((2027, 45_000),)),))

    assert answer(of, RoomMore(line_id=1, kg=15_000)).after_kg == 45_000


def test_a_wider_radius_of_a_line_and_of_the_round():
    far = line(1, point=north(60_000), radius_m=50_000)
    farther = line(2, point=north(210_000))

    of = snapshot((lot(1, kg=150_000),), (far, farther))

    assert answer(of, RadiusWider(km=9, line_id=1)).after_kg == 0
    assert answer(of, RadiusWider(km=11, line_id=1)).after_kg == 100_000
    with pytest.raises(Invalid) as refused:
        answer(of, RadiusWider(km=5, line_id=2))
    assert refused.value.field == "km"
    free = line(2, point=north(210_000), materials={"fly_ash": 10**6})
    assert answer(snapshot((lot(1),), (free,)), RadiusWider(km=11)).after_kg == 100_000


def test_a_drier_waste_meets_a_limit():
    limit = Limit(property="moisture", maximum=Decimal("1.0"))
    of = snapshot((lot(1, properties={"moisture": Decimal("1.4")}),), (line(1, limits=(limit,)),))

    assert answer(of, Drier(listing_id=1, moisture=Decimal("1.2"))).after_kg == 0
    assert answer(of, Drier(listing_id=1, moisture=Decimal("0.9"))).after_kg == 100_000


def test_a_listing_more_competes_for_room():
    """Given a full line; when the same waste is offered once more; then no more moves, and the share falls."""
    of = snapshot((lot(1, kg=50_000),), (line(1, kg=50_000),))

    found = answer(of, ListingMore(like_id=1, kg=25_000))

    assert (found.before_kg, found.after_kg) == (50_000, 50_000)
    assert (found.offered_kg, found.offered_after_kg) == (50_000, 100_000)


def test_a_declined_contract_goes_elsewhere():
    of = snapshot((lot(1),), (line(1), line(2, kg=60_000, point=north(40_000))))

    found = answer(of, PairDeclined(listing_id=1, line_id=1))

    assert (found.before_kg, found.after_kg) == (100_000, 60_000)
    assert found.moved == (Moved(1, 1, 100_000, 0), Moved(1, 2, 0, 60_000))
    assert found.after_fen > found.before_fen * 6 // 10


def test_only_what_hangs_together_is_joined_again():
    """Given two places too far apart to touch; when room is added in one; then only its pair is asked again."""
    away = north(900_000)
    of = snapshot((lot(1), lot(2, point=away)), (line(1, kg=40_000), line(2, kg=40_000, point=away)))

    found = answer(of, RoomMore(line_id=2, kg=10_000))

    assert (found.pairs, found.before_kg, found.after_kg) == (1, 80_000, 90_000)


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: LineMore(PLANT, "140602", (), 1000), "materials"),
        (lambda: LineMore(PLANT, "140602", ("fly_ash",), 0), "tonnes"),
        (lambda: RoomMore(1, 10**11), "tonnes"),
        (lambda: ListingMore(1, 0), "tonnes"),
        (lambda: RadiusWider(0), "km"),
        (lambda: RadiusWider(2001), "km"),
        (lambda: Drier(1, Decimal(101)), "moisture"),
        (lambda: Drier(1, Decimal("NaN")), "moisture"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(ask: Callable[[], Question], field: str):
    with pytest.raises(Invalid) as refused:
        ask()

    assert refused.value.field == field


@pytest.mark.parametrize(
    ("question", "field"),
    [
        (RoomMore(9, 1000), "line"),
        (RadiusWider(5, 9), "line"),
        (Drier(9, Decimal(1)), "listing"),
        (ListingMore(9, 1), "listing"),
        (PairDeclined(9, 1), "contract"),
        (PairDeclined(1, 9), "contract"),
    ],
)
def test_what_takes_no_part_is_refused_by_its_field(question: Question, field: str):
    with pytest.raises(Invalid) as refused:
        asked(snapshot((lot(1),), (line(1),)), question)

    assert refused.value.field == field


QUESTIONS = (
    LineMore(PLANT, "140602", ("fly_ash",), 1000),
    RoomMore(1, 1000),
    RadiusWider(5),
    Drier(1, Decimal(1)),
    ListingMore(1, 1000),
    PairDeclined(1, 1),
)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda each: type(each).__name__)
def test_a_round_for_the_surplus_answers_nothing(question: Question):
    """There the plan follows reserves and bids: whoever may ask again and again could work them out."""
    of = snapshot((lot(1),), (line(1),), objective="surplus")
    result = clear(of, SCIPY)

    with pytest.raises(Invalid):
        what_if(of, result, question, SCIPY, prove)


DEDUCTING = Limit(property="moisture", maximum=Decimal("1.0"), deduction_fen_per_unit=1000)


@pytest.mark.parametrize("reserve", [-(10**6), 3000, 10**6])
def test_a_wetter_waste_does_not_betray_the_reserve(reserve: int):
    """Given a pair that just agrees, one with much to spare, and one priced out; when it is drier or wetter, each stays so."""
    wet = {"moisture": Decimal("1.4")}
    of = snapshot((lot(1, properties=wet, reserve_fen_per_t=reserve),), (line(1, limits=(DEDUCTING,)),))
    before = clear(of, SCIPY).report.allocated_kg

    after = {
        what_if(of, clear(of, SCIPY), Drier(1, Decimal(moisture)), SCIPY, prove).after_kg
        for moisture in (0, 2, 5, 9, 60)
    }

    assert after == {before}


def test_prices_tried_at_other_figures_would_betray_it(monkeypatch: pytest.MonkeyPatch):
    """The control: without the protection the moisture at which the pair breaks tells how far price and reserve are apart."""
    monkeypatch.setattr(whatif._Checks, "check", lambda self, *pair: self.now.check(*pair))
    wet = {"moisture": Decimal("1.4")}
    of = snapshot((lot(1, properties=wet, reserve_fen_per_t=3000),), (line(1, limits=(DEDUCTING,)),))

    after = [
        what_if(of, clear(of, SCIPY), Drier(1, Decimal(moisture)), SCIPY, prove).after_kg for moisture in (0, 2, 60)
    ]

    assert after[0] == 100_000
    assert after[-1] == 0


@pytest.mark.parametrize("question", [RadiusWider(20, 1), RadiusWider(20), Drier(1, Decimal("0.5"))], ids=repr)
def test_what_is_new_is_joined_whatever_the_reserve(question: Question):
    """Given a pair that distance or moisture keeps apart; when it does not, the answer is the same for every reserve."""
    limit = Limit(property="moisture", maximum=Decimal("1.0"))
    near = isinstance(question, Drier)
    wet = {"moisture": Decimal("1.4") if near else Decimal("0.5")}
    only = {"point": north(20_000 if near else 55_000), "radius_m": 50_000 if question == RadiusWider(20, 1) else None}
    found = set()

    for reserve in (-(10**6), 2000, 10**6):
        of = snapshot(
            (lot(1, properties=wet, reserve_fen_per_t=reserve),), (line(1, limits=(limit,), **only),),
            max_km=200 if near or only["radius_m"] else 50,
        )  # fmt: skip
        found.add(what_if(of, clear(of, SCIPY), question, SCIPY, prove).after_kg)

    assert found == {100_000}


def test_a_line_that_states_no_price_still_takes_nothing():
    of = snapshot((lot(1),), (line(1, materials={"fly_ash": None}),))

    found = what_if(of, clear(of, SCIPY), ListingMore(1, 1000), SCIPY, prove)

    assert found.after_kg == 0


@given(of=snapshots(), more=st.integers(1, 60), data=st.data())
def test_the_part_solved_again_is_the_round_solved_from_nothing(of: Snapshot, more: int, data: st.DataObject):
    """
    What moves no price is answered as the whole round would be, filings, least lots, caps and months among it.

    Storage is that of the round's answer, so this is about rounds in which none is left out, before or after.
    """
    questions: list[Question] = [RoomMore(each.line_id, more * 997) for each in of.lines]
    questions += [PairDeclined(lot.listing_id, line.line_id) for lot in of.lots for line in of.lines]
    if of.kind == "planning":
        questions += [ListingMore(each.listing_id, more * 997) for each in of.lots]
        questions += [Drier(each.listing_id, Decimal(more) / 20) for each in of.lots]
        questions += [RadiusWider(more)]
        questions += [RadiusWider(more, each.line_id) for each in of.lines if each.accepting.radius_m is not None]
        questions += [LineMore(north(more * 1000), "140602", ("fly_ash",), more * 997)]
    if not questions:
        return
    question = data.draw(st.sampled_from(questions))

    before, after = clear(of, SCIPY), clear(asked(of, question).changed, SCIPY)
    if any(each.unstored_listings or each.unstored_lines for each in (before, after)):
        return

    found = what_if(of, before, question, SCIPY, prove)

    whole = after.report
    assert (found.after_kg, found.offered_after_kg) == (whole.allocated_kg, whole.offered_kg)
    assert found.after_fen == whole.freight_fen + whole.deduction_fen + whole.storage_fen


def test_a_filing_shared_by_listings_joins_them():
    """Given two listings under one filing of 50 t; when one is declined by the line, the other gets all of the filing."""
    far = {"division_code": "150602", "organization_id": 101}
    of = snapshot((lot(1), lot(2)), (line(1, **far), line(2, point=north(40_000), **far)), filings=(filing(1),))

    found = answer(of, PairDeclined(1, 1))

    assert (found.before_kg, found.after_kg) == (50_000, 50_000)


def test_a_part_that_is_too_large_is_not_begun(monkeypatch: pytest.MonkeyPatch):
    of = snapshot((lot(1), lot(2)), (line(1), line(2)))
    result = clear(of, SCIPY)
    monkeypatch.setattr(whatif, "MOST_PAIRS", 3)

    with pytest.raises(TooLarge):
        what_if(of, result, RoomMore(1, 1000), SCIPY, prove)


@pytest.mark.parametrize(("most", "stops"), [("MOST_ARCS", 1), ("MOST_SOLVED", 2)])
def test_a_part_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch, most: str, stops: int):
    """Given least lots, for which the part is solved over and over; when that is too much, then there is no answer."""
    of = snapshot(
        (lot(1, kg=30_000, least_lot_kg=20_000), lot(2, kg=30_000, least_lot_kg=20_000)),
        (line(1, kg=40_000), line(2, kg=15_000)),
    )
    result = clear(of, SCIPY)
    assert what_if(of, result, RoomMore(1, 1000), SCIPY, prove).after_kg >= result.report.allocated_kg
    monkeypatch.setattr(whatif, most, stops)

    with pytest.raises(TooLarge):
        what_if(of, result, RoomMore(1, 1000), SCIPY, prove)


def test_nothing_of_the_round_changes():
    of = snapshot((lot(1),), (line(1, months=((JANUARY, 40_000),)),))
    before = of.to_json()

    answer(of, RoomMore(1, 1000))

    assert of.to_json() == before

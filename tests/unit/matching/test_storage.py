"""Months with storage on both sides in a round, worked by hand, against another program, and with faults planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from marketplace.domain.quantities import Month
from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine, SnapshotLot, Stored
from marketplace.domain.waiting import Wait, shifted
from marketplace.matching import clearing
from marketplace.matching.assembly import assemble
from marketplace.matching.clearing import clear, remainder
from marketplace.matching.pricecheck import prices_certificate
from marketplace.matching.storagecheck import storage_faults
from marketplace.solver.engines import engine
from marketplace.solver.problem import SolverFailed
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, TARIFF, line, lot, north, snapshot, snapshots

SCIPY = engine("scipy")
MARCH = Month(2027, 3)
BOTH = ((JANUARY, 60_000), (FEBRUARY, 60_000))


def yard(of: SnapshotLot, kg: int = 50_000, fen: int = 300, *ends: Month) -> SnapshotLot:
    return replace(of, storage_kg=tuple((end, kg) for end in ends or (JANUARY,)), storage_fen_per_t=fen)


def silo(of: SnapshotLine, kg: int = 30_000, fen: int = 200, *ends: Month) -> SnapshotLine:
    return replace(of, storage_kg=tuple((end, kg) for end in ends or (JANUARY,)), storage_fen_per_t=fen)


def closed_in_january() -> SnapshotLine:
    return line(months=((FEBRUARY, 100_000),), closed_months=frozenset({1}))


def test_a_closed_january_is_bridged_by_the_yard_of_the_plant() -> None:
    result = clear(snapshot((yard(lot(months=BOTH)),), (closed_in_january(),)), SCIPY)

    (award,) = result.awards
    assert award.months == ((FEBRUARY, 100_000),)
    assert award.waits == (Wait(side="producer", since=JANUARY, until=FEBRUARY, kg=40_000),)
    assert result.stored == (
        Stored(listing_id=1, line_id=None, month=JANUARY, kg=40_000, room_kg=50_000, cost_fen=12_000),
    )
    assert (result.report.storage_fen, result.report.freight_fen) == (12_000, 230_000)
    assert (result.proof.cost, result.proof.bound) == (242_000_000, 242_000_000)
    assert result.proof.tonnes_maximal
    assert [(left.month, left.kg, left.code) for left in result.leftovers] == [(JANUARY, 20_000, "capacity_full")]
    assert [(each.kg, each.month, each.last_month) for each in result.shortages] == [(20_000, JANUARY, FEBRUARY)]


def test_what_waits_by_the_kilogram_costs_no_more_than_was_proved_by_the_truckload() -> None:
    of_lot = yard(lot(months=((JANUARY, 16_000), (FEBRUARY, 15_000))))

    result = clear(snapshot((of_lot,), (closed_in_january(),), truckload_kg=10_000), SCIPY)

    (award,) = result.awards
    assert award.months == ((FEBRUARY, 20_000),)
    assert [wait.kg for wait in award.waits] == [5_000]  # a load waits in the plan, but 15 t are ready in February
    assert (result.report.freight_fen, result.report.storage_fen) == (46_000, 1_500)
    assert (result.proof.cost, result.proof.bound) == (47_500_000, 47_500_000)
    assert result.proof.cost_minimal


def test_what_arrives_in_january_is_used_in_february() -> None:
    of_line = silo(line(months=((JANUARY, 40_000), (FEBRUARY, 100_000))))

    result = clear(snapshot((lot(),), (of_line,)), SCIPY)

    (award,) = result.awards
    assert award.months == ((JANUARY, 70_000),)
    assert award.waits == (Wait(side="recycler", since=JANUARY, until=FEBRUARY, kg=30_000),)
    assert result.report.storage_fen == 6_000
    assert [(left.listing_id, left.line_id, left.month, left.kg) for left in result.leftovers] == [
        (1, None, JANUARY, 30_000),
        (None, 1, FEBRUARY, 70_000),
    ]


def test_stock_passes_through_a_month_in_which_the_line_receives_nothing() -> None:
    of_line = silo(
        line(months=((JANUARY, 10_000), (MARCH, 50_000)), closed_months=frozenset({2})), 20_000, 100, JANUARY, FEBRUARY
    )
    lots = (lot(1, months=((JANUARY, 25_000), (FEBRUARY, 25_000))),)

    result = clear(snapshot(lots, (of_line,), months=(JANUARY, FEBRUARY, MARCH)), SCIPY)

    (award,) = result.awards
    assert award.months == ((JANUARY, 25_000),)  # nothing arrives in February
    assert award.waits == (Wait(side="recycler", since=JANUARY, until=MARCH, kg=15_000),)
    assert result.report.storage_fen == 2 * 1_500


def test_a_full_yard_is_told_and_holds_no_kilogram_more() -> None:
    result = clear(snapshot((yard(lot(months=BOTH), 10_000),), (closed_in_january(),)), SCIPY)

    assert [award.kg for award in result.awards] == [70_000]
    (left,) = [each for each in result.leftovers if each.listing_id]
    assert (left.month, left.kg, left.code) == (JANUARY, 50_000, "storage_full")
    assert left.sentence.values == {"asked_month": "2027-01", "later_month": "2027-02", "stored_kg": 10_000}


@pytest.mark.parametrize(("fen", "stored_kg"), [(2_599, 20_000), (2_601, 0)])
def test_what_waits_is_what_costs_less_than_a_farther_line(fen: int, stored_kg: int) -> None:
    near = line(1, months=((JANUARY, 40_000), (FEBRUARY, 60_000)), materials={"fly_ash": 30_000})
    # 40 km farther in a straight line: 52 km of road at 0.5 fen a tonne and kilometer, 26 yuan
    far = line(2, months=((JANUARY, 60_000),), point=north(60_000), materials={"fly_ash": 30_000})

    result = clear(snapshot((yard(lot(kg=60_000), 50_000, fen),), (near, far)), SCIPY)

    assert sum(each.kg for each in result.stored) == stored_kg
    assert result.report.allocated_kg == 60_000


def test_storage_that_its_owner_would_lose_by_is_left_out_and_the_gap_is_told() -> None:
    # a tonne brings 13.50 yuan beyond the reserve; each tonne of 40 that would wait costs 300
    result = clear(snapshot((yard(lot(months=BOTH), 50_000, 30_000),), (closed_in_january(),)), SCIPY)

    assert result.unstored_listings == (1,)
    assert result.stored == ()
    assert (result.report.allocated_kg, result.report.bound_kg, result.report.gap_kg) == (60_000, 100_000, 40_000)


def test_storage_that_just_pays_is_kept() -> None:
    # 100 t bring 13.50 yuan each, 1,350 in all; 40 t that wait cost 33.75 each
    pays = clear(snapshot((yard(lot(months=BOTH), 50_000, 3_375),), (closed_in_january(),)), SCIPY)
    loses = clear(snapshot((yard(lot(months=BOTH), 50_000, 3_376),), (closed_in_january(),)), SCIPY)

    assert (pays.unstored_listings, pays.report.storage_fen) == ((), 135_000)
    assert pays.proof.prices is not None
    assert pays.proof.prices.storage_covered
    assert loses.unstored_listings == (1,)


def test_a_planning_round_stores_whatever_it_costs() -> None:
    result = clear(snapshot((yard(lot(months=BOTH), 50_000, 30_000),), (closed_in_january(),), kind="planning"), SCIPY)

    assert result.report.allocated_kg == 100_000
    assert result.unstored_listings == ()


def test_a_round_without_storage_is_written_as_before_there_was_any() -> None:
    text = snapshot((lot(),), (line(),)).to_json()

    assert "storage" not in text
    assert "storage" not in clear(Snapshot.from_json(text), SCIPY).to_json()


def test_what_stands_takes_its_own_month_and_its_storage() -> None:
    round_ = snapshot((yard(lot(months=BOTH)),), (silo(line(months=((FEBRUARY, 90_000),))),))
    waits = {(1, 1): (Wait(side="producer", since=JANUARY, until=FEBRUARY, kg=20_000),)}

    rest = remainder(round_, accepted={(1, 1, FEBRUARY): 50_000}, waits=waits)

    assert rest.lots[0].months == ((JANUARY, 40_000), (FEBRUARY, 30_000))
    assert rest.lots[0].storage_kg == ((JANUARY, 30_000),)
    assert rest.lines[0].months == ((FEBRUARY, 40_000),)
    assert rest.lines[0].storage_kg == ((JANUARY, 30_000),)


def _kilogram_more(result: RoundResult) -> RoundResult:
    (award,) = result.awards
    (wait,) = award.waits
    return replace(result, awards=(replace(award, waits=(replace(wait, kg=wait.kg + 1),)),))


def _waits_nowhere(result: RoundResult) -> RoundResult:
    return replace(result, awards=(replace(result.awards[0], waits=()),))


def _too_cheap(result: RoundResult) -> RoundResult:
    return replace(result, report=replace(result.report, storage_fen=result.report.storage_fen - 1))


def _on_the_other_side(result: RoundResult) -> RoundResult:
    (award,) = result.awards
    turned = tuple(replace(wait, side="recycler") for wait in award.waits)
    return replace(result, awards=(replace(award, waits=turned),))


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (_kilogram_more, "stores 50001 kg over the end of 2027-01, of 50000 kg"),
        (_waits_nowhere, "sends 110000 kg of 60000 kg that are ready in 2027-02"),
        (_too_cheap, "14999 fen are reported for storage, and it is 15000"),
        (_on_the_other_side, "wait with the recycler, of 0 kg that travel in 2027-01"),
    ],
)
def test_a_planted_fault_is_found(fault: Callable[[RoundResult], RoundResult], said: str) -> None:
    wide = replace(closed_in_january(), months=((FEBRUARY, 110_000),))
    round_ = snapshot((yard(lot(months=BOTH)),), (wide,))
    result = clear(round_, SCIPY)

    assert storage_faults(round_, result) == ()
    assert any(said in each for each in storage_faults(round_, fault(result)))


def test_no_round_is_answered_with_a_fault_of_storage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clearing, "storage_faults", lambda snapshot, result: ("one kilogram too much",))

    with pytest.raises(SolverFailed, match="one kilogram too much"):
        clear(snapshot((lot(),), (line(),)), SCIPY)


def test_waiting_that_costs_more_than_it_brings_fails_the_proof_of_prices() -> None:
    round_ = snapshot((yard(lot(months=BOTH), 50_000, 3_375),), (closed_in_january(),))
    result = clear(round_, SCIPY)
    dearer = replace(round_, lots=(replace(round_.lots[0], storage_fen_per_t=3_376),))

    proof, faults = prices_certificate(dearer, result)

    assert not proof.storage_covered
    assert faults == ("listing 1: waiting costs 135040 fen, and the round brings it 135000",)


@given(snapshots(), st.sampled_from(["utilization", "surplus"]))
@settings(max_examples=50)
def test_every_answer_holds_what_waits_and_covers_it(round_: Snapshot, objective: str) -> None:
    asked = replace(round_, objective=objective if round_.kind == "market" else "utilization")

    result = clear(asked, SCIPY)  # raises if anything is not proved

    lots = {each.listing_id: each for each in asked.lots}
    for stored in result.stored:
        assert 0 < stored.kg <= stored.room_kg
    for award in result.awards:
        assert all(kg > 0 for kg in shifted(dict(award.months), award.waits, "producer").values())
        assert lots[award.listing_id].storage_kg or all(wait.side == "recycler" for wait in award.waits)
    assert clear(asked, SCIPY).to_json() == result.to_json()


MONTHS = (JANUARY, FEBRUARY, MARCH)


@st.composite
def stored_rounds(draw: st.DrawFn) -> Snapshot:
    """Draw planning rounds of three months in which only room, storage and distance decide."""
    masses = st.integers(0, 40)

    def months() -> tuple[tuple[Month, int], ...]:
        return tuple((month, draw(masses)) for month in MONTHS)

    def storage() -> dict[str, object]:
        ends = tuple((month, draw(st.sampled_from([0, 5, 30]))) for month in MONTHS[:2])
        return {"storage_kg": ends, "storage_fen_per_t": draw(st.sampled_from([0, 100, 1500]))}

    lots = tuple(
        replace(lot(n, months=months(), point=north(draw(st.integers(0, 60_000)))), **storage()) for n in (1, 2)
    )
    lines = tuple(
        replace(
            line(n, months=months(), point=north(draw(st.integers(0, 90_000))), closed_months=draw(
                st.sampled_from([frozenset(), frozenset({2})]))),
            **storage(),
        )
        for n in (1, 2)
    )  # fmt: skip
    lines = tuple(
        replace(
            each,
            months=tuple(
                (month, 0 if month.number in each.accepting.closed_months else kg) for month, kg in each.months
            ),
        )
        for each in lines
    )
    return snapshot(lots, lines, kind="planning", months=MONTHS, tariffs=(("fly_ash", TARIFF),))


def _by_journeys(round_: Snapshot) -> tuple[int, int]:
    """Return the most kilograms and their least cost, by a linear program over month ready, month of travel, month used."""
    joined = assemble(round_)
    ways = [
        (of_lot, of_line, ready, travel, used)
        for of_lot in round_.lots
        for of_line in round_.lines
        for ready in MONTHS
        for travel in MONTHS
        for used in MONTHS
        if ready <= travel <= used and travel.number not in of_line.accepting.closed_months
    ]
    rows: dict[tuple[str, int, Month], tuple[int, list[int]]] = {}
    cost = []
    for at, (of_lot, of_line, ready, travel, used) in enumerate(ways):
        fit = joined.check_pair((of_lot.listing_id, of_line.line_id), MONTHS)
        waits = (travel.number - ready.number, used.number - travel.number)
        cost.append(
            fit.haul.freight_fen_per_t + waits[0] * of_lot.storage_fen_per_t + waits[1] * of_line.storage_fen_per_t
        )
        held = [
            ("lot", of_lot.listing_id, ready, dict(of_lot.months)[ready]),
            ("line", of_line.line_id, used, dict(of_line.months)[used]),
            *(("yard", of_lot.listing_id, m, dict(of_lot.storage_kg)[m]) for m in MONTHS if ready <= m < travel),
            *(("silo", of_line.line_id, m, dict(of_line.storage_kg)[m]) for m in MONTHS if travel <= m < used),
        ]
        for name, own, month, most in held:
            rows.setdefault((name, own, month), (most, []))[1].append(at)
    matrix, limit = np.zeros((len(rows), len(ways))), np.array([most for most, _ in rows.values()], dtype=float)
    for place, (_, places) in enumerate(rows.values()):
        matrix[place, places] = 1
    most = linprog(-np.ones(len(ways)), A_ub=matrix, b_ub=limit, method="highs")
    moved = round(-most.fun)
    least = linprog(cost, A_ub=matrix, b_ub=limit, A_eq=np.ones((1, len(ways))), b_eq=[moved], method="highs")
    return moved, round(least.fun)


@given(stored_rounds())
@settings(max_examples=60)
def test_no_journeys_move_more_or_cost_less(round_: Snapshot) -> None:
    result = clear(round_, SCIPY)

    assert (result.proof.moved_kg, result.proof.cost) == _by_journeys(round_)
    assert result.proof.tonnes_maximal
    assert result.proof.cost_minimal


def test_many_waits_of_one_award_are_told_as_one() -> None:
    months = tuple(Month(2027, number) for number in range(1, 6))
    of_lot = yard(lot(months=tuple((month, 50_000) for month in months)), 40_000, 100, *months[:-1])
    of_line = line(months=tuple((month, 60_000) for month in months[1:]), closed_months=frozenset({1}))

    (award,) = clear(snapshot((of_lot,), (of_line,), months=months), SCIPY).awards

    assert [wait.kg for wait in award.waits] == [40_000, 30_000, 20_000, 10_000]
    told = {text.text[:4]: text.values for text in award.explanation.producer}["From"]
    assert told == {"most_kg": 40_000, "since_month": "2027-01", "until_month": "2027-05", "waiting_fen": 10_000}
    assert not any("waiting_fen" in (text.values or {}) for text in award.explanation.park)
    assert not any("waiting_fen" in (text.values or {}) for text in award.explanation.recycler)

"""A round for the greatest surplus: what moves, at which price, and a proof that knows nothing of how it came about."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from marketplace.domain.quantities import payable_fen
from marketplace.domain.rounds import Report, RoundResult, Snapshot
from marketplace.matching.assembly import assemble
from marketplace.matching.clearing import clear
from marketplace.matching.pricecheck import prices_certificate
from marketplace.matching.settlement import shared_price
from marketplace.solver.engines import engine
from marketplace.solver.problem import SolverFailed
from tests.unit.matching.small_rounds import FEBRUARY, JANUARY, line, lot, north, snapshot, snapshots

SCIPY = engine("scipy")
HAUL = 2300
"""Freight over 20 km of straight line, in fen per tonne: what a delivered bid leaves is less by it."""


def for_surplus(*rows: object, **changes: object) -> Snapshot:
    return snapshot(*rows, objective="surplus", **changes)  # type: ignore[arg-type]


def bids(net: int) -> dict[str, int]:
    """A line that nets the producer so much."""
    return {"fly_ash": net + HAUL}


def prices(result: RoundResult) -> dict[tuple[int, int], int | None]:
    return {(award.listing_id, award.line_id): award.price_fen_per_t for award in result.awards}


@st.composite
def surplus_rounds(draw: st.DrawFn) -> Snapshot:
    """Any market round, for the greatest surplus, some with a subsidy."""
    drawn = replace(draw(snapshots()), kind="market")
    return replace(drawn, objective="surplus", subsidy_fen_per_t=draw(st.sampled_from([0, 0, 1, 750, 3000])))


@st.composite
def plain_rounds(draw: st.DrawFn) -> Snapshot:
    """One month, one place, no least lots, filings or caps: nothing but reserves, bids and quantities."""
    small = st.integers(0, 5).map(lambda tonnes: tonnes * 1000)
    lots = tuple(
        lot(listing_id, draw(small), reserve_fen_per_t=draw(st.integers(0, 9)), organization_id=listing_id)
        for listing_id in range(1, draw(st.integers(1, 4)) + 1)
    )
    lines = tuple(
        line(
            line_id,
            draw(small),
            materials=bids(draw(st.integers(0, 9))),
            radius_m=draw(st.sampled_from([None, 30_000])),
        )
        for line_id in range(1, draw(st.integers(1, 4)) + 1)
    )
    far = tuple(
        replace(each, offered=replace(each.offered, point=north(draw(st.sampled_from([0, -15_000]))))) for each in lots
    )
    return for_surplus(far, lines, subsidy_fen_per_t=draw(st.sampled_from([0, 2])))


def test_waste_goes_where_it_is_worth_most_not_where_most_of_it_would_go() -> None:
    near, far = line(1, 100_000, materials=bids(9000)), line(2, 100_000, materials=bids(2500), least_lot_kg=0)
    lots = (lot(1, 100_000, reserve_fen_per_t=2000), lot(2, 100_000, reserve_fen_per_t=8000))

    most = clear(snapshot(lots, (near, far)), SCIPY)
    best = clear(for_surplus(lots, (near, far)), SCIPY)

    assert [(award.listing_id, award.line_id) for award in most.awards] == [(1, 2), (2, 1)]
    assert [(award.listing_id, award.line_id) for award in best.awards] == [(1, 1)]
    assert (most.report.allocated_kg, best.report.allocated_kg) == (200_000, 100_000)
    assert best.report.surplus is not None
    assert best.report.surplus.total_fen == 700_000
    assert (best.proof.cost, best.proof.bound, best.proof.cost_minimal) == (-700_000_000, -700_000_000, True)


@pytest.mark.parametrize(
    ("lots", "lines", "price"),
    [
        (
            {"kg": 100_000},
            {"kg": 150_000},
            7001,
        ),  # the waste is short: recyclers would outbid each other up to the net bid
        ({"kg": 150_000}, {"kg": 100_000}, 2000),  # room is short: producers would ask less down to the reserve
        ({"kg": 100_000}, {"kg": 100_000}, 4500),  # neither: midway, a half fen to the recycler
    ],
)
def test_the_short_side_has_the_surplus_and_midway_where_neither_is_short(
    lots: dict[str, int], lines: dict[str, int], price: int
) -> None:
    round_ = for_surplus((lot(1, **lots, reserve_fen_per_t=2000),), (line(1, **lines, materials=bids(7001)),))

    result = clear(round_, SCIPY)

    assert prices(result) == {(1, 1): price}
    assert result.report.surplus is not None
    assert result.report.surplus.producers_fen == (price - 2000) * 100
    assert result.report.surplus.recyclers_fen == (7001 - price) * 100


def test_the_price_lies_between_what_the_rivals_leave() -> None:
    lots = (lot(1, reserve_fen_per_t=1000), lot(2, reserve_fen_per_t=3000, organization_id=2))
    lines = (line(1, materials=bids(7000)), line(2, materials=bids(2500)))

    result = clear(for_surplus(lots, lines), SCIPY)

    # The first lot can ask at least 2500, or the second line would take it, and at most 3000, or the other lot would do.
    assert prices(result) == {(1, 1): 2750}


def test_a_contract_over_months_has_the_mean_of_their_prices_by_quantity() -> None:
    months = ((JANUARY, 10_000), (FEBRUARY, 20_000))
    room = ((JANUARY, 10_000), (FEBRUARY, 30_000))

    result = clear(for_surplus((lot(1, months=months),), (line(1, months=room, materials=bids(3001)),)), SCIPY)

    # January is balanced, at 2500; in February the waste is short, at 3001.
    assert prices(result) == {(1, 1): (10 * 2500 + 20 * 3001) // 30}
    assert shared_price(least_fen_per_t=0, shares=[(1, 0), (1, 1)]) == 0
    assert shared_price(least_fen_per_t=-5, shares=[(1, 0), (2, 5)]) == -2


def test_what_a_cap_keeps_apart_is_shared_evenly() -> None:
    capped = replace(lot(1, 100_000, reserve_fen_per_t=2000), cap_per_buyer_kg=30_000)

    result = clear(for_surplus((capped,), (line(1, 100_000, materials=bids(4001)),)), SCIPY)

    assert [award.kg for award in result.awards] == [30_000]
    assert prices(result) == {(1, 1): 3000}
    assert result.report.surplus is not None
    assert result.report.surplus.gap_fen == 70 * 2001
    assert (result.report.bound_kg, result.report.gap_kg) == (30_000, 0)


@given(plain_rounds())
def test_no_plan_has_a_greater_surplus(round_: Snapshot) -> None:
    problem = assemble(round_).problem
    n, m, e = problem.shape

    result = clear(round_, SCIPY)

    assert result.report.surplus is not None
    best = 0.0
    if e:
        rows = np.zeros((n + m, e))
        rows[problem.lot, np.arange(e)] = rows[n + problem.line, np.arange(e)] = 1
        masses = np.concatenate([problem.supply, problem.capacity])
        best = -linprog(problem.cost, A_ub=rows, b_ub=masses, method="highs").fun
    assert -result.proof.cost == pytest.approx(best)
    assert result.report.surplus.total_fen * 1000 == -result.proof.cost
    assert result.report.surplus.gap_fen == 0


@given(plain_rounds())
def test_nobody_would_gain_by_dealing_with_another(round_: Snapshot) -> None:
    assembled = assemble(round_)

    result = clear(round_, SCIPY)

    gains: tuple[dict[int, set[int]], dict[int, set[int]]] = ({}, {})
    moved: tuple[dict[int, int], dict[int, int]] = ({}, {})
    for award in result.awards:
        assert award.price_fen_per_t is not None
        least = (assembled.lots[award.listing_id].offered.reserve_fen_per_t or 0) - round_.subsidy_fen_per_t
        net = assembled.fits[award.listing_id, award.line_id].net_fen_per_t
        assert net is not None
        gain = (award.price_fen_per_t - least, net - award.price_fen_per_t)
        for side, own in enumerate((award.listing_id, award.line_id)):
            gains[side].setdefault(own, set()).add(gain[side])
            moved[side][own] = moved[side].get(own, 0) + award.kg
    # One price at the gate for all awards of a lot, one gain for all of a line, nothing where something is left over.
    assert all(len(found) == 1 for side in gains for found in side.values())
    left = [
        {each.listing_id for each in round_.lots if moved[0].get(each.listing_id, 0) < each.offered.kg},
        {each.line_id for each in round_.lines if moved[1].get(each.line_id, 0) < sum(kg for _, kg in each.months)},
    ]
    assert all(gains[side].get(own, {0}) <= ({0} if side == 0 else {0, 1}) for side in (0, 1) for own in left[side])
    for arc, (listing_id, line_id, _) in enumerate(assembled.arcs):
        if assembled.lots[listing_id].offered.kg and sum(kg for _, kg in assembled.lines[line_id].months):
            both = sum(gains[0].get(listing_id, {0})) + sum(gains[1].get(line_id, {0}))
            assert both >= -assembled.problem.cost[arc] - 1


@given(surplus_rounds())
def test_nobody_pays_more_or_nets_less_than_said_to_the_fen(round_: Snapshot) -> None:
    lots = {each.listing_id: each.offered for each in round_.lots}
    lines = {each.line_id: each.accepting for each in round_.lines}

    result = clear(round_, SCIPY)

    received = paid = 0
    for award in result.awards:
        assert award.price_fen_per_t is not None
        assert award.delivered_fen_per_t is not None
        reserve, bid = lots[award.listing_id].reserve_fen_per_t, lines[award.line_id].materials[award.material]
        assert reserve is not None
        assert bid is not None
        assert award.price_fen_per_t + round_.subsidy_fen_per_t >= reserve
        assert award.delivered_fen_per_t <= bid
        received += payable_fen(award.kg, award.price_fen_per_t)
        paid += payable_fen(award.kg, award.delivered_fen_per_t - award.freight_fen_per_t - award.deduction_fen_per_t)
    surplus = result.report.surplus
    assert surplus is not None
    assert result.report.paid_fen == received == paid
    assert surplus.producers_fen + surplus.recyclers_fen == surplus.total_fen
    assert surplus.gap_fen >= 0
    assert prices_certificate(round_, result)[1] == ()


@given(surplus_rounds())
def test_the_same_round_gives_the_same_bytes_and_comes_back_from_them(round_: Snapshot) -> None:
    turned = replace(round_, lots=round_.lots[::-1], lines=round_.lines[::-1], filings=round_.filings[::-1])

    first, mixed = clear(round_, SCIPY), clear(turned, SCIPY)

    assert first.to_json() == mixed.to_json()
    assert RoundResult.from_json(first.to_json()).to_json() == first.to_json()
    assert Snapshot.from_json(round_.to_json()) == round_


def test_what_was_found_before_there_was_a_surplus_is_read_and_found_again_to_the_byte() -> None:
    result = clear(snapshot((lot(),), (line(),)), SCIPY)
    written = json.loads(result.to_json())

    again = RoundResult.from_json(result.to_json())

    assert written["report"].keys().isdisjoint({"surplus", "subsidy_fen"})
    assert "prices" not in written["proof"]
    assert (again.report.surplus, again.report.subsidy_fen, again.proof.prices) == (None, 0, None)
    assert again.to_json() == result.to_json()


@pytest.mark.parametrize("objective", ["utilization", "surplus"])
@pytest.mark.parametrize(("subsidy", "matched"), [(0, False), (499, False), (501, True), (2000, True)])
def test_a_subsidy_brings_together_whom_the_price_keeps_apart_by_no_more(
    objective: str, subsidy: int, *, matched: bool
) -> None:
    round_ = snapshot(
        (lot(1, 20_000, reserve_fen_per_t=2000),),
        (line(1, 20_000, materials=bids(1500)),),
        objective=objective,
        subsidy_fen_per_t=subsidy,
    )

    result = clear(round_, SCIPY)

    if not matched:
        (left,) = [each for each in result.leftovers if each.listing_id == 1]
        assert left.code == "priced_out"
        with_it = f"even with the round's subsidy of {subsidy} the price" if subsidy else "the price"
        assert str(left.sentence) == (
            f"Priced out by {500 - subsidy} yuan per tonne: {with_it} does not cover reserve, freight and deductions."
        )
        return
    (award,) = result.awards
    assert award.price_fen_per_t == 2000 - subsidy + (subsidy - 500) // 2
    assert award.price_fen_per_t + subsidy >= 2000
    assert result.report.subsidy_fen == 20 * subsidy
    assert result.report.paid_fen == 20 * award.price_fen_per_t
    assert result.proof.prices is not None


def test_a_subsidy_that_just_closes_the_gap_is_enough_for_the_tonnes() -> None:
    rows = ((lot(1, 20_000, reserve_fen_per_t=2000),), (line(1, 20_000, materials=bids(1500)),))

    result = clear(snapshot(*rows, subsidy_fen_per_t=500), SCIPY)

    assert prices(result) == {(1, 1): 1500}
    assert result.report.subsidy_fen == 20 * 500


def _spoiled(result: RoundResult, fault: str) -> RoundResult:
    """Plant a fault of one fen."""
    award, report = result.awards[0], result.report
    assert award.price_fen_per_t is not None
    assert award.delivered_fen_per_t is not None
    assert report.surplus is not None
    assert report.paid_fen is not None
    moved = {"reserve": -1, "bid": 1}.get(fault, 0)
    match fault:
        case "reserve" | "bid":
            award = replace(
                award,
                price_fen_per_t=award.price_fen_per_t + moved,
                delivered_fen_per_t=award.delivered_fen_per_t + moved,
            )
        case "not what is received":
            award = replace(award, delivered_fen_per_t=award.delivered_fen_per_t + 1)
        case "freight":
            award = replace(
                award,
                freight_fen_per_t=award.freight_fen_per_t - 1,
                delivered_fen_per_t=award.delivered_fen_per_t - 1,
            )
        case "no price":
            award = replace(award, price_fen_per_t=None)
        case "paid":
            report = replace(report, paid_fen=report.paid_fen + 1)
        case "subsidy":
            report = replace(report, subsidy_fen=report.subsidy_fen + 1)
        case "producers":
            report = replace(report, surplus=replace(report.surplus, producers_fen=report.surplus.producers_fen + 1))
        case "total":
            report = replace(report, surplus=replace(report.surplus, total_fen=report.surplus.total_fen - 1))
        case "surplus":
            report = replace(report, surplus=None)
    return replace(result, awards=(award, *result.awards[1:]), report=report)


@pytest.mark.parametrize(
    ("fault", "short_of_room", "broken", "said"),
    [
        ("none", False, set(), ""),
        ("reserve", True, {"reserves_kept", "balanced"}, "1 below what the producer asks"),
        ("bid", False, {"bids_kept", "balanced"}, "1 above the net bid"),
        ("not what is received", False, {"balanced"}, "pays 7001 fen per tonne and the producer receives 7000"),
        ("freight", False, {"balanced"}, "not those of the tariff"),
        ("no price", False, {"balanced"}, "none where one is"),
        ("paid", False, {"balanced"}, "fen are reported as paid"),
        ("subsidy", False, {"balanced"}, "fen are reported as subsidy"),
        ("producers", False, {"balanced"}, "the surplus and its parts"),
        ("total", False, {"balanced"}, "the surplus and its parts"),
        ("surplus", False, {"balanced"}, "a surplus is reported where none"),
    ],
)
def test_the_certificate_of_prices_catches_every_fen(
    fault: str, *, short_of_room: bool, broken: set[str], said: str
) -> None:
    """The first case is the control: nothing is planted and nothing is found."""
    room = 40_000 if short_of_room else 90_000
    round_ = for_surplus((lot(1, 50_000),), (line(1, room, materials=bids(7000)),), subsidy_fen_per_t=30)
    result = clear(round_, SCIPY)

    proof, faults = prices_certificate(round_, _spoiled(result, fault))

    assert {name for name in ("reserves_kept", "bids_kept", "balanced") if not getattr(proof, name)} == broken
    assert any(said in each for each in faults) == bool(broken)


def test_a_result_with_wrong_prices_is_never_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    round_ = for_surplus((lot(1, 50_000),), (line(1, 90_000, materials=bids(7000)),))
    monkeypatch.setattr("marketplace.matching.settlement.shared_price", lambda **_: 7001)

    with pytest.raises(SolverFailed, match="1 above the net bid"):
        clear(round_, SCIPY)


def test_the_price_is_explained_by_the_rule_of_the_round_and_what_it_tells() -> None:
    rows = ((lot(1, 20_000),), (line(1, 40_000),))

    told = {
        objective: [
            str(each) for each in clear(snapshot(*rows, objective=objective), SCIPY).awards[0].explanation.producer
        ]
        for objective in ("utilization", "surplus")
    }
    subsidized = clear(snapshot(*rows, subsidy_fen_per_t=300), SCIPY).awards[0].explanation

    assert told["utilization"][1].startswith("The price lies midway between what the producer asks at least and")
    assert told["surplus"][1].startswith("The price lies midway between the least and the greatest at which nobody")
    assert "which the other can then tell from it" in told["surplus"][2]
    for reader in (subsidized.producer, subsidized.recycler, subsidized.park):
        assert str(reader[2]).startswith(
            "Beside the price the producer is paid the round's subsidy of 300 yuan per tonne"
        )
    assert "less the subsidy" in str(subsidized.producer[1])


@given(surplus_rounds())
def test_no_figure_but_the_own_price_tells_of_reserves_and_bids(round_: Snapshot) -> None:
    dear = replace(
        round_,
        lots=tuple(
            replace(each, offered=replace(each.offered, reserve_fen_per_t=-70_000_003 - each.listing_id))
            for each in (*round_.lots, lot(90, 50_000, organization_id=90))
        ),
        lines=tuple(
            replace(
                each, accepting=replace(each.accepting, materials=dict.fromkeys(each.accepting.materials, 80_000_007))
            )
            for each in (*round_.lines, line(190, 1_000_000, organization_id=190))
        ),
    )
    result = clear(dear, SCIPY)
    assert result.awards, "the last lot and the last line always come together"

    for award in result.awards:
        told = award.explanation
        for each in (*told.producer, *told.recycler, *told.park, *(other.sentence for other in award.alternatives)):
            named = {name: value for name, value in (each.values or {}).items() if isinstance(value, int)}
            own = {"price_fen_per_t", "fee_fen_per_t", "delivered_fen_per_t"}
            assert all(abs(value) < 10_000_000 for name, value in named.items() if name not in own)


def test_an_old_report_is_one_without_a_surplus() -> None:
    report = clear(snapshot((lot(),), (line(),)), SCIPY).report

    assert isinstance(report, Report)
    assert (report.surplus, report.subsidy_fen) == (None, 0)

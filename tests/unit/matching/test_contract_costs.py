"""What a contract costs is counted once for each: it decides between plans, and stands in no price."""

from __future__ import annotations

from dataclasses import replace

import pytest

from marketplace.domain.rounds import RoundResult, Snapshot
from marketplace.matching import contracts
from marketplace.matching.clearing import clear
from marketplace.matching.pricecheck import prices_certificate
from marketplace.solver.engines import engine
from marketplace.solver.problem import Integers
from marketplace.solver.ruling.rules import Rules
from tests.unit.matching.small_rounds import line, lot, north, snapshot

NETWORK = engine("network")

SPLIT_SAVES_FEN = 3_250
"""What 50 t save in freight at the nearer line: 65 fen a tonne."""


def of_two_lines(fee_fen: int, second_kg: int = 100_000, **changes: object) -> Snapshot:
    """Return 100 t before a line 20 km away with room for 50 t, and one 21 km away."""
    lines = (line(1, 50_000), line(2, second_kg, point=north(21_000)))
    return snapshot((lot(1, 100_000),), lines, contract_fee_fen=fee_fen, **changes)


def moved(result: RoundResult) -> list[tuple[int, int]]:
    return [(award.line_id, award.kg) for award in result.awards]


def test_two_contracts_are_made_while_they_save_more_than_one_costs() -> None:
    result = clear(of_two_lines(SPLIT_SAVES_FEN - 1), NETWORK)

    assert moved(result) == [(1, 50_000), (2, 50_000)]
    assert result.report.fees_fen == 2 * (SPLIT_SAVES_FEN - 1)
    assert result.proof.cost == 1000 * (50 * 2_300 + 50 * 2_365 + 2 * (SPLIT_SAVES_FEN - 1))


def test_one_contract_is_made_once_a_second_costs_more_than_it_saves() -> None:
    result = clear(of_two_lines(SPLIT_SAVES_FEN + 1), NETWORK)

    assert moved(result) == [(2, 100_000)]
    assert result.report.fees_fen == SPLIT_SAVES_FEN + 1
    assert result.proof.cost == 1000 * (100 * 2_365 + SPLIT_SAVES_FEN + 1)
    (other,) = result.awards[0].alternatives
    assert (other.line_id, other.code) == (1, "contract_fee")


def test_where_the_most_tonnes_are_asked_for_they_come_before_the_cost() -> None:
    result = clear(of_two_lines(10_000_000, second_kg=50_000), NETWORK)

    assert moved(result) == [(1, 50_000), (2, 50_000)]
    assert result.proof.tonnes_maximal


def test_a_contract_over_several_months_costs_once() -> None:
    months = tuple((month, 10_000) for month in snapshot((), ()).months)

    result = clear(snapshot((lot(1, months=months),), (line(1, months=months),), contract_fee_fen=7_000), NETWORK)

    assert (len(result.awards[0].months), result.report.fees_fen) == (2, 7_000)


@pytest.mark.parametrize(("fee_fen", "kg"), [(26_999, 10_000), (27_001, 0)])
def test_for_the_greatest_surplus_a_contract_has_to_bring_more_than_it_costs(fee_fen: int, kg: int) -> None:
    of = snapshot((lot(1, 10_000),), (line(1, 50_000),), objective="surplus")  # a gain of 27 yuan a tonne

    result = clear(replace(of, contract_fee_fen=fee_fen), NETWORK)

    assert sum(award.kg for award in result.awards) == kg
    assert result.proof.cost == (1000 * (fee_fen - 27_000) if kg else 0)
    assert {left.code for left in result.leftovers if left.listing_id} == (set() if kg else {"contract_fee"})


def test_no_price_holds_the_cost() -> None:
    of = snapshot((lot(1, 10_000),), (line(1, 50_000),), objective="surplus")

    without, with_it = clear(of, NETWORK), clear(replace(of, contract_fee_fen=20_000), NETWORK)

    assert [award.price_fen_per_t for award in with_it.awards] == [award.price_fen_per_t for award in without.awards]
    assert with_it.report.surplus == without.report.surplus
    assert with_it.proof.cost - without.proof.cost == 20_000_000


def test_an_award_says_what_the_contract_costs_and_no_worth_of_a_tonne_is_told() -> None:
    result = clear(replace(of_two_lines(4_000), explains=1), NETWORK)

    told = result.awards[0].explanation
    for reader in (told.producer, told.recycler, told.park):
        assert {"contract_fee_fen": 4_000} in [each.values for each in reader]
    assert result.rooms == ()
    assert [award.margin for award in result.awards] == [None]
    assert result.curve is not None


def test_a_report_with_another_cost_of_contracts_is_found_out() -> None:
    of = of_two_lines(4_000)
    result = clear(of, NETWORK)
    faulty = replace(result, report=replace(result.report, fees_fen=8_000))

    assert prices_certificate(of, result)[1] == ()
    assert prices_certificate(of, faulty)[1] == ("8000 fen are reported as the cost of contracts, and 4000 are",)


def test_a_plain_plan_taken_for_one_that_counts_the_cost_would_make_both(monkeypatch: pytest.MonkeyPatch) -> None:
    def kept(self: contracts._Contracts, rules: Rules, kg: Integers) -> bool:
        held = self.held(kg)
        return not ((held > 0) & (held < self.least)).any()

    monkeypatch.setattr(contracts._Contracts, "kept", kept)

    assert moved(clear(of_two_lines(SPLIT_SAVES_FEN + 1), NETWORK)) == [(1, 50_000), (2, 50_000)]


def test_a_round_frozen_before_contracts_cost_anything_keeps_its_bytes() -> None:
    text = of_two_lines(0).to_json()

    assert "contract_fee" not in text
    assert Snapshot.from_json(text) == of_two_lines(0)
    assert Snapshot.from_json(of_two_lines(5).to_json()).contract_fee_fen == 5

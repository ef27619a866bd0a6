"""What a listing keeps for small works goes to no other, whatever else has room."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine, SnapshotLot
from marketplace.matching import contracts
from marketplace.matching.clearing import clear, remainder
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import JANUARY, line, lot, north, snapshot, snapshots

NETWORK = engine("network")


def sharing(kg: int = 50_000, others_kg: int = 20_000) -> SnapshotLot:
    return replace(lot(1, kg), others_kg=others_kg)


def small(line_id: int, kg: int = 100_000, **changes: object) -> SnapshotLine:
    return replace(line(line_id, kg, **changes), small_works=True)


def moved(result: RoundResult) -> list[tuple[int, int]]:
    return [(award.line_id, award.kg) for award in result.awards]


def test_the_share_is_kept_though_nobody_small_is_there() -> None:
    result = clear(snapshot((sharing(),), (line(1),)), NETWORK)

    assert moved(result) == [(1, 20_000)]
    (left,) = (each for each in result.leftovers if each.listing_id)
    assert (left.kg, left.code) == (30_000, "kept_for_small")


def test_others_share_what_is_not_kept_and_small_works_take_the_rest() -> None:
    lines = (line(1), line(2), small(3, 25_000, point=north(60_000)))

    result = clear(snapshot((sharing(),), lines), NETWORK)

    assert sum(kg for line_id, kg in moved(result) if line_id != 3) == 20_000
    assert dict(moved(result))[3] == 25_000
    (farther,) = (award for award in result.awards if award.line_id == 3)
    assert "kept_for_small" in {other.code for other in farther.alternatives}


def test_a_share_that_nobody_else_touches_changes_nothing() -> None:
    result = clear(snapshot((sharing(others_kg=50_000),), (line(1),)), NETWORK)

    assert moved(result) == [(1, 50_000)]
    assert result.report.gap_kg == 0


def test_what_was_accepted_counts_in_a_second_pass() -> None:
    of = snapshot((sharing(),), (line(1), small(2, point=north(50_000))))

    rest = remainder(of, accepted={(1, 1, JANUARY): 15_000, (1, 2, JANUARY): 5_000})

    assert rest.lots[0].others_kg == 5_000


@given(snapshots(), st.data())
def test_no_round_gives_others_more_than_the_share_leaves(of: Snapshot, data: st.DataObject) -> None:
    chosen = {one.line_id: data.draw(st.booleans()) for one in of.lines}
    of = replace(
        of,
        lots=tuple(replace(one, others_kg=data.draw(st.integers(0, one.offered.kg))) for one in of.lots),
        lines=tuple(replace(one, small_works=chosen[one.line_id]) for one in of.lines),
    )

    result = clear(of, NETWORK)

    for one in of.lots:
        taken = [each.kg for each in result.awards if each.listing_id == one.listing_id and not chosen[each.line_id]]
        assert sum(taken) <= (one.others_kg or 0)


def test_without_the_rule_others_would_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contracts, "_shares", lambda _: iter(()))

    result = clear(snapshot((sharing(),), (line(1),)), NETWORK)

    assert moved(result) == [(1, 50_000)]

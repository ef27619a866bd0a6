"""Least lots: what was given up comes back where room came free, and only the pair that is named is promised more."""

from __future__ import annotations

from hypothesis import given

from marketplace.domain.rounds import Snapshot
from marketplace.matching.assembly import assemble
from marketplace.matching.contracts import allocate, least_kg
from marketplace.matching.outcome import Outcome
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import snapshots, without_storage


@given(snapshots().map(without_storage))
def test_no_contract_could_be_added_beside_the_others(round_: Snapshot) -> None:
    assembled = assemble(round_)

    outcome = Outcome(assembled, allocate(assembled, engine("scipy"), certify))

    for pair in {(listing_id, line_id) for listing_id, line_id, _ in assembled.arcs}:
        more = 0
        for month in assembled.fits[pair].months:
            kg = min(outcome.left_kg[pair[0], month], outcome.room_kg.get((pair[1], month), 0))
            limits = (outcome.filed_kg(pair, month), outcome.cap_kg(pair))
            more = max(more, min([kg, *(most for most in limits if most is not None)]))
        assert not more or more + outcome.carried_kg(pair) < least_kg(assembled, pair)

"""Rounds with whatever can stand between, under costs of contracts, truckloads and means at once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from marketplace.domain.deductions import Limit
from marketplace.domain.rounds import RoundResult, Snapshot, SnapshotLine
from marketplace.domain.whatif import Drier, ListingMore, PairDeclined, RoomMore
from marketplace.matching.clearing import clear, remainder
from marketplace.matching.whatif import what_if
from marketplace.solver.certificate import certify
from marketplace.solver.engines import engine
from tests.unit.matching.small_rounds import JANUARY, line, lot, snapshot, snapshots

NETWORK = engine("network")


def blended(of: SnapshotLine) -> SnapshotLine:
    limits = tuple(replace(limit, monthly_mean=True) for limit in of.accepting.limits)
    return replace(of, accepting=replace(of.accepting, limits=limits))


@st.composite
def rounds(draw: st.DrawFn) -> Snapshot:
    """Draw any small round, and put all rules of contracts upon it."""
    of = draw(snapshots())
    objective = draw(st.sampled_from(["utilization", "surplus"])) if of.kind == "market" else "utilization"
    return replace(
        of,
        lines=tuple(blended(each) for each in of.lines),
        contract_fee_fen=draw(st.sampled_from([0, 3_000, 60_000])),
        truckload_kg=draw(st.sampled_from([None, 1_000, 7_000])),
        objective=objective,
        explains=1,
    )


def off_the_mean(of: Snapshot, result: RoundResult) -> dict[tuple[int, object], Decimal]:
    """Return by line and month kilograms times moisture beyond 1 %, of all that such a limit is about."""
    off: dict[tuple[int, object], Decimal] = {}
    moisture = {each.listing_id: each.offered.properties.get("moisture") for each in of.lots}
    limited = {each.line_id for each in of.lines if each.accepting.limits}
    for award in result.awards:
        value = moisture[award.listing_id]
        for month, kg in award.months if award.line_id in limited and value is not None else ():
            off[award.line_id, month] = off.get((award.line_id, month), Decimal(0)) + kg * (value - 1)
    return off


@given(rounds())
def test_every_rule_is_kept_at_once_and_every_leftover_has_its_reason(of: Snapshot) -> None:
    result = clear(of, NETWORK)

    assert result == clear(Snapshot.from_json(of.to_json()), NETWORK)
    assert all(kg % (of.truckload_kg or 1) == 0 for award in result.awards for _, kg in award.months)
    assert all(off <= 0 for off in off_the_mean(of, result).values())
    assert result.report.fees_fen == of.contract_fee_fen * len(result.awards)
    assert result.proof.feasible
    assert result.proof.cost >= result.proof.bound
    assert all(left.code and left.sentence for left in result.leftovers)
    assert RoundResult.from_json(result.to_json()).to_json() == result.to_json()


@given(rounds(), st.data())
def test_what_is_left_after_some_awards_keeps_the_rules_too(of: Snapshot, data: st.DataObject) -> None:
    result = clear(replace(of, explains=0), NETWORK)
    standing = tuple(award for award in result.awards if data.draw(st.booleans()))
    accepted = {(award.listing_id, award.line_id, month): kg for award in standing for month, kg in award.months}

    waits = {(award.listing_id, award.line_id): award.waits for award in standing}
    again = clear(remainder(replace(of, explains=0), accepted=accepted, waits=waits), NETWORK)

    before = off_the_mean(of, replace(result, awards=standing))
    for place, off in off_the_mean(of, again).items():
        assert off + before.get(place, Decimal(0)) <= max(Decimal(0), before.get(place, Decimal(0)))


MEAN = Limit(property="moisture", maximum=Decimal(10), monthly_mean=True)


def mixed() -> Snapshot:
    wet = lot(1, 60_000, organization_id=1, properties={"moisture": Decimal(14)})
    dry = lot(2, 40_000, organization_id=2, properties={"moisture": Decimal(7)})
    return snapshot((wet, dry), (line(1, 200_000, limits=(MEAN,)),), contract_fee_fen=5_000)


def test_what_if_is_solved_under_the_same_rules() -> None:
    of = mixed()
    result = clear(of, NETWORK)

    def more_kg(question: Drier | ListingMore | RoomMore | PairDeclined) -> int:
        told = what_if(of, result, question, NETWORK, certify)
        return told.after_kg - told.before_kg

    assert result.report.allocated_kg == 70_000
    assert more_kg(Drier(1, Decimal(10))) == 30_000
    assert more_kg(Drier(1, Decimal(12))) == 30_000  # 60 t of 2 % beyond are balanced by 40 t of 3 % within
    assert more_kg(RoomMore(1, 50_000)) == 0
    assert more_kg(PairDeclined(2, 1)) == -70_000  # without the dry none of the wet comes
    assert JANUARY in of.months

"""A round from its frozen input to its answer: assemble, solve, prove, settle, explain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType

from marketplace.domain.quantities import Month, payable_fen
from marketplace.domain.results import RULES
from marketplace.domain.rounds import (
    Arriving,
    Proof,
    ProposedAward,
    Report,
    RoundResult,
    Snapshot,
    SnapshotFiling,
    SnapshotLine,
    SnapshotLot,
    Surplus,
)
from marketplace.domain.steps import Tell, silent
from marketplace.domain.waiting import Wait, shifted
from marketplace.matching.assembly import COUNTED, Pair, assemble
from marketplace.matching.contracts import Prove, allocate
from marketplace.matching.explanation import explain
from marketplace.matching.further import explained
from marketplace.matching.leftovers import with_causes
from marketplace.matching.outcome import Outcome
from marketplace.matching.pricecheck import prices_certificate
from marketplace.matching.settlement import Settled, settle
from marketplace.matching.shares import Shares
from marketplace.matching.shortages import shortages
from marketplace.matching.storage import Uncovered, held, uncovered, without_storage
from marketplace.matching.storagecheck import storage_faults
from marketplace.matching.surplus import surplus_of
from marketplace.solver.certificate import Certificate, certify
from marketplace.solver.engines import Engine, Progress
from marketplace.solver.problem import Allocation, Problem, SolverFailed


def clear(snapshot: Snapshot, engine: Engine, tell: Tell = silent, *, engine_name: str = "scipy") -> RoundResult:
    """
    Answer a round; the same snapshot and engine give the same bytes, whoever is told how far it is.

    Raises SolverFailed if the engine does, or if what it found is not proved: then there is no answer.
    """
    proofs: list[Certificate] = []

    def solving(done: int, of: int) -> None:
        tell("solving", done, of)

    def prove(problem: Problem, allocation: Allocation) -> None:
        tell("proving", 0, 0)
        certificate = certify(problem, allocation)
        if not certificate.valid:
            raise SolverFailed("; ".join(certificate.violations) or "the plan is not proved")
        proofs.append(certificate)

    outcome, settled, left_out = _covered(snapshot, engine, prove, solving, tell)
    awards = tuple(_explained(outcome, settled, tell))
    surplus = surplus_of(outcome, awards, least_cost=proofs[0].cost)
    told = list(with_causes(outcome))
    result = RoundResult(
        round_id=snapshot.round_id,
        kind=snapshot.kind,
        objective=snapshot.objective,
        snapshot_sha256=snapshot.sha256,
        engine=engine_name,
        awards=awards,
        leftovers=tuple(left for left, _ in told),
        shortages=tuple(shortages(outcome)),
        report=_report(snapshot, outcome, awards, surplus),
        proof=_proof(proofs[-1], outcome),
        stores=bool(outcome.assembled.problem.carry.tail.size),
        stored=outcome.stored,
        unstored_listings=tuple(sorted(left_out.listing_ids)),
        unstored_lines=tuple(sorted(left_out.line_ids)),
        rules=RULES,
    )
    if snapshot.explains:
        result = explained(outcome, result, told, tell)
    prices, faults = prices_certificate(snapshot, result)
    faults = (*storage_faults(snapshot, result), *faults)
    if faults:
        raise SolverFailed("; ".join(faults))
    if surplus is None and not snapshot.subsidy_fen_per_t and (snapshot.kind == "planning" or not result.stored):
        return result  # as it was before there were either, to the byte
    return replace(result, proof=replace(result.proof, prices=prices))


def _covered(
    snapshot: Snapshot, engine: Engine, prove: Prove, solving: Progress, tell: Tell
) -> tuple[Outcome, tuple[Settled, ...], Uncovered]:
    """
    Solve and settle, and solve again without the storage that costs its owner more than the round brings it, until there is none.

    What any pass moves stays within what the first one moved, by which the round is measured. Each pass leaves out more storage,
    so that it ends.
    """
    left_out, bound_kg = Uncovered(), 0
    while True:
        assembled = assemble(without_storage(snapshot, left_out.listing_ids, left_out.line_ids), tell)
        solving(0, assembled.problem.lot.size)
        cleared = allocate(assembled, engine, prove, solving)
        bound_kg = max(bound_kg, cleared.bound_kg)
        outcome = Outcome(assembled, replace(cleared, bound_kg=bound_kg))
        shares = Shares.of(assembled, cleared) if snapshot.objective == "surplus" else None
        settled = settle(assembled, outcome.flows, shares)
        further = uncovered(assembled, settled, outcome.waits)
        if not further:
            return outcome, settled, left_out
        left_out |= further


def _explained(outcome: Outcome, settled: Iterable[Settled], tell: Tell) -> Iterator[ProposedAward]:
    contracts = list(settled)
    for done, each in enumerate(contracts):
        tell("explaining", done, len(contracts))
        yield explain(outcome, each)
    tell("explaining", len(contracts), len(contracts))


def remainder(
    snapshot: Snapshot,
    *,
    accepted: Mapping[tuple[int, int, Month], int],
    declined: Iterable[Pair] = (),
    filing_of: Mapping[tuple[int, int, Month], int] | None = None,
    waits: Mapping[Pair, Iterable[Wait]] = MappingProxyType({}),
) -> Snapshot:
    """
    Return what is left of a round when awards were accepted, which are fixed, and others declined.

    ``accepted`` are kilograms by listing, line and month in which they travel, ``waits`` what of them waits before or after: it is
    taken off the months in which it is ready and used, and off the storage. They are taken off the lot, its cap for the buyer, the line's
    room and the filing that covers them, and count in the means of the line: as in ``filing_of``, which a second pass may have found otherwise, else the one
    that the round itself finds. Declined pairs are not joined again. What has nothing left takes no part.

    Raises ValueError if more was accepted than there is.
    """
    given: dict[tuple[int, Month], int] = {}
    taken: dict[tuple[int, Month], int] = {}
    for (listing_id, line_id), months in _by_pair(accepted).items():
        waiting = tuple(waits.get((listing_id, line_id), ()))
        for month, kg in shifted(months, waiting, "producer").items():
            given[listing_id, month] = given.get((listing_id, month), 0) + kg
        for month, kg in shifted(months, waiting, "recycler").items():
            taken[line_id, month] = taken.get((line_id, month), 0) + kg
    _must_be_known(given, {(lot.listing_id, month) for lot in snapshot.lots for month, _ in lot.months})
    _must_be_known(taken, {(line.line_id, month) for line in snapshot.lines for month, _ in line.months})
    buyer_of = {line.line_id: line.accepting.organization_id for line in snapshot.lines}
    bought: dict[int, dict[int, int]] = {}
    for (listing_id, line_id, _), kg in accepted.items():
        had = bought.setdefault(listing_id, {})
        had[buyer_of[line_id]] = had.get(buyer_of[line_id], 0) + kg
    small = {line.accepting.organization_id for line in snapshot.lines if line.small_works}
    arrived: dict[int, dict[Month, int]] = {}
    for (_, line_id, month), kg in accepted.items():
        months = arrived.setdefault(line_id, {})
        months[month] = months.get(month, 0) + kg
    stored = (held(waits, "producer"), held(waits, "recycler"))
    lots = (
        _lot_left(lot, given, bought.get(lot.listing_id, {}), small, stored[0].get(lot.listing_id, {}))
        for lot in snapshot.lots
    )
    of_lot = {lot.listing_id: lot for lot in snapshot.lots}
    arriving = [(of_lot[listing_id], line_id, month, kg) for (listing_id, line_id, month), kg in accepted.items()]
    lines = (
        _line_left(line, taken, arrived.get(line.line_id, {}), stored[1].get(line.line_id, {}), arriving)
        for line in snapshot.lines
    )
    return replace(
        snapshot,
        lots=tuple(lot for lot in lots if lot.offered.kg),
        lines=tuple(line for line in lines if line.accepting.room_kg),
        filings=tuple(_filings_left(snapshot, accepted, filing_of)),
        declined=tuple(sorted({*snapshot.declined, *declined})),
    )


def _must_be_known(masses: Mapping[tuple[int, Month], int], known: Collection[tuple[int, Month]]) -> None:
    for node in masses:
        if node not in known:
            raise ValueError(f"{node[0]} has nothing in {node[1]}")


def _lot_left(
    lot: SnapshotLot,
    given: Mapping[tuple[int, Month], int],
    bought: Mapping[int, int],
    small: Collection[int],
    stored: Mapping[Month, int],
) -> SnapshotLot:
    months = tuple((month, kg - given.get((lot.listing_id, month), 0)) for month, kg in lot.months)
    left = sum(kg for _, kg in months)
    baseline = max(0, lot.baseline_kg - (lot.offered.kg - left))
    had = dict(lot.had)
    for buyer_id, kg in bought.items() if lot.cap_per_buyer_kg is not None else ():
        had[buyer_id] = had.get(buyer_id, 0) + kg
    others = lot.others_kg
    if others is not None:
        others = max(0, others - sum(kg for buyer_id, kg in bought.items() if buyer_id not in small))
    return replace(
        lot,
        months=months,
        offered=replace(lot.offered, kg=left),
        baseline_kg=baseline,
        had=tuple(had.items()),
        others_kg=others,
        storage_kg=tuple((month, kg - stored.get(month, 0)) for month, kg in lot.storage_kg),
    )


def _line_left(
    line: SnapshotLine,
    taken: Mapping[tuple[int, Month], int],
    arrived: Mapping[Month, int],
    stored: Mapping[Month, int],
    arriving: Iterable[tuple[SnapshotLot, int, Month, int]],
) -> SnapshotLine:
    own = line.line_id
    means = {limit.property for limit in line.accepting.limits if limit.monthly_mean}
    promised = tuple(
        Arriving(month=month, material=lot.offered.material, property=code, kg=kg, value=lot.offered.properties[code])
        for lot, line_id, month, kg in arriving
        for code in means.intersection(lot.offered.properties)
        if line_id == own
    )
    in_year = {year: sum(kg for month, kg in arrived.items() if month.year == year) for year, _ in line.year_left_kg}
    stood = dict(line.stood_kg)
    for month, kg in arrived.items() if line.steps else ():
        stood[month] = stood.get(month, 0) + kg
    return replace(
        line,
        months=tuple((month, kg - taken.get((own, month), 0)) for month, kg in line.months),
        year_left_kg=tuple((year, kg - in_year[year]) for year, kg in line.year_left_kg),
        stood_kg=tuple(stood.items()),
        storage_kg=tuple((month, kg - stored.get(month, 0)) for month, kg in line.storage_kg),
        arriving=(*line.arriving, *promised),
    )


def _by_pair(accepted: Mapping[tuple[int, int, Month], int]) -> dict[Pair, dict[Month, int]]:
    found: dict[Pair, dict[Month, int]] = {}
    for (listing_id, line_id, month), kg in accepted.items():
        found.setdefault((listing_id, line_id), {})[month] = kg
    return found


def _filings_left(
    snapshot: Snapshot,
    accepted: Mapping[tuple[int, int, Month], int],
    filing_of: Mapping[tuple[int, int, Month], int] | None,
) -> Iterable[SnapshotFiling]:
    used: dict[int, int] = {}
    filing_of = assemble(snapshot).filing_of if filing_of is None else filing_of
    for key, kg in accepted.items():
        if key in filing_of:
            used[filing_of[key]] = used.get(filing_of[key], 0) + kg
    for filing in snapshot.filings:
        left = filing.filing.remaining_kg - used.get(filing.filing_id, 0)
        if left < 0:
            raise ValueError(f"filing {filing.filing_id} has fewer tonnes than were accepted under it")
        yield replace(filing, filing=replace(filing.filing, remaining_kg=left))


def _report(snapshot: Snapshot, outcome: Outcome, awards: tuple[ProposedAward, ...], surplus: Surplus | None) -> Report:
    cleared = outcome.cleared
    moved: dict[int, int] = {}
    for award in awards:
        moved[award.listing_id] = moved.get(award.listing_id, 0) + award.kg
    lift = {lot.listing_id: max(0, moved.get(lot.listing_id, 0) - lot.baseline_kg) for lot in snapshot.lots}
    allocated = sum(moved.values())
    bound = cleared.bound_kg if surplus is None else allocated
    return Report(
        offered_kg=sum(lot.offered.kg for lot in snapshot.lots),
        counted_kg=sum(lot.offered.kg for lot in snapshot.lots if lot.offered.legal_status in COUNTED),
        capacity_kg=sum(line.accepting.room_kg or 0 for line in snapshot.lines),
        allocated_kg=allocated,
        lift_kg=sum(lift.values()),
        lift_from_stock_kg=sum(lift[lot.listing_id] for lot in snapshot.lots if lot.from_stock),
        awards=len(awards),
        freight_fen=sum(payable_fen(award.kg, award.freight_fen_per_t) for award in awards),
        deduction_fen=sum(payable_fen(award.kg, award.deduction_fen_per_t) for award in awards),
        paid_fen=None
        if snapshot.kind == "planning"
        else sum(payable_fen(award.kg, award.price_fen_per_t or 0) for award in awards),
        transport_t_km=sum(award.kg * award.road_m for award in awards) // 1_000_000,
        bound_kg=bound,
        gap_kg=bound - allocated,
        dropped_kg=cleared.dropped_kg,
        passes=cleared.passes,
        surplus=surplus,
        subsidy_fen=sum(payable_fen(award.kg, snapshot.subsidy_fen_per_t) for award in awards),
        fees_fen=snapshot.contract_fee_fen * cleared.contracts,
        truckload_kg=snapshot.truckload_kg,
        means=len(cleared.means),
        storage_fen=sum(stored.cost_fen for stored in outcome.stored),
    )


def _proof(certificate: Certificate, outcome: Outcome) -> Proof:
    """Return what is proved of the plan among all that keep the round's rules, contracts and storage counted in the cost."""
    cleared = outcome.cleared
    kg, cost = int(cleared.kg.sum()), cleared.cost - cleared.carried_cost + outcome.storage_cost
    if certificate.bound is None:
        raise SolverFailed("the plan is not proved")
    if cleared.least_cost > cleared.cost:
        raise SolverFailed("the plan costs less than its bound")
    most_kg = kg if cleared.best_kg is None else cleared.best_kg
    return Proof(
        feasible=certificate.feasible,
        tonnes_maximal=certificate.tonnes_maximal and most_kg == kg,
        cost_minimal=certificate.cost_minimal and cleared.least_cost >= cost,
        moved_kg=kg,
        most_kg=most_kg,
        cost=cost,
        bound=min(cleared.least_cost, cost),  # what waits is planned by the truckload, and may be less by the kilogram
    )

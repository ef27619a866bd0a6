"""
Are these prices right? Asked of a result and of what the round read, by code that shares nothing with the settlement.

Freight and deductions are counted again from the tariff and the limits, and money is rounded by a few lines of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

from marketplace.domain.deductions import judge
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import PriceProof, ProposedAward, RoundResult, Snapshot, SnapshotLine, SnapshotLot


@dataclass(frozen=True, eq=False)
class _Books:
    """A result beside what the round read, found by id."""

    snapshot: Snapshot
    result: RoundResult

    @cached_property
    def lots(self) -> Mapping[int, SnapshotLot]:
        return {lot.listing_id: lot for lot in self.snapshot.lots}

    @cached_property
    def lines(self) -> Mapping[int, SnapshotLine]:
        return {line.line_id: line for line in self.snapshot.lines}

    def priced(self) -> Iterator[tuple[str, ProposedAward, int]]:
        """Yield each award that has a price, what it is called in a message, and the price."""
        for award in self.result.awards:
            if award.price_fen_per_t is not None:
                yield f"listing {award.listing_id} to line {award.line_id}", award, award.price_fen_per_t

    def least(self, award: ProposedAward) -> int:
        return (self.lots[award.listing_id].offered.reserve_fen_per_t or 0) - self.snapshot.subsidy_fen_per_t

    def bid(self, award: ProposedAward) -> int | None:
        """Return what was bid for a tonne delivered, less what the line's price steps are said to take off."""
        first = self.lines[award.line_id].accepting.materials.get(award.material)
        return None if first is None else first - award.less_fen_per_t

    def outlay(self, award: ProposedAward) -> int:
        """Return freight and expected deductions of a tonne, counted again."""
        properties = self.lots[award.listing_id].offered.properties
        limits = self.lines[award.line_id].accepting.limits
        judged = (judge(limit, properties.get(limit.property)) for limit in limits if limit.holds_for(award.material))
        freight = dict(self.snapshot.tariffs)[award.material].freight_fen_per_t(award.road_m)
        return freight + sum(found.deduction_fen_per_t for found in judged if found.outcome == "deducted")


def prices_certificate(snapshot: Snapshot, result: RoundResult) -> tuple[PriceProof, tuple[str, ...]]:
    """
    Return what is proved of the prices of a result, and in words what is wrong with them.

    Every fault is found to the fen. A planning round has no prices, so that nothing is wrong with them.
    """
    books = _Books(snapshot, result)
    said = {name: tuple(check(books)) for name, check in CHECKS.items()}
    proof = PriceProof(
        reserves_kept=not said["reserves"],
        bids_kept=not said["bids"] and not said["steps"],
        balanced=not said["balance"] and not said["totals"],
        storage_covered=not said["storage"],
    )
    return proof, tuple(fault for faults in said.values() for fault in faults)


def _reserves(books: _Books) -> Iterator[str]:
    """No producer nets less than it asks at least, the subsidy counted in."""
    for name, award, price in books.priced():
        if price < books.least(award):
            yield f"{name}: {price} fen per tonne is {books.least(award) - price} below what the producer asks"


def _bids(books: _Books) -> Iterator[str]:
    """No recycler pays more than it bid, freight and expected deductions counted in."""
    for name, award, price in books.priced():
        bid = books.bid(award)
        if bid is None:
            yield f"{name}: the line bids nothing for this material"
        elif price + books.outlay(award) > bid:
            yield f"{name}: {price} fen per tonne is {price + books.outlay(award) - bid} above the net bid"


def _steps(books: _Books) -> Iterator[str]:
    """What the price steps of a line take off is taken off its awards in all, and nothing is where there are none."""
    arrives: dict[tuple[int, Month], int] = {}
    granted: dict[int, int] = {}
    for name, award, _ in books.priced():
        if award.less_fen_per_t < 0 or (award.less_fen_per_t and not books.lines[award.line_id].steps):
            yield f"{name}: {award.less_fen_per_t} fen per tonne are taken off the bid, and the line has no such step"
        granted[award.line_id] = granted.get(award.line_id, 0) + award.kg * award.less_fen_per_t
        for month, kg in award.months:
            arrives[award.line_id, month] = arrives.get((award.line_id, month), 0) + kg
    due = dict.fromkeys(granted, 0)
    for (line_id, month), kg in arrives.items():
        line, before = books.lines[line_id], 0
        stood = dict(line.stood_kg).get(month, 0)
        for step in line.steps:  # each takes off so much more than the one before, from where it begins
            beyond = max(0, stood + kg - step.beyond_kg) - max(0, stood - step.beyond_kg)
            due[line_id] += beyond * (step.less_fen_per_t - before)
            before = step.less_fen_per_t
    for line_id, fen in sorted(due.items()):
        if granted[line_id] < fen:
            yield f"line {line_id}: its price steps take {_fen(1, fen)} fen off, and its awards {_fen(1, granted[line_id])}"


def _balance(books: _Books) -> Iterator[str]:
    """Per tonne, what the recycler pays for the waste is what the producer receives."""
    market = books.snapshot.kind == "market"
    for award in books.result.awards:
        if market != (award.price_fen_per_t is not None):
            yield f"listing {award.listing_id} to line {award.line_id}: a price where there is none, or none where one is"
    for name, award, price in books.priced():
        if award.freight_fen_per_t + award.deduction_fen_per_t != books.outlay(award):
            yield f"{name}: freight and deductions are not those of the tariff and the limits"
        paid = (award.delivered_fen_per_t or 0) - books.outlay(award)
        if paid != price:
            yield f"{name}: the recycler pays {paid} fen per tonne and the producer receives {price}"


def _totals(books: _Books) -> Iterator[str]:
    """The totals of the report are the sums over its awards."""
    report, market = books.result.report, books.snapshot.kind == "market"
    paid = sum(_fen(award.kg, price) for _, award, price in books.priced())
    subsidy = sum(_fen(award.kg, books.snapshot.subsidy_fen_per_t) for award in books.result.awards)
    if report.paid_fen != (paid if market else None):
        yield f"{report.paid_fen} fen are reported as paid, and {paid} are"
    if report.subsidy_fen != subsidy:
        yield f"{report.subsidy_fen} fen are reported as subsidy, and {subsidy} are"
    fees = books.snapshot.contract_fee_fen * len(books.result.awards)
    if report.fees_fen != fees:
        yield f"{report.fees_fen} fen are reported as the cost of contracts, and {fees} are"
    if (report.surplus is not None) != (books.snapshot.objective == "surplus"):
        yield "a surplus is reported where none is counted, or none where one is"
    if report.surplus is None:
        return
    asked = sum(_fen(award.kg, books.least(award)) for award in books.result.awards)
    bidden = sum(_fen(award.kg, (books.bid(award) or 0) - books.outlay(award)) for award in books.result.awards)
    told = (report.surplus.total_fen, report.surplus.producers_fen, report.surplus.recyclers_fen)
    counted = (bidden - asked, paid - asked, bidden - paid)
    if told != counted:
        yield f"the surplus and its parts are reported as {told} fen, and are {counted}"


def _storage(books: _Books) -> Iterator[str]:
    """
    Waiting costs no listing and no line more than the prices bring it beyond reserve or bid.

    The price of a round for the greatest surplus is a mean over months, rounded to a fen per tonne.
    """
    costs: dict[tuple[str, int], int] = {}
    gains: dict[tuple[str, int], int] = {}
    rounded = 1 if books.snapshot.objective == "surplus" else 0
    for _, award, price in books.priced():
        kept = (books.bid(award) or 0) - books.outlay(award) - price
        for side, own, gain in (
            ("listing", award.listing_id, price - books.least(award)),
            ("line", award.line_id, kept),
        ):
            gains[side, own] = gains.get((side, own), 0) + (gain + rounded) * award.kg
        for wait in award.waits:
            owner = (
                ("listing", award.listing_id, books.lots[award.listing_id].storage_fen_per_t)
                if wait.side == "producer"
                else ("line", award.line_id, books.lines[award.line_id].storage_fen_per_t)
            )
            ends = sum(wait.since <= month < wait.until for month in books.snapshot.months)
            costs[owner[:2]] = costs.get(owner[:2], 0) + wait.kg * owner[2] * ends
    for (side, own), cost in sorted(costs.items()):
        gain = gains.get((side, own), 0)
        if cost > gain:
            yield f"{side} {own}: waiting costs {_fen(1, cost)} fen, and the round brings it {_fen(1, gain)}"


CHECKS: Final[Mapping[str, Callable[[_Books], Iterator[str]]]] = MappingProxyType(
    {"reserves": _reserves, "bids": _bids, "steps": _steps, "balance": _balance, "totals": _totals, "storage": _storage}
)
"""What is asked of prices: individual rationality of both sides, their own storage counted, budget balance by the tonne and in all."""


def _fen(kg: int, fen_per_t: int) -> int:
    """Return whole fen, half to even."""
    whole, rest = divmod(kg * fen_per_t, 1000)
    return whole + (rest > 500 or (rest == 500 and whole % 2))

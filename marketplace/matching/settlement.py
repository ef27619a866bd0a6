"""From kilograms along arcs to what each pair would sign: months, price, freight."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from marketplace.domain.fit import Fit
from marketplace.domain.quantities import Month
from marketplace.matching.assembly import Assembled, Pair

Flows: TypeAlias = Mapping[Pair, Mapping[Month, int]]
"""Kilograms by pair and month; only what is more than zero, sorted."""


@dataclass(frozen=True, kw_only=True)
class Settled:
    """
    Kilograms of a listing for a line, and what a tonne of it costs whom.

    ``price_fen_per_t`` is what the recycler pays the producer at its gate, ``delivered_fen_per_t`` that with freight
    and the expected deduction on top: the price in the contract, off which deductions are taken. None without prices.
    ``filings`` are the ids of those by which the months are open, between provinces.
    """

    listing_id: int
    line_id: int
    months: tuple[tuple[Month, int], ...]
    price_fen_per_t: int | None
    delivered_fen_per_t: int | None
    fit: Fit
    filings: tuple[tuple[Month, int], ...]

    @property
    def pair(self) -> Pair:
        """Listing and line."""
        return self.listing_id, self.line_id

    @property
    def kg(self) -> int:
        """Kilograms over all months."""
        return sum(kg for _, kg in self.months)


def settle(assembled: Assembled, flows: Flows) -> tuple[Settled, ...]:
    """
    Gather the months of each pair to one award, and set its price, sorted by listing and line.

    Raises ValueError for a pair of a market round that has no reserve, no bid or a bid below the reserve.
    """
    return tuple(_settled(assembled, pair, tuple(sorted(months.items()))) for pair, months in sorted(flows.items()))


def gate_price(*, reserve_fen_per_t: int, net_fen_per_t: int) -> int:
    """
    Return the price at the producer's gate: midway between reserve and net bid, a half fen going to the recycler.

    The net bid is the delivered price less freight and expected deductions. Raises ValueError if it is below reserve.

    >>> gate_price(reserve_fen_per_t=-1001, net_fen_per_t=-1000), gate_price(reserve_fen_per_t=2000, net_fen_per_t=3001)
    (-1001, 2500)
    """
    if net_fen_per_t < reserve_fen_per_t:
        raise ValueError("there is no price between a reserve and a bid below it")
    return reserve_fen_per_t + (net_fen_per_t - reserve_fen_per_t) // 2


def _settled(assembled: Assembled, pair: Pair, months: tuple[tuple[Month, int], ...]) -> Settled:
    fit, filing_of = assembled.fits[pair], assembled.filing_of
    price = delivered = None
    if assembled.snapshot.kind == "market":
        reserve = assembled.lots[pair[0]].offered.reserve_fen_per_t
        if reserve is None or fit.net_fen_per_t is None:
            raise ValueError(f"listing {pair[0]} and line {pair[1]} have no two prices to settle between")
        price = gate_price(reserve_fen_per_t=reserve, net_fen_per_t=fit.net_fen_per_t)
        delivered = price + fit.haul.freight_fen_per_t + fit.deduction_fen_per_t
    return Settled(
        listing_id=pair[0],
        line_id=pair[1],
        months=months,
        price_fen_per_t=price,
        delivered_fen_per_t=delivered,
        fit=fit,
        filings=tuple((month, filing_of[*pair, month]) for month, _ in months if (*pair, month) in filing_of),
    )

"""From kilograms along arcs to what each pair would sign: months, price, freight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from marketplace.domain.fit import Fit
from marketplace.domain.quantities import Month
from marketplace.matching.assembly import Assembled, Flows, Pair, least_price
from marketplace.matching.pricesteps import less_of
from marketplace.matching.shares import Shares


@dataclass(frozen=True, kw_only=True)
class Settled:
    """
    Kilograms of a listing for a line, and what a tonne of it costs whom.

    ``price_fen_per_t`` is what the recycler pays the producer at its gate, ``delivered_fen_per_t`` that with freight
    and the expected deduction on top: the price in the contract, off which deductions are taken. None without prices.
    ``less_fen_per_t`` is by how much the bid for it lies below the first price of the line, by its price steps.
    ``filings`` are the ids of those by which the months are open, between provinces.
    """

    listing_id: int
    line_id: int
    months: tuple[tuple[Month, int], ...]
    price_fen_per_t: int | None
    delivered_fen_per_t: int | None
    fit: Fit
    filings: tuple[tuple[Month, int], ...]
    less_fen_per_t: int = 0

    @property
    def net_bid_fen_per_t(self) -> int | None:
        """What the recycler bids at the producer's gate, price steps, freight and expected deductions counted in."""
        return None if self.fit.net_fen_per_t is None else self.fit.net_fen_per_t - self.less_fen_per_t

    @property
    def pair(self) -> Pair:
        """Listing and line."""
        return self.listing_id, self.line_id

    @property
    def kg(self) -> int:
        """Kilograms over all months."""
        return sum(kg for _, kg in self.months)


def settle(assembled: Assembled, flows: Flows, shares: Shares | None = None) -> tuple[Settled, ...]:
    """
    Gather the months of each pair to one award, and set its price, sorted by listing and line.

    ``shares`` are those of a round for the greatest surplus; every other market round settles midway. Raises ValueError
    for a pair of a market round that has no reserve, no bid or a bid below the least price.
    """
    less = less_of(assembled, flows) if assembled.snapshot.kind == "market" else {}
    return tuple(
        _settled(assembled, pair, tuple(sorted(months.items())), less.get(pair, {}), shares)
        for pair, months in sorted(flows.items())
    )


def gate_price(*, least_fen_per_t: int, net_fen_per_t: int) -> int:
    """
    Return the price at the producer's gate: midway between its least and the net bid, a half fen going to the recycler.

    The least price is the reserve less the subsidy, the net bid the delivered price less freight and expected
    deductions. Raises ValueError if the net bid is below the least price.

    >>> gate_price(least_fen_per_t=-1001, net_fen_per_t=-1000), gate_price(least_fen_per_t=2000, net_fen_per_t=3001)
    (-1001, 2500)
    """
    if net_fen_per_t < least_fen_per_t:
        raise ValueError("there is no price between a reserve and a bid below it")
    return least_fen_per_t + (net_fen_per_t - least_fen_per_t) // 2


def shared_price(*, least_fen_per_t: int, shares: Iterable[tuple[int, int]]) -> int:
    """
    Return the price at the producer's gate of a contract over months: the mean of theirs by kilograms, rounded down.

    ``shares`` are the kilograms of each month and what the producer gets there beyond its least price.

    >>> shared_price(least_fen_per_t=-50, shares=[(2000, 100), (1000, 101)])
    50
    """
    masses = list(shares)
    return least_fen_per_t + sum(kg * share for kg, share in masses) // sum(kg for kg, _ in masses)


def _settled(
    assembled: Assembled,
    pair: Pair,
    months: tuple[tuple[Month, int], ...],
    less: Mapping[Month, int],
    shares: Shares | None,
) -> Settled:
    fit, filing_of = assembled.fits[pair], assembled.filing_of
    price = delivered = None
    taken_off = -(-sum(kg * less.get(month, 0) for month, kg in months) // sum(kg for _, kg in months))
    if assembled.snapshot.kind == "market":
        least, net = least_price(assembled.snapshot, assembled.lots[pair[0]]), fit.net_fen_per_t
        if net is None:
            raise ValueError(f"listing {pair[0]} and line {pair[1]} have no two prices to settle between")
        price = gate_price(least_fen_per_t=least, net_fen_per_t=net - taken_off)
        if shares is not None:
            parts = [
                (kg, min(shares.fen_per_t(pair, month, net - least), net - least - less.get(month, 0)))
                for month, kg in months
            ]
            price = shared_price(least_fen_per_t=least, shares=parts)
        delivered = price + fit.haul.freight_fen_per_t + fit.deduction_fen_per_t
    return Settled(
        listing_id=pair[0],
        line_id=pair[1],
        months=months,
        price_fen_per_t=price,
        delivered_fen_per_t=delivered,
        fit=fit,
        filings=tuple((month, filing_of[*pair, month]) for month, _ in months if (*pair, month) in filing_of),
        less_fen_per_t=taken_off,
    )

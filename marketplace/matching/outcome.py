"""An allocation as its readers ask for it: who takes what, what is left, who stands where in whose order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from marketplace.domain.deductions import Limit
from marketplace.domain.fit import Fit, last_day
from marketplace.domain.quantities import Month
from marketplace.domain.results import Stored
from marketplace.domain.waiting import Wait, shifted
from marketplace.matching.assembly import Assembled, Pair, spare
from marketplace.matching.contracts import Cleared
from marketplace.matching.linenodes import Node
from marketplace.matching.means import promised
from marketplace.matching.storage import storage_cost, stored_of, waits_of


@dataclass(frozen=True)
class MeanLeft:
    """How much more of a lot the mean of a line leaves in a month, with the value of the lot and the limit of the mean."""

    kg: int
    property: str
    value: Decimal
    limit: Decimal


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was assembled and what came of it."""

    assembled: Assembled
    cleared: Cleared

    @property
    def load_kg(self) -> int:
        """What moves in whole multiples: a truckload, or a kilogram."""
        return self.assembled.snapshot.truckload_kg or 1

    @property
    def tells_worth(self) -> bool:
        """
        Whether what one more tonne is worth, and how safe an award is, can be told.

        Where a contract costs something, whole truckloads move, or a mean ties lots together, one tonne more can change which
        contracts are made: then the prices of the problem solved last say too little.
        """
        return not (self.assembled.snapshot.contract_fee_fen or self.load_kg > 1 or self.cleared.means)

    @cached_property
    def flows(self) -> Mapping[Pair, Mapping[Month, int]]:
        """Kilograms by pair and month; only what is more than zero, sorted."""
        flows: dict[Pair, dict[Month, int]] = {}
        masses = self.cleared.kg.tolist()
        for (listing_id, line_id, month), kg in zip(self.assembled.arcs, masses, strict=True):
            if kg:
                months = flows.setdefault((listing_id, line_id), {})
                months[month] = months.get(month, 0) + kg  # a line with price steps has several arcs in a month
        return dict(sorted(flows.items()))

    @cached_property
    def left_kg(self) -> Mapping[Node, int]:
        """What is left of each lot by the month in which it is ready, of lots that take no part too."""
        left = {(lot.listing_id, month): kg for lot in self.assembled.snapshot.lots for month, kg in lot.months}
        for pair, months in self.flows.items():
            for month, kg in shifted(months, self.waits.get(pair, ()), "producer").items():
                left[pair[0], month] -= kg
        return left

    @cached_property
    def waits(self) -> Mapping[Pair, tuple[Wait, ...]]:
        """What waits of each pair, in the yard or in front of the line; what was there first goes first."""
        return waits_of(self.assembled.lots, self.assembled.lines, self.flows)

    @cached_property
    def stored(self) -> tuple[Stored, ...]:
        """What waits over the end of each month: listings first, by id and month."""
        return tuple(stored_of(self.assembled.lots, self.assembled.lines, self.waits))

    @cached_property
    def storage_cost(self) -> int:
        """What waiting costs in all, in thousandths of a fen."""
        return storage_cost(self.assembled.lots, self.assembled.lines, self.waits)

    @cached_property
    def room_kg(self) -> Mapping[Node, int]:
        """What room is left at each line by month, as far as its permit of the year goes."""
        room = dict(self.month_room_kg)
        for line_id, line in self.assembled.lines.items():
            for month, _ in line.months if line.year_left_kg else ():
                permitted = self.permit_kg(line_id, month)
                if permitted is not None:
                    room[line_id, month] = min(room[line_id, month], permitted)
        return room

    def permit_kg(self, line_id: int, month: Month) -> int | None:
        """Return how much more a line's permit leaves for the year of a month; None where the months alone say it."""
        left = self.assembled.lines[line_id].left_in(month.year)
        return None if left is None else left - self._taken_in_year.get((line_id, month.year), 0)

    @cached_property
    def _taken_in_year(self) -> Mapping[tuple[int, int], int]:
        taken: dict[tuple[int, int], int] = {}
        for (_, line_id), months in self.flows.items():
            for month, kg in months.items():
                taken[line_id, month.year] = taken.get((line_id, month.year), 0) + kg
        return taken

    @cached_property
    def month_room_kg(self) -> Mapping[Node, int]:
        """What room is left at each line by the month in which it uses what came, whatever its permit says."""
        room = {(line.line_id, month): kg for line in self.assembled.snapshot.lines for month, kg in line.months}
        for pair, months in self.flows.items():
            for month, kg in shifted(months, self.waits.get(pair, ()), "recycler").items():
                room[pair[1], month] -= kg
        return room

    @cached_property
    def lines_of(self) -> Mapping[int, tuple[int, ...]]:
        """The lines that fit each lot, by freight and deductions, of equals the lower id first."""
        return self._ordered(0)

    @cached_property
    def lots_of(self) -> Mapping[int, tuple[int, ...]]:
        """The lots that fit each line, by freight and deductions, of equals the lower id first."""
        return self._ordered(1)

    def _ordered(self, own: int) -> Mapping[int, tuple[int, ...]]:
        found: dict[int, list[tuple[int, int]]] = {}
        for pair, fit in self.assembled.fits.items():
            if fit.verdict == "meets":
                found.setdefault(pair[own], []).append((cost(fit), pair[1 - own]))
        return {key: tuple(other for _, other in sorted(others)) for key, others in found.items()}

    @cached_property
    def missed_by(self) -> Mapping[int, tuple[tuple[int, Fit], ...]]:
        """The lines within reach that take a lot's material and do not fit it, with what stands between."""
        missed: dict[int, list[tuple[int, Fit]]] = {}
        for (listing_id, line_id), fit in self.assembled.fits.items():
            if fit.verdict != "meets":
                missed.setdefault(listing_id, []).append((line_id, fit))
        return {listing_id: tuple(found) for listing_id, found in missed.items()}

    @cached_property
    def taken_by(self) -> Mapping[int, Mapping[Month, tuple[int, ...]]]:
        """The listings that each line takes, by month."""
        taken: dict[int, dict[Month, list[int]]] = {}
        for (listing_id, line_id), months in self.flows.items():
            for month in months:
                taken.setdefault(line_id, {}).setdefault(month, []).append(listing_id)
        return {line: {month: tuple(ids) for month, ids in months.items()} for line, months in taken.items()}

    @cached_property
    def line_node(self) -> Mapping[Node, int]:
        """Where the room of a line in a month stands in the arrays: at the last of several nodes."""
        return {node: place for place, node in enumerate(self.assembled.line_nodes)}

    @cached_property
    def _in_month(self) -> dict[tuple[Pair, Month], Fit]:
        return {}

    @cached_property
    def _beyond(self) -> dict[Pair, Fit]:
        return {}

    def fit_in_any(self, pair: Pair) -> Fit:
        """Return what stands between a lot and a line over the window; of pairs beyond reach too."""
        known = self.assembled.fits.get(pair) or self._beyond.get(pair)
        if known is None:
            known = self._beyond[pair] = self.assembled.check_pair(pair, self.assembled.snapshot.months)
        return known

    def fit(self, pair: Pair, month: Month) -> Fit:
        """Return what stands between a lot and a line in this month; found once."""
        assembled, known = self.assembled, self.fit_in_any(pair)
        if month in known.months:
            return known
        found = self._in_month.get((pair, month))
        if found is None:
            found = assembled.checker.in_month(known, assembled.lots[pair[0]], assembled.lines[pair[1]], month)
            self._in_month[pair, month] = found
        return found

    def carried_kg(self, pair: Pair) -> int:
        """Return what the pair carries over all months."""
        return sum(self.flows.get(pair, {}).values())

    def filed_kg(self, pair: Pair, month: Month) -> int | None:
        """Return how much more the filing that counts may cover between the two in a month; None if none is needed."""
        assembled = self.assembled
        lot, line = assembled.lots[pair[0]], assembled.lines[pair[1]]
        if not assembled.checker.needs_filing(lot, line):
            return None
        in_force = [
            each
            for each in assembled.checker.known_filings(lot, line)
            if each.filing.valid_from <= last_day(month) <= each.filing.valid_to
        ]
        if not in_force:
            return 0
        counts = max(in_force, key=lambda each: (each.filing.remaining_kg, -each.filing_id))
        return counts.filing.remaining_kg - self._filed_under.get(counts.filing_id, 0)

    def cap_kg(self, pair: Pair) -> int | None:
        """Return how much more of the listing its cap leaves for the line's organization; None without a cap."""
        buyer_id = self.assembled.lines[pair[1]].accepting.organization_id
        left = self.assembled.lots[pair[0]].left_for(buyer_id)
        return None if left is None else left - self._bought.get((pair[0], buyer_id), 0)

    def share_kg(self, pair: Pair) -> int | None:
        """Return how much more of the listing the share for small works leaves to the line; None if it leaves all of it."""
        left = self.assembled.lots[pair[0]].others_kg
        if left is None or self.assembled.lines[pair[1]].small_works:
            return None
        taken = (
            kg
            for (listing_id, buyer_id), kg in self._bought.items()
            if listing_id == pair[0] and not self._small[buyer_id]
        )
        return left - sum(taken)

    def step_kg(self, pair: Pair, month: Month) -> int | None:
        """
        Return how much more a line takes in a month at a price that covers the pair; None if its last step does.

        In a round for the most tonnes those that a later step covers make way; in one for the greatest surplus that costs more
        than it brings.
        """
        assembled, line = self.assembled, self.assembled.lines[pair[1]]
        most = spare(assembled.snapshot, assembled.lots[pair[0]], self.fit_in_any(pair)) if line.steps else 0
        beyond = next((step for step in line.steps if step.less_fen_per_t > most), None)
        if beyond is None:
            return None
        stands = self._arriving.get((pair[1], month), {})
        if assembled.snapshot.objective == "utilization":
            least = beyond.less_fen_per_t
            stands = {each: kg for each, kg in stands.items() if assembled.spare_fen_per_t(each) < least}
        left = beyond.beyond_kg - dict(line.stood_kg).get(month, 0)
        return max(0, left - left % self.load_kg - sum(stands.values()))

    @cached_property
    def _arriving(self) -> Mapping[Node, Mapping[Pair, int]]:
        arriving: dict[Node, dict[Pair, int]] = {}
        for pair, months in self.flows.items():
            for month, kg in months.items():
                arriving.setdefault((pair[1], month), {})[pair] = kg
        return arriving

    def limits(self, pair: Pair, month: Month) -> tuple[int, ...]:
        """Return how much more a filing, a cap, the share for small works and a price step leave the pair, each if there is one."""
        found = (self.filed_kg(pair, month), self.cap_kg(pair), self.share_kg(pair), self.step_kg(pair, month))
        return tuple(most for most in found if most is not None)

    def mean_left(self, pair: Pair, month: Month) -> MeanLeft | None:
        """Return what the means of a line leave of a lot whose value is beyond one of them; None if no value is."""
        lot, line = self.assembled.lots[pair[0]].offered, self.assembled.lines[pair[1]]
        least: MeanLeft | None = None
        for limit in line.accepting.limits:
            value = lot.properties.get(limit.property)
            if not limit.monthly_mean or value is None or not limit.holds_for(lot.material):
                continue
            for edge, sign in ((limit.maximum, 1), (limit.minimum, -1)):
                if edge is None or (value - edge) * sign <= 0:
                    continue
                before = promised(line, month, limit, edge)
                spare = -sign * (before + self._off_mean(pair[1], month, limit, edge)) if sign * before <= 0 else 0
                kg = max(0, int(spare // ((value - edge) * sign)))
                if least is None or kg < least.kg:
                    least = MeanLeft(kg, limit.property, value, edge)
        return least

    def _off_mean(self, line_id: int, month: Month, limit: Limit, edge: Decimal) -> Decimal:
        """Return kilograms times the value beyond ``edge``, of all that the round brings to a line in a month."""
        lots = self.assembled.lots
        flows = (
            (self.flows[listing_id, line_id][month], lots[listing_id].offered.properties[limit.property])
            for listing_id in self.taken_by.get(line_id, {}).get(month, ())
            if limit.holds_for(lots[listing_id].offered.material)
        )
        return sum((kg * (value - edge) for kg, value in flows), Decimal(0))

    @cached_property
    def _small(self) -> Mapping[int, bool]:
        """Which organizations are small works."""
        return {line.accepting.organization_id: line.small_works for line in self.assembled.lines.values()}

    @cached_property
    def _bought(self) -> Mapping[tuple[int, int], int]:
        """The kilograms of each listing that each organization gets."""
        bought: dict[tuple[int, int], int] = {}
        for (listing_id, line_id), months in self.flows.items():
            key = (listing_id, self.assembled.lines[line_id].accepting.organization_id)
            bought[key] = bought.get(key, 0) + sum(months.values())
        return bought

    @cached_property
    def _filed_under(self) -> Mapping[int, int]:
        used: dict[int, int] = {}
        for (listing_id, line_id), months in self.flows.items():
            for month, kg in months.items():
                filing_id = self.assembled.filing_of.get((listing_id, line_id, month))
                if filing_id is not None:
                    used[filing_id] = used.get(filing_id, 0) + kg
        return used

    def materials_at(self, line_id: int, months: tuple[Month, ...], *, beside: int) -> tuple[str, ...]:
        """Return the materials that a line takes in these months from others than the producer of a listing."""
        lots = self.assembled.lots
        own = lots[beside].offered.organization_id
        taken = {
            listing_id
            for month in months
            for listing_id in self.taken_by.get(line_id, {}).get(month, ())
            if lots[listing_id].offered.organization_id != own
        }
        return tuple(sorted({lots[listing_id].offered.material for listing_id in taken}))

    def worth_fen_per_t(self, line_id: int, month: Month) -> int:
        """Return what a tonne of further room at the line saves at first; below zero if it costs, 0 if nothing."""
        place = self.line_node.get((line_id, month))
        return 0 if place is None else -int(self.cleared.allocation.line_price[place])

    def is_short(self, line_id: int, month: Month) -> bool:
        """Return whether further room at the line is at first as much more moved."""
        place = self.line_node.get((line_id, month))
        return place is not None and bool(self.cleared.allocation.short_lines[place])


def cost(fit: Fit) -> int:
    """Return what a round counts as the cost of a tonne: freight and expected deductions."""
    return fit.haul.freight_fen_per_t + fit.deduction_fen_per_t

"""What a round for the greatest surplus found, in money, and who gets it."""

from __future__ import annotations

from collections.abc import Iterable

from marketplace.domain.quantities import payable_fen
from marketplace.domain.rounds import ProposedAward, Surplus
from marketplace.matching.assembly import least_price
from marketplace.matching.outcome import Outcome
from marketplace.solver.problem import weighted


def surplus_of(outcome: Outcome, awards: Iterable[ProposedAward], *, least_cost: int) -> Surplus | None:
    """
    Return the surplus of all awards and its parts, None where a round is about something else.

    Every award is rounded to whole fen, so that the parts add up. ``least_cost``, in thousandths of a fen, is that of
    the first plan, which kept no least lot, filing or cap: minus the greatest surplus that there is without them.
    """
    assembled = outcome.assembled
    if assembled.snapshot.objective != "surplus":
        return None
    asked = paid = bidden = 0
    for award in awards:
        fit = assembled.fits[award.listing_id, award.line_id]
        asked += payable_fen(award.kg, least_price(assembled.snapshot, assembled.lots[award.listing_id]))
        paid += payable_fen(award.kg, award.price_fen_per_t or 0)
        bidden += payable_fen(award.kg, (fit.net_fen_per_t or 0) - award.less_fen_per_t)
    missed = weighted(outcome.cleared.kg, assembled.problem.cost) + outcome.storage_cost - least_cost
    return Surplus(
        total_fen=bidden - asked,
        producers_fen=paid - asked,
        recyclers_fen=bidden - paid,
        gap_fen=-(-missed // 1000),
    )

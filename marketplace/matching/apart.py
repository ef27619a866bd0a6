"""What keeps a lot and a line apart that fit and both have something left: means, truckloads, the cost of a contract."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

from marketplace.domain.acceptance import measured
from marketplace.domain.quantities import Month
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.assembly import Pair
from marketplace.matching.changes import AtMean, FullTruck
from marketplace.matching.contracts import least_kg
from marketplace.matching.nearest import could_move, if_it_were, would_fit
from marketplace.matching.outcome import MeanLeft, Outcome

Flip: TypeAlias = "tuple[Sentence, AtMean | FullTruck] | None"

Reason: TypeAlias = "tuple[str, Sentence, Flip]"


def why_apart(outcome: Outcome, pair: Pair, month: Month, limits: tuple[int, ...]) -> Reason | None:
    """
    Return what of the round's own rules keeps the two apart in a month, None if none of these does.

    ``limits`` are what a filing, a cap, a share and a price step leave, each where there is one; each leaves something.
    """
    return next(_reasons(outcome, pair, month, limits), None)


def _reasons(outcome: Outcome, pair: Pair, month: Month, limits: tuple[int, ...]) -> Iterator[Reason]:
    gain = min(outcome.left_kg[pair[0], month], outcome.room_kg[pair[1], month])
    gain = min([gain, *limits])
    mean = outcome.mean_left(pair, month)
    if mean is not None and mean.kg < min(outcome.load_kg, gain):
        yield _mean(outcome, pair, month, mean, gain)
    if gain < outcome.load_kg:
        yield _truckload(outcome, pair, month, limits)
    if outcome.assembled.snapshot.objective == "surplus" and not outcome.carried_kg(pair):
        yield from _no_gain(outcome, pair)
    new = outcome.assembled.snapshot.contract_fee_fen or outcome.load_kg > 1 or outcome.cleared.means
    if new and gain + outcome.carried_kg(pair) >= least_kg(outcome.assembled, pair):
        sentence = Sentence(
            "Both have something left that fits: a better plan may be there, by no more than the proof of the round says."
        )
        yield "gap", sentence, None


def _mean(outcome: Outcome, pair: Pair, month: Month, mean: MeanLeft, gain: int) -> Reason:
    value, limit = measured(mean.property, mean.value), measured(mean.property, mean.limit)
    values = {"mean_property": mean.property, "value": value, "limit": limit, "asked_month": str(month)}
    sentence = Sentence(
        "%(mean_property)s is %(value)s. The mean of what the line takes in %(asked_month)s has its limit at %(limit)s, and"
        " nothing that arrives there balances more of it.",
        values,
    )
    gain -= gain % outcome.load_kg
    enough = gain and gain + outcome.carried_kg(pair) >= least_kg(outcome.assembled, pair)
    if not enough or not would_fit(outcome, pair, month, mean.property, mean.limit):
        return "monthly_mean", sentence, None
    change = could_move(if_it_were(mean.property, limit, value), gain, month)
    return "monthly_mean", sentence, (change, AtMean(pair, mean.property, mean.limit))


def _truckload(outcome: Outcome, pair: Pair, month: Month, limits: tuple[int, ...]) -> Reason:
    """Say on which side less than a truckload is left, and how much more would fill one if it is one side alone."""
    load = outcome.load_kg
    left, room = outcome.left_kg[pair[0], month], outcome.room_kg[pair[1], month]
    values: dict[str, Value] = {"truckload_kg": load, "left_kg": left, "room_kg": room, "asked_month": str(month)}
    if left < load:
        sentence = Sentence(
            "%(left_kg)s t of it are left in %(asked_month)s, less than a truckload of %(truckload_kg)s t.", values
        )
    elif room < load:
        sentence = Sentence(
            "The line has room for %(room_kg)s t more in %(asked_month)s, less than a truckload of %(truckload_kg)s t.",
            values,
        )
    else:
        sentence = Sentence(
            "What its filing, the cap of the listing or its share for small works leaves, or the line takes at a price that"
            " covers it, is less than a truckload of %(truckload_kg)s t.",
            values,
        )
    permitted = outcome.permit_kg(pair[1], month)
    bound = any(most < load for most in limits) or (permitted is not None and permitted < load)
    small = load + outcome.carried_kg(pair) < least_kg(outcome.assembled, pair)
    if bound or small or (left < load and room < load):
        return "part_truckload", sentence, None
    if left < load:
        condition = Sentence("If %(more_kg)s t more of it were offered then", {"more_kg": load - left})
        cause = FullTruck(pair, month, more_offered_kg=load - left)
    else:
        condition = Sentence("If the line had room for %(more_kg)s t more then", {"more_kg": load - room})
        cause = FullTruck(pair, month, more_room_kg=load - room)
    return "part_truckload", sentence, (could_move(condition, load, month), cause)


def _no_gain(outcome: Outcome, pair: Pair) -> Iterator[Reason]:
    """Yield that a contract costs as much as all that could still move between the two would bring."""
    fee_fen = outcome.assembled.snapshot.contract_fee_fen
    gain, could_kg = could_gain(outcome, pair)
    if fee_fen and gain <= 1000 * fee_fen:
        values = {"could_kg": could_kg, "contract_fee_fen": fee_fen}
        sentence = Sentence(
            "A contract costs %(contract_fee_fen)s yuan, and the %(could_kg)s t that could still move there would not bring"
            " more than that.",
            values,
        )
        yield "contract_fee", sentence, None


def could_gain(outcome: Outcome, pair: Pair) -> tuple[int, int]:
    """Return what all that is left of both in all months would bring, in thousandths of a fen, and how much that is."""
    fit = outcome.assembled.fits[pair]
    could = (
        min(outcome.left_kg.get((pair[0], month), 0), outcome.room_kg.get((pair[1], month), 0)) for month in fit.months
    )
    kg = sum(each - each % outcome.load_kg for each in could)
    return kg * outcome.assembled.gain_fen_per_t(pair), kg

"""Why an award is as it is, for each of its readers, down to the figure that decided."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from marketplace.domain.acceptance import measured
from marketplace.domain.fit import Fit
from marketplace.domain.quantities import Month
from marketplace.domain.rounds import Alternative, Explanation, ProposedAward, Snapshot
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.assembly import Pair
from marketplace.matching.outcome import Outcome, cost
from marketplace.matching.settlement import Settled
from marketplace.matching.storagewords import waiting_words

MOST_ALTERNATIVES: Final = 8
"""Other lines named beside an award."""

MOST_BETTER: Final = 3
"""Better placed lines whose case is told in the explanation itself."""


def explain(outcome: Outcome, settled: Settled) -> ProposedAward:
    """
    Return the award with its reasons.

    No reader finds another's reserve or bid in them: they name the settled price, freight, deductions, distances and
    places in the order by freight and deductions, which follow from published tariffs and limits.
    """
    listing_id, line_id = settled.pair
    offered = outcome.assembled.lots[listing_id].offered
    haul = settled.fit.haul
    rank = outcome.lines_of[listing_id].index(line_id) + 1
    alternatives = _alternatives(outcome, settled)
    return ProposedAward(
        listing_id=listing_id,
        line_id=line_id,
        producer_id=offered.organization_id,
        recycler_id=outcome.assembled.lines[line_id].accepting.organization_id,
        material=offered.material,
        months=settled.months,
        price_fen_per_t=settled.price_fen_per_t,
        freight_fen_per_t=haul.freight_fen_per_t,
        deduction_fen_per_t=settled.fit.deduction_fen_per_t,
        delivered_fen_per_t=settled.delivered_fen_per_t,
        great_circle_m=haul.great_circle_m,
        road_m=haul.road_m,
        rank=rank,
        explanation=_explanation(outcome, settled, rank, alternatives),
        alternatives=alternatives,
        filings=settled.filings,
        waits=outcome.waits.get(settled.pair, ()),
        less_fen_per_t=settled.less_fen_per_t,
    )


def _explanation(outcome: Outcome, settled: Settled, rank: int, alternatives: tuple[Alternative, ...]) -> Explanation:
    way = (*_distance(settled.fit), *_deductions(settled.fit), *_balanced(settled.fit), *_of_contract(outcome, settled))
    why = (*_rank(outcome, settled, rank), *_better(alternatives, rank), *_worth(outcome, settled))
    price = tuple(price_rule(outcome.assembled.snapshot))
    waits = tuple(waiting_words(outcome, settled.pair, "producer", "recycler"))
    own = tuple(waiting_words(outcome, settled.pair, "producer", own=True))
    in_front = tuple(waiting_words(outcome, settled.pair, "recycler", own=True))
    return Explanation(
        producer=(*_for_producer(settled), *price, *own, *way, *why),
        recycler=(
            *_for_recycler(settled),
            *price,
            *_steps(settled),
            *in_front,
            *way,
            *_load(outcome, settled),
            *_worth(outcome, settled),
        ),
        park=(*_for_park(settled), *_of_park(outcome, price), *waits, *way, *why),
    )


def _for_producer(settled: Settled) -> Iterator[Sentence]:
    values = _money(settled)
    if settled.price_fen_per_t is None:
        yield _planning(settled)
        return
    if settled.price_fen_per_t < 0:
        yield Sentence(
            "You pay %(fee_fen_per_t)s yuan per tonne to have it taken: %(freight_fen_per_t)s freight and"
            " %(deduction_fen_per_t)s expected deductions, less %(delivered_fen_per_t)s delivered.",
            values,
        )
        return
    yield Sentence(
        "You net %(price_fen_per_t)s yuan per tonne at your gate: %(delivered_fen_per_t)s delivered, less"
        " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions.",
        values,
    )


def _for_recycler(settled: Settled) -> Iterator[Sentence]:
    if settled.price_fen_per_t is None:
        yield _planning(settled)
        return
    if settled.price_fen_per_t < 0:
        yield Sentence(
            "The contract price is %(delivered_fen_per_t)s yuan per tonne delivered: %(freight_fen_per_t)s freight and"
            " %(deduction_fen_per_t)s expected deductions, which you keep, less %(fee_fen_per_t)s that the producer pays.",
            _money(settled),
        )
        return
    yield Sentence(
        "The contract price is %(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s to the producer,"
        " %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s expected deductions, which you keep.",
        _money(settled),
    )


def _steps(settled: Settled) -> Iterator[Sentence]:
    """Tell the recycler, whose price steps nobody else reads, what they take off for this award."""
    if settled.less_fen_per_t:
        yield Sentence(
            "By your price steps the bid for this is %(less_fen_per_t)s yuan per tonne below your first price: what the steps"
            " of a month take off is borne evenly by all that arrives in it, as far as the producers' reserves allow.",
            {"less_fen_per_t": settled.less_fen_per_t},
        )


def _for_park(settled: Settled) -> Iterator[Sentence]:
    if settled.price_fen_per_t is None:
        yield _planning(settled)
        return
    if settled.price_fen_per_t < 0:
        yield Sentence(
            "%(delivered_fen_per_t)s yuan per tonne delivered: %(freight_fen_per_t)s freight and %(deduction_fen_per_t)s"
            " expected deductions, less %(fee_fen_per_t)s that the producer pays.",
            _money(settled),
        )
        return
    yield Sentence(
        "%(delivered_fen_per_t)s yuan per tonne delivered: %(price_fen_per_t)s at the producer's gate,"
        " %(freight_fen_per_t)s freight, %(deduction_fen_per_t)s expected deductions.",
        _money(settled),
    )


def _money(settled: Settled) -> dict[str, Value]:
    """Return the amounts of a tonne; ``fee`` is the price where it is below zero, as the producer pays it."""
    price = settled.price_fen_per_t or 0
    return {
        **({"fee_fen_per_t": -price} if price < 0 else {"price_fen_per_t": price}),
        "delivered_fen_per_t": settled.delivered_fen_per_t,
        "freight_fen_per_t": settled.fit.haul.freight_fen_per_t,
        "deduction_fen_per_t": settled.fit.deduction_fen_per_t,
    }


def _planning(settled: Settled) -> Sentence:
    return Sentence(
        "A planning round leaves prices out: this is a recommendation. Freight is %(freight_fen_per_t)s and expected"
        " deductions are %(deduction_fen_per_t)s yuan per tonne.",
        {
            "freight_fen_per_t": settled.fit.haul.freight_fen_per_t,
            "deduction_fen_per_t": settled.fit.deduction_fen_per_t,
        },
    )


def price_rule(snapshot: Snapshot) -> Iterator[Sentence]:
    """Yield how the prices of a round come about, and what they tell; nothing for a round without any."""
    if snapshot.kind == "planning":
        return
    if snapshot.objective == "surplus":
        yield Sentence(
            "The price lies midway between the least and the greatest at which nobody in this round would gain by dealing"
            " with another, least lots, filings and caps aside; it leaves the producer no less than it asks and the"
            " recycler no more to pay than it bid."
        )
        yield Sentence(
            "It names nobody's reserve or bid. Where few take part it often lies at the limit of one side, which the other"
            " can then tell from it; where many do, it follows from all of them and tells little of any one."
        )
    elif snapshot.subsidy_fen_per_t:
        yield Sentence(
            "The price lies midway between what the producer asks at least, less the subsidy, and what the recycler's price"
            " leaves after freight and deductions."
        )
    else:
        yield Sentence(
            "The price lies midway between what the producer asks at least and what the recycler's price leaves after"
            " freight and deductions."
        )
    if snapshot.subsidy_fen_per_t:
        yield Sentence(
            "Beside the price the producer is paid the round's subsidy of %(subsidy_fen_per_t)s yuan per tonne; with it the"
            " producer nets no less than it asks.",
            {"subsidy_fen_per_t": snapshot.subsidy_fen_per_t},
        )


def _of_park(outcome: Outcome, price: tuple[Sentence, ...]) -> tuple[Sentence, ...]:
    """Return what the park is told of the price: of a plain round for the tonnes it reads the rule elsewhere."""
    snapshot = outcome.assembled.snapshot
    return price if snapshot.objective == "surplus" or snapshot.subsidy_fen_per_t else ()


def _distance(fit: Fit) -> Iterator[Sentence]:
    if fit.haul.origin == "circuity":
        yield Sentence(
            "%(road_m)s km by road: %(great_circle_m)s km in a straight line times %(circuity)s.",
            {
                "road_m": fit.haul.road_m,
                "great_circle_m": fit.haul.great_circle_m,
                "circuity": f"{Decimal(fit.haul.circuity_permille) / 1000:.2f}",
            },
        )
    else:
        yield Sentence("%(road_m)s km by road, as measured.", {"road_m": fit.haul.road_m})


def _deductions(fit: Fit) -> Iterator[Sentence]:
    for each in fit.deductions:
        yield Sentence(
            "%(deducted_property)s is %(value)s against a limit of %(limit)s: %(by_limit_fen_per_t)s yuan per tonne"
            " are taken off.",
            {
                "deducted_property": each.property,
                "value": measured(each.property, each.value),
                "limit": measured(each.property, each.limit),
                "by_limit_fen_per_t": each.fen_per_t,
            },
        )


def _balanced(fit: Fit) -> Iterator[Sentence]:
    """Say what the mean of a month at the line has to balance."""
    for each in fit.balanced:
        yield each.sentence


def _of_contract(outcome: Outcome, settled: Settled) -> Iterator[Sentence]:
    """Say what the round counts for one more contract, and how many truckloads it is."""
    snapshot = outcome.assembled.snapshot
    if snapshot.contract_fee_fen:
        yield Sentence(
            "The round counts %(contract_fee_fen)s yuan for weighing, sampling and papers of this contract; they are part of"
            " no price.",
            {"contract_fee_fen": snapshot.contract_fee_fen},
        )
    if snapshot.truckload_kg is not None:
        yield Sentence(
            "Whole truckloads of %(truckload_kg)s t move in each month: %(loads)s in all.",
            {"truckload_kg": snapshot.truckload_kg, "loads": settled.kg // snapshot.truckload_kg},
        )


def _rank(outcome: Outcome, settled: Settled, rank: int) -> Iterator[Sentence]:
    fitting = len(outcome.lines_of[settled.listing_id])
    if fitting == 1:
        yield Sentence("It is the only line that fits.")
    elif rank == 1:
        yield Sentence(
            "Of the %(fitting)s lines that fit, freight and deductions are lowest here.", {"fitting": fitting}
        )
    else:
        yield Sentence(
            "By freight and deductions the line is number %(rank)s of the %(fitting)s that fit.",
            {"rank": rank, "fitting": fitting},
        )


def _better(alternatives: tuple[Alternative, ...], rank: int) -> Iterator[Sentence]:
    better = [each for each in alternatives if each.rank is not None and each.rank < rank]
    for each in better[:MOST_BETTER]:
        yield Sentence("Number %(rank)s: %(reason)s", {"rank": each.rank, "reason": each.sentence})


def _worth(outcome: Outcome, settled: Settled) -> Iterator[Sentence]:
    """Say what the cut and the prices prove: of the first kilograms, and of the problem without least lots, filings and caps."""
    if not outcome.tells_worth:
        return
    full = [
        month
        for month, _ in settled.months
        if outcome.month_room_kg.get((settled.line_id, month)) == 0 and outcome.permit_kg(settled.line_id, month) != 0
    ]
    short = [month for month in full if outcome.is_short(settled.line_id, month)]
    if short:
        yield Sentence(
            "The line is full in %(full_month)s: further room there would at first be as much more put to use, least"
            " lots, filings and caps aside.",
            {"full_month": str(short[0])},
        )
        return
    if full and outcome.assembled.snapshot.objective == "surplus":
        yield from _worth_in_surplus(outcome, settled, full)
        return
    worth, month = max(
        ((outcome.worth_fen_per_t(settled.line_id, month), month) for month in reversed(full)),
        key=lambda found: found[0],
        default=(0, None),
    )
    if worth > 0 and outcome.assembled.problem.carry.cost.any():
        yield Sentence(
            "The line is full in %(full_month)s: further room there would at first save %(worth_fen_per_t)s yuan of freight,"
            " deductions and storage per tonne, least lots, filings and caps aside.",
            {"full_month": str(month), "worth_fen_per_t": worth},
        )
    elif worth > 0:
        yield Sentence(
            "The line is full in %(full_month)s: further room there would at first save %(worth_fen_per_t)s yuan of freight"
            " and deductions per tonne, least lots, filings and caps aside.",
            {"full_month": str(month), "worth_fen_per_t": worth},
        )


def _worth_in_surplus(outcome: Outcome, settled: Settled, full: list[Month]) -> Iterator[Sentence]:
    """Say in which month further room would bring more; how much would tell of reserves and bids."""
    sought = [month for month in full if outcome.worth_fen_per_t(settled.line_id, month) > 0]
    if sought:
        yield Sentence(
            "The line is full in %(full_month)s: further room there would at first bring a greater surplus, least lots,"
            " filings and caps aside.",
            {"full_month": str(sought[0])},
        )


def _load(outcome: Outcome, settled: Settled) -> Iterator[Sentence]:
    lots = outcome.lots_of[settled.line_id]
    if len(lots) > 1:
        yield Sentence(
            "By freight and deductions the lot is number %(rank)s of the %(fitting)s that fit the line.",
            {"rank": lots.index(settled.listing_id) + 1, "fitting": len(lots)},
        )
    line = outcome.assembled.lines[settled.line_id]
    room = line.accepting.room_kg or 0
    filled = sum(kg - outcome.month_room_kg[settled.line_id, month] for month, kg in line.months)
    yield Sentence(
        "The round fills %(filled_kg)s t of the line's %(room_kg)s t.", {"filled_kg": filled, "room_kg": room}
    )


def _alternatives(outcome: Outcome, settled: Settled) -> tuple[Alternative, ...]:
    """Return the lines beside the one awarded: those that fit by rank, then those that nearly do."""
    ranked = outcome.lines_of[settled.listing_id]
    months = tuple(month for month, _ in settled.months)
    beside = [
        _fitting(outcome, settled, (settled.listing_id, line_id), rank, months)
        for rank, line_id in enumerate(ranked[: MOST_ALTERNATIVES + 1], start=1)
        if line_id != settled.line_id
    ][:MOST_ALTERNATIVES]
    missed = sorted(
        (fit.verdict != "needs_test", len(fit.reasons), cost(fit), line_id)
        for line_id, fit in outcome.missed_by.get(settled.listing_id, ())
    )
    spare = MOST_ALTERNATIVES - len(beside)
    near = [_missing(outcome, (settled.listing_id, line_id)) for *_, line_id in missed[:spare]]
    return (*beside, *near)


def _missing(outcome: Outcome, pair: Pair) -> Alternative:
    fit = outcome.assembled.fits[pair]
    first = fit.reasons[0]
    return _alternative(outcome, pair, None, first.code, first.sentence)


def _fitting(outcome: Outcome, settled: Settled, pair: Pair, rank: int, months: tuple[Month, ...]) -> Alternative:
    """Say why a line that fits takes no more of the lot in the months of the award."""
    taken = sum(outcome.flows.get(pair, {}).values())
    in_months = tuple(month for month in months if month in outcome.assembled.fits[pair].months)
    room = sum(outcome.room_kg.get((pair[1], month), 0) for month in in_months)
    higher = cost(outcome.assembled.fits[pair]) - cost(settled.fit)
    filed_out = any(outcome.filed_kg(pair, month) == 0 for month in months)
    if pair in outcome.cleared.too_small:
        code, why = "least_lot", Sentence("what was left for it lay below the least lot.")
    elif pair in outcome.cleared.limited and filed_out:
        code, why = "filing_exhausted", Sentence("the filing across provinces has no more tonnes.")
    elif pair in outcome.cleared.limited and outcome.cap_kg(pair) == 0:
        code, why = "cap_per_buyer", Sentence("by the listing's own rule this buyer gets no more of it.")
    elif pair in outcome.cleared.limited and outcome.share_kg(pair) == 0:
        code, why = "kept_for_small", Sentence("what is left of it is kept for small works.")
    elif not in_months:
        code, why = "closed_months", Sentence("it is not open in these months.")
    elif room == 0 and any(outcome.month_room_kg.get((pair[1], month), 0) for month in in_months):
        year = {"asked_year": str(in_months[0].year)}
        code, why = "permit_used_up", Sentence("its permit has no more tonnes for %(asked_year)s.", year)
    elif room == 0:
        code, why = "capacity_full", _full(outcome, pair, in_months)
    elif (own := _of_the_round(outcome, pair, in_months, dearer=higher > 0, taken=taken)) is not None:
        code, why = own
    elif outcome.assembled.snapshot.objective == "surplus":
        code, why = "no_more_surplus", Sentence("moving it there would not bring a greater surplus.")
    elif higher > 0:
        code = "dearer"
        why = Sentence(
            "freight and deductions are %(higher_fen_per_t)s yuan per tonne higher.", {"higher_fen_per_t": higher}
        )
    else:
        code, why = "equal", Sentence("moving it there would not make the whole cheaper.")
    if taken:
        why = Sentence("takes %(taken_kg)s t of this lot too; %(reason)s", {"taken_kg": taken, "reason": why})
    return _alternative(outcome, pair, rank, code, why)


def _of_the_round(
    outcome: Outcome, pair: Pair, months: tuple[Month, ...], *, dearer: bool, taken: int
) -> tuple[str, Sentence] | None:
    """Return what of truckloads, means and the cost of a contract speaks against more of a lot at a line with room."""
    snapshot, load = outcome.assembled.snapshot, outcome.load_kg
    if all(outcome.room_kg.get((pair[1], month), 0) < load for month in months):
        return "part_truckload", Sentence("it has room for less than a truckload.")
    means = [outcome.mean_left(pair, month) for month in months]
    if all(mean is not None and mean.kg < load for mean in means) and means[0] is not None:
        values = {"mean_property": means[0].property}
        return "monthly_mean", Sentence(
            "the limit of the mean of %(mean_property)s there leaves no more of it in.", values
        )
    if snapshot.contract_fee_fen and not taken and (snapshot.objective == "surplus" or not dearer):
        values_of_fee = {"contract_fee_fen": snapshot.contract_fee_fen}
        return "contract_fee", Sentence("one more contract there would cost %(contract_fee_fen)s yuan.", values_of_fee)
    return None


def _full(outcome: Outcome, pair: Pair, months: tuple[Month, ...]) -> Sentence:
    others = outcome.materials_at(pair[1], months, beside=pair[0])
    if not others:
        return Sentence("it is full.")
    return Sentence("it is full with %(others_material)s of other producers.", {"others_material": others})


def _alternative(outcome: Outcome, pair: Pair, rank: int | None, code: str, sentence: Sentence) -> Alternative:
    fit = outcome.assembled.fits[pair]
    return Alternative(
        line_id=pair[1],
        rank=rank,
        code=code,
        sentence=sentence,
        kg=sum(outcome.flows.get(pair, {}).values()),
        road_m=fit.haul.road_m,
        freight_fen_per_t=fit.haul.freight_fen_per_t,
        deduction_fen_per_t=fit.deduction_fen_per_t,
    )

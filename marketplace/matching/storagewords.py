"""What waits, in words: to its owner with what it costs, to the park with where and until when."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from marketplace.domain.quantities import payable_fen
from marketplace.domain.waiting import Side, Wait, over_month_ends
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.assembly import Pair
from marketplace.matching.outcome import Outcome

MOST_TOLD: Final = 2
"""Waits of one side that are told one by one; more are summed up."""


def waiting_words(outcome: Outcome, pair: Pair, *sides: Side, own: bool = False) -> Iterator[Sentence]:
    """Say what waits of a pair with these sides; to its ``own`` side with what that costs, which is nobody else's affair."""
    for side in sides:
        waits = [wait for wait in outcome.waits.get(pair, ()) if wait.side == side]
        if len(waits) > MOST_TOLD:
            yield _summed_up(outcome, pair, waits, own=own)
            continue
        for wait in waits:
            yield _to_its_owner(outcome, pair, wait) if own else _to_others(wait)


def _summed_up(outcome: Outcome, pair: Pair, waits: list[Wait], *, own: bool) -> Sentence:
    values: dict[str, Value] = {
        "most_kg": max(over_month_ends(waits).values()),
        "since_month": str(min(wait.since for wait in waits)),
        "until_month": str(max(wait.until for wait in waits)),
    }
    producer = waits[0].side == "producer"
    if not own and producer:
        return Sentence(
            "From %(since_month)s to %(until_month)s up to %(most_kg)s t at a time wait in the plant's yard for a later month.",
            values,
        )
    if not own:
        return Sentence(
            "From %(since_month)s to %(until_month)s up to %(most_kg)s t at a time wait in front of the line for a later month.",
            values,
        )
    rate = _rate(outcome, pair, waits[0])
    values["waiting_fen"] = payable_fen(sum(wait.kg * len(wait.month_ends) for wait in waits), rate)
    if producer:
        return Sentence(
            "From %(since_month)s to %(until_month)s up to %(most_kg)s t at a time wait in your yard for a later month. By your"
            " own figure that costs you %(waiting_fen)s yuan in all; it is in no price.",
            values,
        )
    return Sentence(
        "From %(since_month)s to %(until_month)s up to %(most_kg)s t at a time wait in front of your line for a later month. By"
        " your own figure that costs you %(waiting_fen)s yuan in all; it is in no price.",
        values,
    )


def _to_others(wait: Wait) -> Sentence:
    if wait.side == "producer":
        return Sentence(
            "%(waiting_kg)s t are ready in %(since_month)s, wait in the plant's yard and are fetched in %(until_month)s.",
            _values(wait),
        )
    return Sentence(
        "%(waiting_kg)s t arrive in %(since_month)s, wait in front of the line and are used in %(until_month)s.",
        _values(wait),
    )


def _to_its_owner(outcome: Outcome, pair: Pair, wait: Wait) -> Sentence:
    rate = _rate(outcome, pair, wait)
    values = _values(wait) | {"waiting_fen": payable_fen(wait.kg * len(wait.month_ends), rate)}
    if wait.side == "producer":
        return Sentence(
            "%(waiting_kg)s t are ready in %(since_month)s, wait in your yard and are fetched in %(until_month)s. By your own"
            " figure that costs you %(waiting_fen)s yuan; it is in no price.",
            values,
        )
    return Sentence(
        "%(waiting_kg)s t arrive in %(since_month)s, wait in front of your line and are used in %(until_month)s. By your own"
        " figure that costs you %(waiting_fen)s yuan; it is in no price.",
        values,
    )


def _rate(outcome: Outcome, pair: Pair, wait: Wait) -> int:
    of = outcome.assembled
    return of.lots[pair[0]].storage_fen_per_t if wait.side == "producer" else of.lines[pair[1]].storage_fen_per_t


def _values(wait: Wait) -> dict[str, Value]:
    return {"waiting_kg": wait.kg, "since_month": str(wait.since), "until_month": str(wait.until)}

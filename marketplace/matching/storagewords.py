"""What waits, in words: to its owner with what it costs, to the park with where and until when."""

from __future__ import annotations

from collections.abc import Iterator

from marketplace.domain.quantities import payable_fen
from marketplace.domain.waiting import Side, Wait
from marketplace.domain.wording import Sentence, Value
from marketplace.matching.assembly import Pair
from marketplace.matching.outcome import Outcome


def waiting_words(outcome: Outcome, pair: Pair, *sides: Side, own: bool = False) -> Iterator[Sentence]:
    """Say what waits of a pair with these sides; to its ``own`` side with what that costs, which is nobody else's affair."""
    for wait in outcome.waits.get(pair, ()):
        if wait.side in sides:
            yield _to_its_owner(outcome, pair, wait) if own else _to_others(wait)


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
    of = outcome.assembled
    rate = of.lots[pair[0]].storage_fen_per_t if wait.side == "producer" else of.lines[pair[1]].storage_fen_per_t
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


def _values(wait: Wait) -> dict[str, Value]:
    return {"waiting_kg": wait.kg, "since_month": str(wait.since), "until_month": str(wait.until)}
